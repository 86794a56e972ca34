//! Lists that a server permits to keep.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::Service;
use upstream::front::Front;

use super::{
    gateway::{answer_to, front_of, request},
    server::{Received, Server, Step, chunk, json as json_answer, stream_head},
    support::{caller_with, limits},
};

/// A server of the new generation, whose lists are as `hints` say. A subscription of it brings a
/// change of the tools when the test lets it.
async fn server(hints: Value) -> Server {
    Server::start(move |request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let id = &message["id"];
        let mut result = match message["method"].as_str().unwrap_or_default() {
            "server/discover" => json!({
                "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
                "ttlMs": 0, "cacheScope": "private",
            }),
            "subscriptions/listen" => {
                let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
                let event = |method: &str| {
                    let params = json!({ "_meta": meta });
                    let note = json!({ "jsonrpc": "2.0", "method": method, "params": params });
                    Step::Say(chunk(&format!("data: {note}\n\n")))
                };
                return vec![
                    Step::Say(stream_head()),
                    event("notifications/subscriptions/acknowledged"),
                    Step::Wait,
                    event("notifications/tools/list_changed"),
                    Step::Hang,
                ];
            }
            _ => {
                let mut result = hints.clone();
                result["tools"] = json!([{ "name": "t", "inputSchema": { "type": "object" } }]);
                result
            }
        };
        result["resultType"] = "complete".into();
        let body = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        vec![Step::Say(json_answer(&body.to_string()))]
    })
    .await
}

fn lists(server: &Server) -> usize {
    let is_list = |it: &&Received| it.header("mcp-method") == Some("tools/list");
    server.received().iter().filter(is_list).count()
}

async fn list(front: &Front, subject: &str, params: Value) -> Value {
    let context = caller_with(subject, "");
    let answer = answer_to(front, request(context, "tools/list", None, params)).await;
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["result"]["tools"][0]["name"], "t", "{answer}");
    answer["result"].clone()
}

#[tokio::test]
async fn a_public_list_is_asked_for_once() {
    let server = server(json!({ "ttlMs": 60_000, "cacheScope": "public" })).await;
    let front = front_of(&server.url(), limits());
    for subject in ["alice", "bob", "alice"] {
        let result = list(&front, subject, json!({})).await;
        assert!(result["ttlMs"].as_u64().unwrap() <= 60_000);
    }
    assert_eq!(lists(&server), 1);
    // Another page is another list.
    list(&front, "alice", json!({ "cursor": "2" })).await;
    assert_eq!(lists(&server), 2);
}

#[tokio::test]
async fn a_private_list_is_for_one_user() {
    let server = server(json!({ "ttlMs": 60_000, "cacheScope": "private" })).await;
    let front = front_of(&server.url(), limits());
    for subject in ["alice", "bob", "alice", "bob"] {
        list(&front, subject, json!({})).await;
    }
    assert_eq!(lists(&server), 2);
}

#[tokio::test]
async fn a_list_without_a_time_is_asked_for_each_time() {
    for hints in [json!({}), json!({ "ttlMs": 0, "cacheScope": "public" })] {
        let server = server(hints).await;
        let front = front_of(&server.url(), limits());
        for _ in 0..2 {
            list(&front, "alice", json!({})).await;
        }
        assert_eq!(lists(&server), 2);
    }
}

#[tokio::test]
async fn a_list_that_has_changed_is_asked_for_again() {
    let server = server(json!({ "ttlMs": 60_000, "cacheScope": "public" })).await;
    let front = front_of(&server.url(), limits());
    list(&front, "alice", json!({})).await;
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let listen = request(caller_with("bob", ""), "subscriptions/listen", None, wanted);
    let answer = front.clone().call(listen).await.unwrap();
    server.go_on();
    let mut body = answer.into_body();
    let changed = async {
        loop {
            let frame = body.frame().await.unwrap().unwrap();
            let text = frame.into_data().unwrap();
            if text.windows(12).any(|it| it == b"list_changed") {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), changed).await.unwrap();
    list(&front, "alice", json!({})).await;
    assert_eq!(lists(&server), 2);
}
