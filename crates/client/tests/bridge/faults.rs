//! A server that does not do what it should.

use serde_json::json;

use crate::{program::Program, server::Server};

#[tokio::test]
async fn each_call_is_answered_once_whatever_the_server_does() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    for (id, tool, words) in [
        (1, "garbage", "did not answer the way an MCP server does"),
        (2, "page", "did not answer the way an MCP server does"),
        (3, "accepted", "did not answer the way an MCP server does"),
        (4, "gzip", "did not answer the way an MCP server does"),
        (5, "elsewhere", "redirects are not followed"),
        (6, "down", "answered with HTTP 502 Bad Gateway; try again later (Retry-After: 7)"),
        (7, "short", "broke off"),
        (8, "reset", "broke before the answer was there"),
        (9, "gone", "HTTP 404"),
        (10, "long", "may have run"),
    ] {
        program.call(id, tool).await;
        let (answer, _) = program.answer(id).await;
        let said = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(said.contains(words), "{tool}: {said}");
        assert_eq!(answer["error"]["code"], -32000, "{tool}");
        assert_eq!(server.calls(tool), 1, "{tool} is not called twice");
    }
    program.call(11, "json").await;
    assert_eq!(program.next().await["id"], 11);
}

#[tokio::test]
async fn an_error_of_the_server_is_passed_on() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call(1, "refused").await;
    let error = json!({ "code": -32020, "message": "no", "data": { "why": 1 } });
    assert_eq!(program.next().await, json!({ "jsonrpc": "2.0", "id": 1, "error": error }));
    program.call(2, "unknown").await;
    let unknown = program.next().await;
    assert_eq!((&unknown["id"], &unknown["x"]), (&json!(2), &json!(1)), "verbatim");
}

#[tokio::test]
async fn what_is_no_message_does_not_reach_the_program() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call(1, "other").await;
    let (answer, before) = program.answer(1).await;
    assert!(answer.get("result").is_some() && before.is_empty(), "{before:?}");
    program.call(2, "json").await;
    let (_, before) = program.answer(2).await;
    assert!(before.is_empty(), "the second answer to the first call is dropped: {before:?}");
    let ending = program.end().await;
    assert!(ending.stderr.contains("something else than a message"), "{}", ending.stderr);
}

#[tokio::test]
async fn a_server_that_is_down_may_come_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let mut program = Program::start(&url);
    for id in 1..4 {
        program.call(id, "json").await;
        let said = program.error(id).await;
        assert!(said.contains("cannot reach"), "{said}");
    }
    let ending = program.end().await;
    assert_eq!(ending.code, Some(0));
    assert!(ending.stderr.lines().all(|line| line.starts_with("bridge: ")), "{}", ending.stderr);
}

#[tokio::test]
async fn a_token_does_not_leave_this_machine_over_plain_http() {
    let program = Program::start_with(&["bridge", "http://mcp.example/mcp", "--token-file", "t"]);
    assert_eq!(program.end().await.code, Some(2));
    let program = Program::start_with(&["bridge", "http://localhost:1/", "--token-file", "-"]);
    let ending = program.end().await;
    assert!(ending.stderr.contains("stdin is for the program's messages"), "{}", ending.stderr);
    let program = Program::start_with(&["bridge", "http://a:1/", "--url", "http://b:1/"]);
    assert_eq!(program.end().await.code, Some(2));
}
