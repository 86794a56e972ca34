//! A server of 2025-11-25 that does what the name of the tool says.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::fake::{Fake, Out};

#[derive(Default)]
pub(super) struct OldServer {
    /// Calls that wait for the answer to a question, by its id.
    asked: HashMap<String, Value>,
    count: u32,
    was_visited: bool,
    /// The open `tasks/result`.
    result: Option<Value>,
    task_status: &'static str,
}

impl OldServer {
    async fn ask(&mut self, call: &Value, method: &str, params: Value, out: &Out) {
        self.count += 1;
        let id = format!("q{}", self.count);
        self.asked.insert(id.clone(), call.clone());
        out.request(&id, method, params).await;
    }

    async fn tool(&mut self, message: &Value, out: &Out) {
        let (id, params) = (&message["id"], &message["params"]);
        let token = &params["_meta"]["progressToken"];
        match params["name"].as_str().unwrap_or_default() {
            "echo" => out.result(id, json!({ "content": [], "sent": params, "later": 1 })).await,
            "ask" | "ask_always" => {
                let params = json!({ "message": "m", "requestedSchema": {}, "elicitationId": "e" });
                self.ask(message, "elicitation/create", params, out).await;
            }
            "ask_twice" => {
                self.ask(message, "elicitation/create", json!({ "message": "1" }), out).await;
                self.ask(message, "roots/list", json!({}), out).await;
            }
            "progress" => {
                for progress in 1..=3 {
                    let params = json!({ "progressToken": token, "progress": progress });
                    out.note("notifications/progress", params).await;
                }
                out.result(id, json!({ "content": [] })).await;
            }
            "log" => {
                for level in ["debug", "warning", "error"] {
                    out.note("notifications/message", json!({ "level": level, "data": 0 })).await;
                }
                out.result(id, json!({ "content": [] })).await;
            }
            "url" if !self.was_visited => {
                self.was_visited = true;
                let url = json!({ "mode": "url", "elicitationId": "e", "url": "https://a/" });
                let data = json!({ "elicitations": [url] });
                out.error(id, json!({ "code": -32042, "message": "m", "data": data })).await;
            }
            "long" if params.get("task").is_some() => {
                self.task_status = "working";
                let task = json!({ "taskId": "t", "status": "working", "createdAt": "c",
                    "lastUpdatedAt": "l", "ttl": 1000, "pollInterval": 10 });
                out.result(id, json!({ "task": task })).await;
            }
            // It waits until it is cancelled.
            "never" => {}
            _ => out.result(id, json!({ "content": [{ "type": "text", "text": "done" }] })).await,
        }
    }

    async fn answered(&mut self, answer: &Value, out: &Out) {
        let Some(call) = answer["id"].as_str().and_then(|id| self.asked.remove(id)) else { return };
        let is_error = answer.get("error").is_some();
        if call["params"]["name"] == "ask_always" && !is_error {
            self.ask(&call, "elicitation/create", json!({ "message": "again" }), out).await;
            return;
        }
        if call["method"] == "tasks/result" {
            self.task_status = "completed";
            let related = json!({ "io.modelcontextprotocol/related-task": { "taskId": "t" } });
            let said = answer.get("result").unwrap_or(&answer["error"]);
            out.result(&call["id"], json!({ "content": [], "said": said, "_meta": related })).await;
            return;
        }
        let has_more = self.asked.values().any(|other| other["id"] == call["id"]);
        if !has_more {
            let said = answer.get("result").unwrap_or(&answer["error"]);
            out.result(&call["id"], json!({ "content": [], "said": said })).await;
        }
    }
}

impl Fake for OldServer {
    async fn on(&mut self, message: Value, out: &Out) {
        let id = &message["id"];
        match message["method"].as_str() {
            None => self.answered(&message, out).await,
            Some("initialize") => {
                let capabilities = json!({
                    "tools": { "listChanged": true },
                    "resources": { "subscribe": true },
                    "logging": {},
                    "tasks": { "requests": { "tools": { "call": {} } }, "cancel": {} },
                });
                let info = json!({ "name": "old", "version": "1" });
                let result = json!({ "protocolVersion": "2025-11-25", "serverInfo": info,
                    "capabilities": capabilities, "instructions": "i" });
                out.result(id, result).await;
            }
            Some("tools/list") => {
                let schema = json!({ "type": "object" });
                let tools = json!([
                    { "name": "echo", "inputSchema": schema },
                    { "name": "long", "inputSchema": schema,
                      "execution": { "taskSupport": "required" } },
                ]);
                out.result(id, json!({ "tools": tools })).await;
            }
            Some("tools/call") => self.tool(&message, out).await,
            Some("resources/read") => {
                let error = json!({ "code": -32002, "message": "m", "data": { "uri": "a:b" } });
                out.error(id, error).await;
            }
            Some("resources/subscribe") if message["params"]["uri"] == "no:no" => {
                out.error(id, json!({ "code": -32602, "message": "no" })).await;
            }
            Some("tasks/get") => {
                let task = json!({ "taskId": "t", "status": self.task_status, "createdAt": "c",
                    "lastUpdatedAt": "l", "ttl": null });
                out.result(id, task).await;
            }
            Some("tasks/result") => {
                self.result = Some(message.clone());
                self.task_status = "input_required";
                let related = json!({ "io.modelcontextprotocol/related-task": { "taskId": "t" } });
                let params = json!({ "message": "m", "_meta": related });
                self.ask(&message, "elicitation/create", params, out).await;
            }
            Some("emit") => {
                // For tests: says what the request has.
                let params = &message["params"];
                let method = params["method"].as_str().unwrap();
                match params.get("id") {
                    Some(ask) => {
                        let ask = ask.as_str().unwrap();
                        out.request(ask, method, params["params"].clone()).await;
                    }
                    None => out.note(method, params["params"].clone()).await,
                }
                out.result(id, json!({})).await;
            }
            Some(_) if id.is_null() => {}
            Some(_) => out.result(id, json!({})).await,
        }
    }
}
