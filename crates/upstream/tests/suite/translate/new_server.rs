//! A server of 2026-07-28 that does what the name of the tool says.

use serde_json::{Value, json};

use super::fake::{Fake, Out};

#[derive(Default)]
pub(super) struct NewServer {
    /// How often the task was looked at.
    looks: u32,
    was_answered: bool,
    listens: Vec<Value>,
}

impl NewServer {
    async fn tool(&mut self, message: &Value, out: &Out) {
        let (id, params) = (&message["id"], &message["params"]);
        let done = |more: Value| {
            let mut result = json!({ "resultType": "complete", "content": [] });
            if let (Some(result), Some(more)) = (result.as_object_mut(), more.as_object()) {
                result.extend(more.clone());
            }
            result
        };
        let form = json!({ "method": "elicitation/create", "params": { "message": "m" } });
        match params["name"].as_str().unwrap_or_default() {
            "echo" => out.result(id, done(json!({ "sent": params, "structuredContent": 1 }))).await,
            "ask" if params.get("inputResponses").is_none() => {
                let url = json!({ "mode": "url", "url": "https://a/", "message": "m" });
                let url = json!({ "method": "elicitation/create", "params": url });
                let result = json!({ "resultType": "input_required", "requestState": "s",
                    "inputRequests": { "a": form, "b": url } });
                out.result(id, result).await;
            }
            "ask" => {
                let said = &params["inputResponses"];
                let result = done(json!({ "said": said, "state": params["requestState"] }));
                out.result(id, result).await;
            }
            "ask_always" => {
                let requests = json!({ "a": form });
                let result = json!({ "resultType": "input_required", "inputRequests": requests });
                out.result(id, result).await;
            }
            "wait" if params.get("requestState").is_none() => {
                let result = json!({ "resultType": "input_required", "requestState": "later" });
                out.result(id, result).await;
            }
            "sample" => {
                let sample = json!({ "method": "sampling/createMessage", "params": {} });
                let result =
                    json!({ "resultType": "input_required", "inputRequests": { "a": sample } });
                out.result(id, result).await;
            }
            "long" => out.result(id, self.task("task")).await,
            "later" => out.result(id, json!({ "resultType": "later" })).await,
            _ => out.result(id, done(json!({}))).await,
        }
    }

    fn task(&self, kind: &str) -> Value {
        let status = match (self.looks, self.was_answered) {
            (0, _) => "working",
            (_, false) => "input_required",
            (_, true) => "completed",
        };
        let mut task = json!({ "resultType": kind, "taskId": "t", "status": status,
            "createdAt": "c", "lastUpdatedAt": "l", "ttlMs": null, "pollIntervalMs": 200 });
        let form = json!({ "method": "elicitation/create", "params": { "message": "m" } });
        match status {
            "input_required" => task["inputRequests"] = json!({ "k": form }),
            "completed" => task["result"] = json!({ "content": [], "from": "task" }),
            _ => {}
        }
        task
    }
}

impl Fake for NewServer {
    async fn on(&mut self, message: Value, out: &Out) {
        let (id, params) = (&message["id"], &message["params"]);
        match message["method"].as_str() {
            Some("server/discover") => {
                let capabilities = json!({
                    "tools": { "listChanged": true },
                    "resources": { "subscribe": true },
                    "logging": {},
                    "extensions": { "io.modelcontextprotocol/tasks": {} },
                });
                let info = json!({ "io.modelcontextprotocol/serverInfo": { "name": "new" } });
                let result = json!({ "resultType": "complete", "capabilities": capabilities,
                    "supportedVersions": ["2026-07-28"], "_meta": info, "ttlMs": 0,
                    "cacheScope": "private" });
                out.result(id, result).await;
            }
            Some("tools/call") => self.tool(&message, out).await,
            Some("resources/read") => {
                let error = json!({ "code": -32602, "message": "m", "data": { "uri": "a:b" } });
                out.error(id, error).await;
            }
            Some("tasks/get") => {
                self.looks += 1;
                out.result(id, self.task("complete")).await;
            }
            Some("tasks/update") => {
                self.was_answered = params["inputResponses"].get("k").is_some();
                out.result(id, json!({ "resultType": "complete" })).await;
            }
            Some("subscriptions/listen") => {
                let mut agreed = params["notifications"].clone();
                if let Some(uris) = agreed["resourceSubscriptions"].as_array_mut() {
                    uris.retain(|uri| uri != "no:no");
                }
                let tag = json!({ "io.modelcontextprotocol/subscriptionId": id });
                let params = json!({ "_meta": tag, "notifications": agreed });
                out.note("notifications/subscriptions/acknowledged", params).await;
                self.listens.push(id.clone());
            }
            Some("emit") => {
                // For tests: on the last stream, or its end.
                let listen = self.listens.last().unwrap();
                let tag = json!({ "io.modelcontextprotocol/subscriptionId": listen });
                if let Some(method) = params["method"].as_str() {
                    let note = json!({ "uri": params["uri"], "_meta": tag });
                    out.note(method, note).await;
                } else {
                    let result = json!({ "resultType": "complete", "_meta": tag });
                    out.result(listen, result).await;
                }
                out.result(id, json!({})).await;
            }
            Some(_) if id.is_null() => {}
            _ => out.result(id, json!({ "resultType": "complete" })).await,
        }
    }
}
