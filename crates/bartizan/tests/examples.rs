//! The examples, run as processes and called as their comments say.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// A running example. It ends with the test.
struct Example {
    process: Child,
    url: String,
    tokens: Vec<String>,
}

impl Example {
    /// Starts the example `name`, which prints its address and then `tokens` tokens.
    fn start(name: &str, tokens: usize) -> Self {
        // Cargo puts examples beside the folder of the tests.
        let here = std::env::current_exe().unwrap();
        let program = here.parent().unwrap().parent().unwrap().join("examples").join(name);
        let mut process =
            Command::new(&program).arg("0").stdout(Stdio::piped()).spawn().unwrap_or_else(
                |error| panic!("{}: {error}: `cargo test` builds it", program.display()),
            );
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = lines.take(1 + tokens).map(|line| {
            let line = line.unwrap();
            line.split_once('=').unwrap().1.to_owned()
        });
        let url = said.next().unwrap();
        let tokens = said.collect();
        Self { process, url, tokens }
    }

    async fn post(&self, token: Option<&str>, method: &str, params: Value) -> (StatusCode, String) {
        let mut params = params;
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let client = Client::builder().no_proxy().build().unwrap();
        let request = client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
            .body(body.to_string());
        let request = match params["name"].as_str() {
            Some(name) => request.header("mcp-name", name),
            None => request,
        };
        let answer = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let answer = answer.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn call(&self, token: Option<&str>, tool: &str) -> (StatusCode, String) {
        self.post(token, "tools/call", json!({ "name": tool, "arguments": {} })).await
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_bare_server_is_protected() {
    let example = Example::start("bare", 1);
    assert_eq!(example.call(None, "greet").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(example.call(Some("wrong"), "greet").await.0, StatusCode::UNAUTHORIZED);
    let (status, text) = example.call(Some(&example.tokens[0]), "greet").await;
    assert!(status == StatusCode::OK && text.contains("Hello!"), "{status} {text}");
    assert_eq!(example.call(Some(&example.tokens[0]), "other").await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_mixed_server_greets_everybody_and_by_name_who_may() {
    let example = Example::start("mixed", 1);
    let (status, text) = example.call(None, "greet").await;
    assert!(status == StatusCode::OK && text.contains("Hello!"), "{status} {text}");
    assert_eq!(example.call(None, "greet_by_name").await.0, StatusCode::UNAUTHORIZED);
    let (status, text) = example.call(Some(&example.tokens[0]), "greet_by_name").await;
    assert!(status == StatusCode::OK && text.contains("Hello, alice!"), "{status} {text}");

    let (_, text) = example.post(None, "tools/list", json!({})).await;
    assert!(text.contains("noauth") && !text.contains("greet_by_name"), "{text}");
    let (_, text) = example.post(Some(&example.tokens[0]), "tools/list", json!({})).await;
    assert!(text.contains("greet_by_name") && text.contains("oauth2"), "{text}");
}

#[tokio::test]
async fn tenants_have_rules_of_their_own() {
    let example = Example::start("tenants", 2);
    let (status, text) = example.call(Some(&example.tokens[0]), "export").await;
    assert!(status == StatusCode::OK && text.contains("exported"), "{status} {text}");
    assert_eq!(example.call(Some(&example.tokens[1]), "export").await.0, StatusCode::FORBIDDEN);
    let (_, text) = example.post(Some(&example.tokens[1]), "tools/list", json!({})).await;
    assert!(!text.contains("export"), "{text}");
    assert_eq!(example.call(None, "export").await.0, StatusCode::UNAUTHORIZED);
}
