//! Sessions and streams up to 2025-11-25.

use serde_json::json;

use crate::{program::Program, server::Server};

#[tokio::test]
async fn a_session_is_opened_followed_and_ended() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    let changed = program.next().await;
    assert_eq!(changed["params"]["from"], "the session");
    program.call(1, "json").await;
    program.answer(1).await;
    assert_eq!(program.end().await.code, Some(0));

    let opening = server.message("initialize");
    assert!(!opening.headers.contains_key("mcp-session-id"));
    assert!(!opening.headers.contains_key("mcp-protocol-version"));
    let [stream] = &server.seen("GET")[..] else { panic!("one stream") };
    let [end] = &server.seen("DELETE")[..] else { panic!("one end") };
    let opened = server.message("notifications/initialized");
    for seen in [&opened, &server.message("tools/call"), stream, end] {
        assert_eq!(seen.headers["mcp-session-id"], "s1", "{seen:?}");
        assert_eq!(seen.headers["mcp-protocol-version"], "2025-11-25", "{seen:?}");
        assert!(!seen.headers.contains_key("mcp-method"), "{seen:?}");
    }
    assert_eq!(opened.headers["accept"], "application/json, text/event-stream");
    assert_eq!(stream.headers["accept"], "text/event-stream");
}

#[tokio::test]
async fn a_stream_that_ends_is_continued_and_the_call_is_not_repeated() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    for (id, tool) in [(1, "resumed"), (2, "polled")] {
        program.call(id, tool).await;
        let (answer, _) = program.answer(id).await;
        assert_eq!(answer["result"]["resumed"], true);
        assert_eq!(server.calls(tool), 1);
    }
    let resumed = server.seen("GET").into_iter();
    let resumed = resumed
        .filter(|seen| seen.headers.get("last-event-id").is_some_and(|last| last == "resumed-1"));
    assert_eq!(resumed.count(), 1);
}

#[tokio::test]
async fn a_stream_without_a_position_ends_its_call_with_an_error() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call(1, "cut").await;
    let (answer, before) = program.answer(1).await;
    assert_eq!(before[0]["params"]["data"], "so far");
    assert!(answer["error"]["message"].as_str().unwrap().contains("may have run"), "{answer}");
    assert_eq!(server.calls("cut"), 1);
}

#[tokio::test]
async fn a_call_is_cancelled_by_the_notification() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    program.call(1, "hang").await;
    server.until_seen("tools/call", 1).await;
    let params = json!({ "requestId": 1, "reason": "why" });
    program.notify("notifications/cancelled", params.clone()).await;
    server.until_dropped("hang").await;
    assert_eq!(server.message("notifications/cancelled").body["params"], params);
    // Later ones are about nothing.
    program.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    program.call(2, "json").await;
    program.answer(2).await;
    assert_eq!(server.messages("notifications/cancelled").len(), 1);
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_replaced_and_the_call_is_not_repeated() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    program.call(1, "gone").await;
    let said = program.error(1).await;
    assert!(said.contains("has ended the session, and a new one is open"), "{said}");
    assert_eq!(server.calls("gone"), 1);
    let openings = server.messages("initialize");
    assert_eq!(openings.len(), 2);
    assert_eq!(openings[0].text, openings[1].text);
    assert!(!openings[1].headers.contains_key("mcp-session-id"));
    program.call(2, "json").await;
    program.answer(2).await;
    let last = server.messages("tools/call").pop().unwrap();
    assert_eq!(last.headers["mcp-session-id"], "s2");
    assert_eq!(server.messages("notifications/initialized").len(), 2);
    assert_eq!(server.seen("GET").last().unwrap().headers["mcp-session-id"], "s2");
    program.end().await;
    assert_eq!(server.seen("DELETE").last().unwrap().headers["mcp-session-id"], "s2");
}
