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
    time::Duration,
};

use auth_core::{Clock, SigningKey, SystemClock, TokenId, TokenIssuer, TokenRequest};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use testkit::{Forge, TestIssuer, TestKey};

/// A running example. It ends with the test.
struct Example {
    process: Child,
    url: String,
    tokens: Vec<String>,
}

impl Example {
    /// Starts the example `name`, which prints its address and then `tokens` tokens.
    fn start(name: &str, tokens: usize) -> Self {
        let mut process = spawn(name, |command| command.arg("0").stdout(Stdio::piped()));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = lines.take(1 + tokens).map(|line| {
            let line = line.unwrap();
            line.split_once('=').unwrap().1.to_owned()
        });
        let url = said.next().unwrap();
        let tokens = said.collect();
        Self { process, url, tokens }
    }

    /// Starts the example `name` on a free port, and waits until it answers.
    async fn serving(name: &str, variable: (&str, &str)) -> Self {
        let port = testkit::free_port().unwrap();
        let (address, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}/mcp"));
        let process = spawn(name, |command| {
            let command = command.env("BIND_ADDR", &address).env("MCP_RESOURCE", &url);
            command.env(variable.0, variable.1)
        });
        let example = Self { process, url, tokens: Vec::new() };
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        example
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

/// Starts the example `name`. Cargo puts examples beside the folder of the tests.
fn spawn(name: &str, prepare: impl FnOnce(&mut Command) -> &mut Command) -> Child {
    let here = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("examples").join(name);
    let process = prepare(&mut Command::new(&program)).spawn();
    process.unwrap_or_else(|error| panic!("{}: {error}: `cargo test` builds it", program.display()))
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The first example of the README, as it is printed there.
#[tokio::test]
async fn the_counter_counts_for_known_users_with_the_scope() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let example = Example::serving("counter", ("JWT_SECRET", SECRET)).await;
    let key = SigningKey::from_secret(SECRET.as_bytes()).unwrap();
    let issuer = TokenIssuer::new("https://issuer.example".parse().unwrap(), key);
    let token = |subject: &str, scope: &str| {
        let (subject, audience) = (subject.parse().unwrap(), example.url.parse().unwrap());
        let request = TokenRequest::new(subject, audience, TokenId::from_random([1; 16]))
            .scopes(scope.parse().unwrap());
        issuer.issue(&request, SystemClock.now()).unwrap().expose().to_owned()
    };
    assert_eq!(example.call(None, "increment").await.0, StatusCode::UNAUTHORIZED);
    let (status, text) = example.call(Some(&token("bob", "Count")), "increment").await;
    assert!(status == StatusCode::FORBIDDEN && text.contains("does not exist"), "{status} {text}");
    let (status, text) = example.call(Some(&token("alice", "Other")), "increment").await;
    assert!(status == StatusCode::FORBIDDEN && text.contains("required"), "{status} {text}");
    let (status, text) = example.call(Some(&token("alice", "Count")), "increment").await;
    assert!(status == StatusCode::OK && text.contains("\"1\""), "{status} {text}");
}

#[test]
fn the_readme_prints_the_counter_word_for_word() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    // What only this workspace's lints ask for is not printed.
    let lines = include_str!("../examples/counter.rs").split_inclusive('\n');
    let lines: String = lines.filter(|line| !line.starts_with("#![expect")).collect();
    let printed = format!("```rust\n{lines}```\n");
    assert!(readme.contains(&printed), "README.md and examples/counter.rs differ");
}

/// Keys are fetched from the issuer, tokens look like Keycloak's, and users are added at their
/// first use.
#[tokio::test]
async fn the_users_of_a_keycloak_realm_are_greeted() {
    let key = TestKey::shared(auth_core::Algorithm::Rs256);
    let realm = TestIssuer::start().await;
    realm.serve_keys(&[key]);
    let example = Example::serving("keycloak", ("KEYCLOAK_REALM", &realm.issuer())).await;
    let now = SystemClock.now().as_secs();
    let token = |scope: &str| {
        Forge::valid(key)
            .header("typ", "JWT")
            .claim("iss", realm.issuer())
            .claim("aud", json!([example.url, "account"]))
            .claim("typ", "Bearer")
            .claim("azp", "some-client")
            .claim("sub", "f3a1")
            .claim("name", "Alice")
            .claim("scope", scope)
            .claim("realm_access", json!({ "roles": ["offline_access"] }))
            .claim("iat", now)
            .claim("nbf", now)
            .claim("exp", now + 60)
            .sign(key)
    };
    let (status, text) = example.call(Some(&token("openid greet")), "greet").await;
    assert!(status == StatusCode::OK && text.contains("Hello, Alice!"), "{status} {text}");
    assert_eq!(example.call(Some(&token("openid")), "greet").await.0, StatusCode::FORBIDDEN);
    assert_eq!(example.call(None, "greet").await.0, StatusCode::UNAUTHORIZED);
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
