//! What is passed on, and how.

use serde_json::json;

use crate::{program::Program, server::Server};

#[tokio::test]
async fn messages_are_passed_on_as_they_came() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    // What no one knows, spellings that a parser would change, and the order of members.
    let line =
        r#"{ "zz": [1.50, 1e2, "\u00e9\/"], "jsonrpc" : "2.0",  "method":"x/y", "id": "a-1" }"#;
    program.write(line).await;
    assert_eq!(program.next().await["id"], "a-1");
    assert_eq!(server.message("x/y").text, line);
    program.call(7, "spread").await;
    assert_eq!(
        program.next_line().await,
        r#"{   "jsonrpc": "2.0",    "id": 7,    "result": { "é": 1.50, "execution": null } }"#
    );
    let opened = program.open().await;
    assert_eq!(opened["result"]["x"]["new"], 1);
    let ending = program.end().await;
    assert_eq!((ending.code, ending.stderr.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_its_order() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    for id in 0..5 {
        program.call(id, "burst").await;
        let (_, before) = program.answer(id).await;
        let numbers = before.iter().map(|one| one["params"]["progress"].as_u64().unwrap());
        assert!(numbers.eq(0..500));
    }
}

#[tokio::test]
async fn calls_run_beside_each_other() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call(1, "silent").await;
    for id in 2..50 {
        program.call(id, "json").await;
    }
    let mut answered = Vec::new();
    for _ in 2..50 {
        answered.push(program.next().await["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq(2..50));
}

#[tokio::test]
async fn the_server_asks_and_the_program_answers() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    program.call(1, "ask").await;
    let ask = loop {
        let message = program.next().await;
        if message["method"] == "elicitation/create" {
            break message;
        }
    };
    assert_eq!((&ask["id"], &ask["params"]["future"]), (&json!("q"), &json!([1])));
    let response = json!({ "jsonrpc": "2.0", "id": "q", "result": { "action": "accept", "y": 1 } });
    program.write(&response.to_string()).await;
    assert_eq!(program.answer(1).await.0["result"], json!({ "content": [] }));
    assert_eq!(server.responses(), [response]);
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_goes_nowhere() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    for (line, code) in [
        ("no json", -32700),
        ("{\"jsonrpc\":\"2.0\"", -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        (r#"{"id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#, -32600),
    ] {
        program.write(line).await;
        let answer = program.next().await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(null), &json!(code)),
            "{line}"
        );
    }
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "x".repeat(17 << 20));
    program.write(&long).await;
    assert!(program.next().await["error"]["message"].as_str().unwrap().contains("a line has more"));
    assert!(server.seen("POST").is_empty());
    program.call(2, "json").await;
    assert_eq!(program.next().await["id"], 2);
}

#[tokio::test]
async fn an_id_is_used_once_at_a_time_and_calls_are_bounded() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call(1, "silent").await;
    program.call(1, "json").await;
    assert!(program.error(1).await.contains("has no answer yet"));
    for id in 2..=256 {
        program.call(id, "silent").await;
    }
    program.call(257, "json").await;
    assert!(program.error(257).await.contains("more than 256 requests"));
    assert_eq!(server.calls("json"), 0);
    program.notify("notifications/cancelled", json!({ "requestId": 9 })).await;
    server.until_dropped("silent").await;
    program.call(258, "json").await;
    assert_eq!(program.next().await["id"], 258);
}
