//! Requests without a session.

use std::time::Duration;

use http::Method;
use serde_json::json;
use upstream::front::FrontLimits;

use super::fake::{Client, events, value};

fn client() -> Client {
    let soon = Duration::from_millis(50);
    Client::new(FrontLimits { keep_alive: soon, ..FrontLimits::default() })
}

#[tokio::test]
async fn a_request_is_answered_as_the_server_answers_it() {
    let answer = value(client().new_request("tools/list", json!({}), &[]).await).await;
    assert_eq!(answer["id"], "r");
    assert_eq!(answer["result"]["tools"][0]["name"], "echo");
}

#[tokio::test]
async fn progress_comes_in_its_order_without_ids_of_events() {
    let mut response = client().new_request("tools/call", json!({ "name": "progress" }), &[]).await;
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let all = events(&mut response, usize::MAX).await;
    assert_eq!(all.len(), 51);
    for (n, (id, message)) in all.iter().take(50).enumerate() {
        assert_eq!(*id, None);
        let params = &message.as_ref().unwrap()["params"];
        assert_eq!(*params, json!({ "progressToken": "p", "progress": n }));
    }
}

#[tokio::test]
async fn a_subscription_has_the_id_of_its_request() {
    let client = client();
    let mut response = client.new_request("subscriptions/listen", json!({}), &[]).await;
    for (_, message) in events(&mut response, 2).await {
        let params = &message.as_ref().unwrap()["params"];
        assert_eq!(params["_meta"]["io.modelcontextprotocol/subscriptionId"], "r");
    }
    drop(response);
    client.seen(|message| message["method"] == "notifications/cancelled").await;
}

#[tokio::test]
async fn a_connection_that_ends_cancels_the_call() {
    let client = client();
    let response = client.new_request("tools/call", json!({ "name": "hang" }), &[]).await;
    drop(response);
    let call = client.seen(|message| message["method"] == "tools/call").await;
    let sent = client.seen(|message| message["method"] == "notifications/cancelled").await;
    assert_eq!(sent["params"]["requestId"], call["id"]);
}

#[tokio::test]
async fn errors_of_the_request_have_a_status() {
    let client = client();
    let unknown = client.new_request("unknown/method", json!({}), &[]).await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(value(unknown).await["error"]["code"], -32601);
    let twice = client.new_request("tools/list", json!({}), &[("mcp-method", "tools/list")]).await;
    assert_eq!(twice.status(), 400);
    assert_eq!(value(twice).await["error"]["code"], -32020);
}

#[tokio::test]
async fn headers_repeat_annotated_arguments() {
    let client = client();
    let params = json!({ "name": "echo", "arguments": { "region": "x" } });
    let status = async |headers: &[(&str, &str)]| {
        client.new_request("tools/call", params.clone(), headers).await.status().as_u16()
    };
    assert_eq!(status(&[("mcp-param-region", "x")]).await, 200);
    assert_eq!(status(&[("mcp-param-region", "y")]).await, 400);
    assert_eq!(status(&[]).await, 400);
}

#[tokio::test]
async fn a_question_without_a_session_is_refused_to_the_server() {
    let client = client();
    let _response = client.new_request("tools/call", json!({ "name": "ask" }), &[]).await;
    let refused = client.seen(|message| message["id"] == "q1").await;
    assert_eq!(refused["error"]["code"], -32603);
}

#[tokio::test]
async fn a_request_without_an_id_is_not_passed_on() {
    for (is_new, revision) in [(false, "2025-11-25"), (true, "2026-07-28")] {
        let mut client = client();
        if !is_new {
            client.begin(revision).await;
        }
        for method in ["tools/call", "notifications", "x"] {
            let note = json!({ "jsonrpc": "2.0", "method": method, "params": { "name": "echo" } });
            let headers = [("mcp-protocol-version", revision), ("mcp-method", method)];
            let refused = client.send(Method::POST, &headers, &note.to_string()).await;
            assert_eq!(refused.status(), 400, "{method}");
            assert_eq!(value(refused).await["error"]["code"], -32600);
        }
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/x" });
        let headers = [("mcp-protocol-version", revision), ("mcp-method", "notifications/x")];
        assert_eq!(client.send(Method::POST, &headers, &note.to_string()).await.status(), 202);
        client.seen(|message| message["method"] == "notifications/x").await;
        let seen = client.seen.lock().unwrap().clone();
        assert!(!seen.iter().any(|message| message["method"] == "tools/call"), "{seen:?}");
    }
}
