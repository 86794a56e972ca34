//! A tool that panics answers its own caller, and nobody else notices.

use serde_json::json;

use crate::world::{Answer, World};

fn is_internal_error(answer: &Answer) {
    let error = &answer.message["error"];
    assert_eq!(error["code"], -32603, "{}", answer.text);
    assert_eq!(answer.message["id"], 1, "{}", answer.text);
    let id = answer.headers["x-request-id"].to_str().unwrap();
    assert_eq!(error["data"]["request_id"], id, "the id by which the log knows it");
    assert!(!answer.text.contains("fault"), "what was wrong is for the log: {}", answer.text);
}

#[tokio::test]
async fn a_caller_of_a_tool_that_panics_gets_an_internal_error_in_every_generation() {
    let world = World::start().await;
    let alice = world.caller("alice", "A");
    let mut in_session = alice.clone();
    in_session.initialize().await;
    let params = || json!({ "name": "panic", "arguments": {} });
    for _ in 0..3 {
        is_internal_error(&alice.call("tools/call", params()).await);
        is_internal_error(&in_session.call_legacy("tools/call", params()).await);
    }
    // The session and the server go on.
    assert!(in_session.call_legacy("tools/call", json!({ "name": "a" })).await.is_result());
    assert!(alice.call("tools/call", json!({ "name": "a" })).await.is_result());
}
