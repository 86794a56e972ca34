//! What MCP 2026-07-28 adds: subscriptions, and results that ask.

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpStream};

use super::{
    Seen, Server,
    wire::{JSON, event, notification, open, respond, result_of},
};

/// What is sent on every open subscription.
#[derive(Debug, Clone)]
pub(crate) enum Published {
    /// A notification.
    Notification(&'static str, Value),
    /// The result of the request that opened it.
    Result(Value),
    /// The end of the connection.
    End,
}

impl Server {
    /// Sends something on every open subscription. There is one at least.
    pub(crate) fn publish(&self, published: Published) {
        self.published.send(published).unwrap();
    }

    /// A subscription.
    pub(super) async fn listen(&self, seen: &Seen, stream: &mut TcpStream) {
        let mut published = self.published.subscribe();
        open(stream).await;
        let id = &seen.body["id"];
        let tag = json!({ "io.modelcontextprotocol/subscriptionId": id });
        let params = json!({ "_meta": tag, "notifications": seen.body["params"]["notifications"] });
        event(stream, "", &notification("notifications/subscriptions/acknowledged", &params)).await;
        loop {
            let next = tokio::select! {
                next = published.recv() => next.unwrap(),
                _ = stream.read_u8() => {
                    return self.dropped.send_modify(|all| all.push(id.to_string()));
                }
            };
            match next {
                Published::Notification(method, mut params) => {
                    params["_meta"] = tag.clone();
                    event(stream, "", &notification(method, &params)).await;
                }
                Published::Result(result) => {
                    return event(stream, "", &result_of(seen, &result)).await;
                }
                Published::End => return,
            }
        }
    }
}

/// Asks twice before it answers: with a body, and in a stream.
pub(super) async fn rounds(seen: &Seen, stream: &mut TcpStream) {
    let params = &seen.body["params"];
    match params["requestState"].as_str() {
        None => respond(stream, "200 OK", JSON, &question(&seen.body["id"], "first")).await,
        Some("first") => {
            open(stream).await;
            let said = json!({ "progressToken": 1, "progress": 1 });
            event(stream, "", &notification("notifications/progress", &said)).await;
            event(stream, "", &question(&seen.body["id"], "second")).await;
        }
        Some(_) => {
            let result = json!({ "resultType": "complete", "answers": params["inputResponses"] });
            respond(stream, "200 OK", JSON, &result_of(seen, &result)).await;
        }
    }
}

/// A result that asks.
pub(crate) fn question(id: &Value, state: &str) -> String {
    format!(
        r#"{{"result":{{"inputRequests":{{"who":{{"method":"elicitation/create","params":{{"message":"who?","future":[1.50]}}}}}},"requestState":"{state}","resultType":"input_required"}},"id":{id},"jsonrpc":"2.0"}}"#
    )
}
