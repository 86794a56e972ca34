//! Subscriptions since 2026-07-28: a request whose stream stays open.

use serde_json::{Value, json};

use crate::{
    program::{Program, stateless},
    server::{Published, Server},
};

const LISTEN: &str = "subscriptions/listen";
const CHANGED: &str = "notifications/tools/list_changed";
const ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A program that listens, and was told so.
async fn listening(server: &Server, ids: &[u64]) -> Program {
    let mut program = Program::start(server.url());
    for id in ids {
        listen(&mut program, *id).await;
    }
    program
}

async fn listen(program: &mut Program, id: u64) {
    let wanted = json!({ "toolsListChanged": true, "future": [id] });
    program.request(id, LISTEN, json!({ "notifications": wanted, "_meta": stateless() })).await;
    let first = program.next().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    assert_eq!(first["params"]["notifications"], wanted);
    assert_eq!(first["params"]["_meta"][ID], id);
}

/// Calls a tool. The answer is the next message.
async fn expect_a_call(program: &mut Program, id: u64) {
    program.call_stateless(id, "json", json!({})).await;
    let answer = program.next().await;
    assert_eq!((&answer["id"], answer["result"].is_object()), (&json!(id), true), "{answer}");
}

#[tokio::test]
async fn a_program_that_listens_is_told_of_changes_and_calls_meanwhile() {
    let server = Server::new().await;
    let mut program = listening(&server, &[1]).await;
    expect_a_call(&mut program, 2).await;
    for number in 0..10 {
        server.publish(Published::Notification(CHANGED, json!({ "new": number })));
        expect_changed(&mut program, 1, number).await;
    }
    expect_a_call(&mut program, 3).await;

    let headers = server.message(LISTEN).headers;
    assert_eq!(
        (&*headers["mcp-method"], &*headers["mcp-protocol-version"]),
        (LISTEN, "2026-07-28")
    );
    assert!(!headers.contains_key("mcp-name") && !headers.contains_key("mcp-session-id"));
    assert!(server.seen("GET").is_empty());
}

async fn expect_changed(program: &mut Program, id: u64, number: u64) {
    let changed = program.next().await;
    let expected = json!({ "new": number, "_meta": { ID: id } });
    assert_eq!((&changed["method"], &changed["params"]), (&json!(CHANGED), &expected));
}

#[tokio::test]
async fn a_program_that_stops_listening_closes_that_stream_alone() {
    let server = Server::new().await;
    let mut program = listening(&server, &[1, 2]).await;
    program.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    server.until_dropped("1").await;
    server.publish(Published::Notification(CHANGED, json!({ "new": 7 })));
    expect_changed(&mut program, 2, 7).await;
    assert!(server.messages("notifications/cancelled").is_empty());
    // What was cancelled has no answer, and its id is free again.
    listen(&mut program, 1).await;
    assert_eq!(server.messages(LISTEN).len(), 3);
}

#[tokio::test]
async fn a_subscription_that_breaks_is_an_error_and_the_program_listens_again() {
    let server = Server::new().await;
    let mut program = listening(&server, &[1]).await;
    server.publish(Published::End);
    let said = program.error(1).await;
    assert!(said.contains("ended the stream; listen again"), "{said}");
    assert!(server.seen("GET").is_empty());
    assert_eq!(server.messages(LISTEN).len(), 1, "the bridge does not listen by itself");
    listen(&mut program, 1).await;
    server.publish(Published::Notification(CHANGED, json!({ "new": 1 })));
    expect_changed(&mut program, 1, 1).await;
}

#[tokio::test]
async fn the_result_that_ends_a_subscription_reaches_the_program() {
    let server = Server::new().await;
    let mut program = listening(&server, &[1]).await;
    let result = json!({ "resultType": "complete", "_meta": { ID: 1, "x": 1 } });
    server.publish(Published::Result(result.clone()));
    let (answer, before) = program.answer(1).await;
    assert_eq!((&answer["result"], before), (&result, Vec::<Value>::new()));
    expect_a_call(&mut program, 2).await;
}

#[tokio::test]
async fn the_end_of_the_input_ends_a_program_that_listens() {
    let server = Server::new().await;
    let program = listening(&server, &[1]).await;
    let ending = program.end().await;
    assert_eq!((ending.code, ending.rest), (Some(0), Vec::<String>::new()), "{}", ending.stderr);
    server.until_dropped("1").await;
}
