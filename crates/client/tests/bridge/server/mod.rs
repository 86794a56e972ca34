//! An HTTP server without a library between it and the socket: what it sends is just what the test
//! wants.

mod stateless;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{broadcast, watch},
    time::sleep,
};

use crate::program::PATIENCE;
use stateless::rounds;
pub(crate) use stateless::{Published, question};
use wire::{JSON, event, notification, open, read, respond, result_of};

/// What the server saw of one request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) verb: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// The server.
#[derive(Clone)]
pub(crate) struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    sessions: Arc<Mutex<u32>>,
    /// The tools whose connections the client has closed, and the ids of such subscriptions.
    dropped: watch::Sender<Vec<String>>,
    published: broadcast::Sender<Published>,
    /// The responses that were posted.
    responses: watch::Sender<Vec<Value>>,
}

impl Server {
    /// Serves.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}/mcp", listener.local_addr().unwrap()),
            seen: Arc::default(),
            sessions: Arc::default(),
            dropped: watch::Sender::default(),
            published: broadcast::Sender::new(16),
            responses: watch::Sender::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What it saw, of the requests with this HTTP method.
    pub(crate) fn seen(&self, verb: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.verb == verb).cloned().collect()
    }

    /// The one message with this JSON-RPC method.
    pub(crate) fn message(&self, method: &str) -> Seen {
        let all = self.messages(method);
        assert_eq!(all.len(), 1, "{method}: {all:#?}");
        all.into_iter().next().unwrap()
    }

    /// The messages with this JSON-RPC method.
    pub(crate) fn messages(&self, method: &str) -> Vec<Seen> {
        let posts = self.seen("POST").into_iter();
        posts.filter(|seen| seen.body["method"] == method).collect()
    }

    /// How often a tool was called.
    pub(crate) fn calls(&self, tool: &str) -> usize {
        let calls = self.messages("tools/call").into_iter();
        calls.filter(|seen| seen.body["params"]["name"] == tool).count()
    }

    /// Waits until it has seen so many requests with this method.
    pub(crate) async fn until_seen(&self, method: &str, count: usize) {
        let seen = async {
            while self.messages(method).len() < count {
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.expect(method);
    }

    /// Waits until the client has closed the connection of a tool, or of the subscription that a
    /// request with this id has opened.
    pub(crate) async fn until_dropped(&self, name: &str) {
        let mut dropped = self.dropped.subscribe();
        let waits = dropped.wait_for(|all| all.iter().any(|one| one == name));
        tokio::time::timeout(PATIENCE, waits).await.expect(name).unwrap();
    }

    /// The responses that the program gave.
    pub(crate) fn responses(&self) -> Vec<Value> {
        self.responses.borrow().clone()
    }

    async fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let Some(seen) = read(&mut stream).await else {
            return;
        };
        self.seen.lock().unwrap().push(seen.clone());
        let mut stream = stream.into_inner();
        let method = seen.body["method"].as_str().unwrap_or_default().to_owned();
        match (seen.verb.as_str(), method.as_str()) {
            ("POST", "initialize") => {
                let number = {
                    let mut sessions = self.sessions.lock().unwrap();
                    *sessions += 1;
                    *sessions
                };
                let result = json!({ "protocolVersion": "2025-11-25", "x": { "new": 1 } });
                let head =
                    format!("content-type: application/json\r\nmcp-session-id: s{number}\r\n");
                respond(&mut stream, "200 OK", &head, &result_of(&seen, &result)).await;
            }
            ("POST", "tools/call") => self.tool(&seen, &mut stream).await,
            ("POST", "prompts/get" | "resources/read") => rounds(&seen, &mut stream).await,
            ("POST", "subscriptions/listen") => self.listen(&seen, &mut stream).await,
            ("POST", "tools/list") => {
                let header = json!({ "type": "string", "x-mcp-header": "Region" });
                let good = json!({ "properties": { "region": header } });
                let bad =
                    json!({ "properties": { "a": { "type": "number", "x-mcp-header": "A" } } });
                let tool =
                    |name: &str, schema: &Value| json!({ "name": name, "inputSchema": schema });
                let result = json!({ "tools": [tool("json", &good), tool("bad", &bad)] });
                respond(&mut stream, "200 OK", JSON, &result_of(&seen, &result)).await;
            }
            ("POST", "") => {
                self.responses.send_modify(|all| all.push(seen.body.clone()));
                respond(&mut stream, "202 Accepted", "", "").await;
            }
            ("POST", _) if seen.body.get("id").is_none() => {
                respond(&mut stream, "202 Accepted", "", "").await;
            }
            ("POST", _) => {
                respond(&mut stream, "200 OK", JSON, &result_of(&seen, &json!({}))).await;
            }
            ("GET", _) => self.stream(&seen, &mut stream).await,
            _ => respond(&mut stream, "200 OK", "", "").await,
        }
        let _ = stream.shutdown().await;
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each tool")]
    async fn tool(&self, seen: &Seen, stream: &mut TcpStream) {
        let tool = seen.body["params"]["name"].as_str().unwrap();
        let answer = result_of(seen, &json!({ "content": [] }));
        match tool {
            "json" => respond(stream, "200 OK", JSON, &answer).await,
            "rounds" => rounds(seen, stream).await,
            "spread" => {
                let id = &seen.body["id"];
                let text = format!(
                    "{{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": {id},\n\n  \"result\": \
                    {{ \"é\": 1.50, \"execution\": null }}\n}}\n"
                );
                respond(stream, "200 OK", JSON, &text).await;
            }
            "burst" => {
                open(stream).await;
                for number in 0..500 {
                    let params = json!({ "progressToken": 1, "progress": number });
                    event(stream, "", &notification("notifications/progress", &params)).await;
                }
                event(stream, "", &answer).await;
            }
            "ask" => {
                open(stream).await;
                let ask = json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create",
                    "params": { "message": "who?", "future": [1] } });
                event(stream, "", &ask.to_string()).await;
                let mut responses = self.responses.subscribe();
                responses.wait_for(|all| !all.is_empty()).await.unwrap();
                event(stream, "", &answer).await;
            }
            "resumed" | "polled" => {
                open(stream).await;
                event(stream, &format!("id: {tool}-{}\nretry: 20\n", seen.body["id"]), "").await;
            }
            "cut" => {
                open(stream).await;
                let part = notification("notifications/message", &json!({ "data": "so far" }));
                event(stream, "", &part).await;
            }
            "short" => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                    content-length: 1000\r\n\r\n{";
                let _ = stream.write_all(head.as_bytes()).await;
            }
            "hang" => {
                open(stream).await;
                let _ = stream.read(&mut [0]).await;
                self.dropped.send_modify(|all| all.push(tool.to_owned()));
            }
            "silent" => {
                let _ = stream.read(&mut [0]).await;
                self.dropped.send_modify(|all| all.push(tool.to_owned()));
            }
            "other" => {
                open(stream).await;
                event(stream, "event: ping\n", "{}").await;
                event(stream, "", "no json").await;
                event(stream, "", &json!({ "jsonrpc": "2.0", "id": "x", "result": 1 }).to_string())
                    .await;
                event(stream, "", "[1,2]").await;
                event(stream, "", &answer).await;
                // It has its answer.
                event(stream, "", &answer).await;
            }
            "long" => {
                open(stream).await;
                let _ = stream.write_all(b"data: ").await;
                let piece = vec![b'x'; 1 << 20];
                for _ in 0..17 {
                    let _ = stream.write_all(&piece).await;
                }
            }
            "garbage" => respond(stream, "200 OK", JSON, "<html>").await,
            "page" => respond(stream, "200 OK", "content-type: text/html\r\n", "<html>").await,
            "accepted" => respond(stream, "202 Accepted", "", "").await,
            "gzip" => {
                let head = format!("{JSON}content-encoding: gzip\r\n");
                respond(stream, "200 OK", &head, "\u{1f}").await;
            }
            "refused" => {
                let error = json!({ "jsonrpc": "2.0", "id": null,
                    "error": { "code": -32020, "message": "no", "data": { "why": 1 } } });
                respond(stream, "400 Bad Request", JSON, &error.to_string()).await;
            }
            "unknown" => {
                let error = json!({ "jsonrpc": "2.0", "id": seen.body["id"], "x": 1,
                    "error": { "code": -32601, "message": "no" } });
                respond(stream, "404 Not Found", JSON, &error.to_string()).await;
            }
            "gone" => respond(stream, "404 Not Found", "", "no such session").await,
            "elsewhere" => {
                let head = "location: http://127.0.0.1:9/steal\r\n";
                respond(stream, "307 Temporary Redirect", head, "").await;
            }
            "down" => {
                respond(stream, "502 Bad Gateway", "retry-after: 7\r\n", "\u{1b}[31mx").await;
            }
            "reset" => {}
            other => panic!("{other}"),
        }
    }

    /// The stream of the session, or the rest of another one.
    async fn stream(&self, seen: &Seen, stream: &mut TcpStream) {
        let last = seen.headers.get("last-event-id").cloned().unwrap_or_default();
        let id = last.rsplit('-').next().unwrap_or_default();
        let answer = json!({ "jsonrpc": "2.0", "id": id.parse::<u64>().ok(),
            "result": { "resumed": true } });
        if last.starts_with("resumed-") {
            open(stream).await;
            event(stream, "id: r2\n", &answer.to_string()).await;
        } else if last.starts_with("polled-") {
            let polls = self.seen("GET").into_iter();
            let polls = polls.filter(|seen| seen.headers.get("last-event-id") == Some(&last));
            if polls.count() < 3 {
                respond(stream, "503 Service Unavailable", "", "").await;
            } else {
                open(stream).await;
                event(stream, "", &answer.to_string()).await;
            }
        } else {
            open(stream).await;
            let params = json!({ "from": "the session" });
            event(stream, "id: g1\n", &notification("notifications/tools/list_changed", &params))
                .await;
            let _ = stream.read(&mut [0]).await;
        }
    }
}
