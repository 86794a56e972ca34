//! Requests since 2026-07-28.

use serde_json::json;

use crate::{
    program::{Program, stateless},
    server::Server,
};

#[tokio::test]
async fn the_headers_repeat_the_body() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.request(1, "tools/list", json!({ "_meta": stateless() })).await;
    let (list, _) = program.answer(1).await;
    let names = list["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]);
    assert!(names.eq([&json!("json")]), "the tool with a wrong annotation is left out: {list}");
    program.call_stateless(2, "json", json!({ "region": "Zürich" })).await;
    program.answer(2).await;
    program.request(3, "resources/read", json!({ "uri": "x:é", "_meta": stateless() })).await;
    program.answer(3).await;

    let list = server.message("tools/list").headers;
    assert_eq!(
        (&*list["mcp-method"], &*list["mcp-protocol-version"]),
        ("tools/list", "2026-07-28")
    );
    assert!(!list.contains_key("mcp-name") && !list.contains_key("mcp-session-id"));
    let call = server.message("tools/call").headers;
    assert_eq!(
        (&*call["mcp-name"], &*call["mcp-param-region"]),
        ("json", "=?base64?WsO8cmljaA==?=")
    );
    assert_eq!(server.message("resources/read").headers["mcp-name"], "=?base64?eDrDqQ==?=");
    assert!(server.seen("GET").is_empty());
    assert_eq!(program.end().await.code, Some(0));
    assert!(server.seen("DELETE").is_empty());
}

#[tokio::test]
async fn a_call_is_cancelled_by_the_end_of_its_connection() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call_stateless(1, "hang", json!({})).await;
    server.until_seen("tools/call", 1).await;
    program.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    server.until_dropped("hang").await;
    assert!(server.messages("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn a_stream_is_not_resumed() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call_stateless(1, "resumed", json!({})).await;
    assert!(program.error(1).await.contains("may have run"));
    assert!(server.seen("GET").is_empty());
}

#[tokio::test]
async fn a_404_is_an_error_of_the_server_and_no_lost_session() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    program.call_stateless(1, "gone", json!({})).await;
    assert!(program.error(1).await.contains("HTTP 404"));
    assert_eq!(server.messages("initialize").len(), 1);
}
