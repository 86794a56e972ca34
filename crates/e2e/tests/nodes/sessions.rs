//! Sessions of clients of before 2026-07-28, begun on one node and gone on with on another.

use std::time::Duration;

use reqwest::{Method, Response};
use testkit::Postgres;
use tokio::time::timeout;

use crate::site::{HOST, Node, Site, USER, http};

const SECOND: Duration = Duration::from_secs(1);

/// A client in a session, which goes where it is sent.
struct Client {
    http: reqwest::Client,
    token: String,
    session: Option<String>,
}

impl Client {
    async fn send(&self, method: Method, node: &Node, body: &'static str) -> Response {
        let mut request = self
            .http
            .request(method, node.url("/mcp"))
            .bearer_auth(&self.token)
            .header("host", HOST)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2025-11-25")
            .body(body);
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        request.send().await.unwrap()
    }

    /// What is answered, which must hold `expected`.
    async fn ask(&self, node: &Node, body: &'static str, expected: &str) {
        let answer = self.send(Method::POST, node, body).await;
        assert_eq!(answer.status(), 200, "{body}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(expected), "{text}");
    }

    async fn status(&self, node: &Node, body: &'static str) -> u16 {
        self.send(Method::POST, node, body).await.status().as_u16()
    }
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
    "protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"get_time"}}"#;

async fn a_session_moves(site: Site) {
    let site = site.with("SESSIONS", "database");
    let (mut a, mut b) = (site.node(), site.node());
    a.admin(&["users", "grant", "bob", "admin"]);
    a.start();
    b.start();
    let mut client = Client { http: http(), token: site.token(USER), session: None };
    let begun = client.send(Method::POST, &a, INITIALIZE).await;
    assert_eq!(begun.status(), 200);
    let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    client.session = Some(session.clone());
    assert_eq!(client.status(&a, INITIALIZED).await, 202);

    // List and call on the other node, and on the first again.
    for node in [&b, &a] {
        client.ask(node, LIST, "\"get_time\"").await;
        client.ask(node, CALL, "current_time").await;
    }
    // A new token of the same user goes on.
    client.token = site.token(USER);
    client.ask(&b, CALL, "current_time").await;

    // Somebody else does not, on no node; nor does somebody without a token, or with a name made
    // up.
    let admin = site.token("bob");
    let other = Client { http: http(), token: admin, session: Some(session.clone()) };
    let anonymous = Client { http: http(), token: "x".into(), session: Some(session) };
    let unsealed = client.session.as_deref().unwrap().split('.').next().map(str::to_owned);
    let unsealed = Client { http: http(), token: site.token(USER), session: unsealed };
    for node in [&a, &b] {
        assert_eq!(other.status(node, CALL).await, 404);
        assert_eq!(anonymous.status(node, CALL).await, 401);
        assert_eq!(unsealed.status(node, CALL).await, 404);
    }

    // The session outlives the node on which it began, also once that has forgotten it.
    a.kill();
    client.ask(&b, CALL, "current_time").await;
    b.kill();
    a.start();
    b.start();
    client.ask(&b, LIST, "\"get_time\"").await;
    // A user who may not, may not in a session either, and an open stream ends within a second.
    let mut stream = client.send(Method::GET, &b, "").await;
    assert_eq!(stream.status(), 200);
    let mut end = async || while let Ok(Some(_)) = stream.chunk().await {};
    assert!(timeout(SECOND, end()).await.is_err(), "it stays open for a caller who may have it");
    a.admin(&["users", "disable", USER]);
    assert!(timeout(SECOND, end()).await.is_ok(), "it does not end");
    assert_eq!(client.status(&b, CALL).await, 403);
    a.admin(&["users", "enable", USER]);
    tokio::time::sleep(SECOND).await;

    // What its owner ends is no session for any node that does not hold it.
    assert_eq!(other.send(Method::DELETE, &b, "").await.status(), 404);
    assert!(client.send(Method::DELETE, &b, "").await.status().is_success());
    for node in [&a, &b] {
        assert_eq!(client.status(node, CALL).await, 404);
    }
    // Clients of 2026-07-28 have none and need none.
    a.stop();
    b.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_between_nodes_on_postgres() {
    let Some(postgres) = Postgres::for_tests() else { return };
    a_session_moves(Site::new(Some(postgres.database().unwrap()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_between_processes_on_sqlite() {
    a_session_moves(Site::new(None)).await;
}
