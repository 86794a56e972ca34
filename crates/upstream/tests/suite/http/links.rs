//! Links over streamable HTTP.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{sync::oneshot::error::TryRecvError, time::timeout};
use upstream::{
    credentials::Credentials,
    http::HttpLimits,
    link::{CallId, Incoming, Link, LinkFault, Outgoing, http::HttpLinks},
};

use super::{
    server::{Received, Server, Step, answer, chunk, json as json_answer, last_chunk, stream_head},
    support::{caller, client, limits},
};

pub(crate) fn open(server: &Server, limits: HttpLimits) -> Link {
    HttpLinks::new(client(&server.url(), limits), Credentials::none()).open(caller(""))
}

pub(crate) async fn say(link: &Link, message: Value) {
    let call = message.get("id").and_then(Value::as_u64).map(CallId);
    let message = Bytes::from(message.to_string());
    link.sender.send(Outgoing { call, ..Outgoing::new(message) }).await.unwrap();
}

pub(crate) async fn hear(link: &mut Link) -> Incoming {
    timeout(Duration::from_secs(10), link.receiver.recv()).await.unwrap().unwrap()
}

/// The next message, and the call on whose answer it came.
pub(crate) async fn message(link: &mut Link) -> (Value, Option<u64>) {
    match hear(link).await {
        Incoming::Message { message, during } => {
            (serde_json::from_slice(&message).unwrap(), during.map(|id| id.0))
        }
        other => panic!("{other:?}"),
    }
}

/// The call that has no answer, and why.
pub(crate) async fn no_answer(link: &mut Link) -> (u64, String) {
    match hear(link).await {
        Incoming::Fault(LinkFault::NoAnswer(id, error)) => (id.0, error.to_string()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn method(request: &Received) -> String {
    let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    message["method"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn verb(request: &Received) -> &str {
    request.head.split(' ').next().unwrap()
}

pub(crate) fn initialize() -> Value {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

pub(crate) fn call(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "t" } })
}

pub(crate) fn new_call(id: u64, name: &str, arguments: &Value) -> Value {
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    let params = json!({ "name": name, "arguments": arguments, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

fn accepted() -> Vec<Step> {
    vec![Step::Say(answer("202 Accepted", &[], ""))]
}

/// Answers the beginning of a session, and leaves the rest to `script`.
pub(crate) async fn with_session(
    script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
) -> Server {
    Server::start(move |request| match (verb(request), method(request).as_str()) {
        ("POST", "initialize") => {
            let body = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}"#;
            let headers = ["content-type: application/json", "mcp-session-id: s-1"];
            vec![Step::Say(answer("200 OK", &headers, body))]
        }
        ("POST", "notifications/initialized") => accepted(),
        _ => script(request),
    })
    .await
}

pub(crate) async fn begin(link: &mut Link) {
    say(link, initialize()).await;
    assert_eq!(message(link).await.1, Some(1));
    say(link, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
}

pub(crate) fn no_stream() -> Vec<Step> {
    vec![Step::Say(answer("405 Method Not Allowed", &[], ""))]
}

#[tokio::test]
async fn a_session_is_named_in_every_request_and_ended() {
    let server = with_session(|request| match verb(request) {
        "GET" => vec![
            Step::Say(stream_head()),
            Step::Say(chunk(
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n",
            )),
            Step::Hang,
        ],
        "DELETE" => vec![Step::Say(answer("204 No Content", &[], ""))],
        _ => vec![
            Step::Say(stream_head()),
            Step::Say(chunk(
                "event: message\ndata: {\"jsonrpc\":\"2.0\",\ndata: \"method\":\"a\"}\n\n",
            )),
            Step::Say(chunk("data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"x\":1.0}}\n\n")),
            Step::Say(last_chunk()),
        ],
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
    assert_eq!(message(&mut link).await, (changed, None));
    say(&link, call(2)).await;
    assert_eq!(message(&mut link).await, (json!({ "jsonrpc": "2.0", "method": "a" }), Some(2)));
    let result = json!({ "jsonrpc": "2.0", "id": 2, "result": { "x": 1.0 } });
    assert_eq!(message(&mut link).await, (result, Some(2)));
    let Link { sender, mut receiver } = link;
    drop(sender);
    let closed = timeout(Duration::from_secs(10), receiver.recv()).await.unwrap().unwrap();
    assert!(matches!(closed, Incoming::Closed(_)));
    assert!(receiver.recv().await.is_none());

    let received = server.received();
    let verbs: Vec<_> = received.iter().map(verb).collect();
    assert_eq!(verbs, ["POST", "POST", "GET", "POST", "DELETE"]);
    assert!(received[2].body.is_empty() && received[4].body.is_empty());
    assert_eq!(received[0].header("mcp-session-id"), None);
    assert_eq!(received[0].header("accept"), Some("application/json, text/event-stream"));
    for request in &received[1..] {
        assert_eq!(request.header("mcp-session-id"), Some("s-1"), "{}", request.head);
        // What was negotiated, not what was asked for.
        assert_eq!(request.header("mcp-protocol-version"), Some("2025-06-18"));
    }
}

#[tokio::test]
async fn what_a_link_holds_is_dropped_with_its_session() {
    let server = with_session(|request| match verb(request) {
        "GET" => no_stream(),
        _ => vec![Step::Wait, Step::Say(answer("204 No Content", &[], ""))],
    })
    .await;
    let (held, mut dropped) = tokio::sync::oneshot::channel::<()>();
    let links = HttpLinks::new(client(&server.url(), limits()), Credentials::none());
    let mut link = links.open_holding(caller(""), held, |_| {});
    begin(&mut link).await;
    server.until_received(3).await;
    drop(link.sender);
    server.until_received(4).await;
    assert!(dropped.try_recv().is_err_and(|error| error == TryRecvError::Empty));
    server.go_on();
    dropped.await.unwrap_err();
}

#[tokio::test]
async fn calls_run_side_by_side() {
    let server = with_session(|request| {
        if verb(request) != "POST" {
            return no_stream();
        }
        let message: Value = serde_json::from_slice(&request.body).unwrap();
        let id = message["id"].as_u64().unwrap();
        let body = format!("{{\"jsonrpc\":\"2.0\",\n\"id\":{id},\"result\":{{}}}}\n");
        let mut steps = vec![Step::Say(json_answer(&body))];
        if id == 2 {
            steps.insert(0, Step::Wait);
        }
        steps
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    say(&link, call(2)).await;
    say(&link, call(3)).await;
    assert_eq!(message(&mut link).await.1, Some(3));
    server.go_on();
    assert_eq!(message(&mut link).await.1, Some(2));
}

#[tokio::test]
async fn a_stream_that_breaks_is_resumed_and_its_request_is_not_sent_again() {
    let server = with_session(|request| match (verb(request), request.header("last-event-id")) {
        ("POST", _) => vec![
            Step::Say(stream_head()),
            Step::Say(chunk("id: e-1\nretry: 10\ndata:\n\n")),
            Step::Close,
        ],
        ("GET", Some("e-1")) => vec![
            Step::Say(stream_head()),
            Step::Say(chunk("id: e-2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"a\"}\n\n")),
            Step::Close,
        ],
        ("GET", Some("e-2")) => vec![
            Step::Say(stream_head()),
            Step::Say(chunk("data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n\n")),
            Step::Say(last_chunk()),
        ],
        _ => no_stream(),
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    say(&link, call(2)).await;
    assert_eq!(message(&mut link).await, (json!({ "jsonrpc": "2.0", "method": "a" }), Some(2)));
    let result = json!({ "jsonrpc": "2.0", "id": 2, "result": {} });
    assert_eq!(message(&mut link).await, (result, Some(2)));
    let calls = server.received().iter().filter(|it| method(it) == "tools/call").count();
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn a_stream_that_brings_nothing_more_is_not_resumed_without_end() {
    let server = with_session(|request| match (verb(request), request.header("last-event-id")) {
        ("POST", _) => vec![
            Step::Say(stream_head()),
            Step::Say(chunk("id: e-1\nretry: 1\ndata:\n\n")),
            Step::Close,
        ],
        ("GET", Some(_)) => vec![Step::Say(stream_head()), Step::Close],
        _ => no_stream(),
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    say(&link, call(2)).await;
    let expected = "the server ended the stream without an answer";
    assert_eq!(no_answer(&mut link).await, (2, expected.into()));
    let resumed =
        server.received().iter().filter(|it| it.header("last-event-id").is_some()).count();
    assert_eq!(resumed, 5);
}

#[tokio::test]
async fn a_call_without_an_answer_is_a_fault_of_that_call() {
    let long = format!("data: {}\n\n", "x".repeat(2048));
    let server = Server::start(move |request| {
        let message: Value = serde_json::from_slice(&request.body).unwrap();
        match message["id"].as_u64().unwrap() {
            1 => vec![Step::Close],
            2 => vec![Step::Say(stream_head()), Step::Say(chunk(": ping\n\n")), Step::Close],
            3 => vec![Step::Say(stream_head()), Step::Say(chunk(&long)), Step::Hang],
            4 => accepted(),
            5 => vec![Step::Say(answer("500 Oops", &["content-type: text/html"], "<html>"))],
            6 => vec![Step::Say(json_answer(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#))],
            _ => vec![Step::Say(json_answer(&"x".repeat(5000)))],
        }
    })
    .await;
    let limits = HttpLimits { message_bytes: 1024, answer_bytes: 4096, ..limits() };
    let mut link = open(&server, limits);
    for (id, expected) in [
        (1, "the connection to the server ended before its answer"),
        (2, "the server ended the stream without an answer"),
        (3, "the server sent a message of more than 1024 bytes"),
        (4, "the server answers 202 Accepted without an answer to the call"),
        (5, "the server answers 500 Internal Server Error"),
        (6, "the server answers 200 OK without an answer to the call"),
        (8, "the server's answer is longer than 4096 bytes"),
    ] {
        say(&link, call(id)).await;
        assert_eq!(no_answer(&mut link).await, (id, expected.to_owned()));
    }
    assert_eq!(server.received().len(), 7);
}

#[tokio::test]
async fn an_error_without_an_id_answers_its_call() {
    let headers = ["content-type: application/json"];
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}"#;
    let server = Server::saying(answer("400 Bad Request", &headers, body)).await;
    let mut link = open(&server, limits());
    say(&link, call(2)).await;
    let error = json!({ "code": -32000, "message": "no" });
    let expected = json!({ "jsonrpc": "2.0", "id": 2, "error": error });
    assert_eq!(message(&mut link).await, (expected, Some(2)));
}

#[tokio::test]
async fn a_call_is_cancelled_by_a_message_in_a_session() {
    let server = with_session(|request| match (verb(request), method(request).as_str()) {
        ("POST", "tools/call") => {
            vec![Step::Say(stream_head()), Step::Say(chunk(": ping\n\n")), Step::Hang]
        }
        ("POST", _) => accepted(),
        _ => no_stream(),
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    say(&link, call(2)).await;
    server.until_received(4).await;
    let params = json!({ "requestId": 2, "reason": "why" });
    let cancelled =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
    say(&link, cancelled.clone()).await;
    server.until_gone(1).await;
    let received = server.received();
    let last: Value = serde_json::from_slice(&received.last().unwrap().body).unwrap();
    assert_eq!(last, cancelled);
}

#[tokio::test]
async fn without_a_session_closing_the_answer_is_the_cancellation() {
    let server = Server::start(|_| {
        vec![Step::Say(stream_head()), Step::Say(chunk(": ping\n\n")), Step::Hang]
    })
    .await;
    let link = open(&server, limits());
    say(&link, new_call(2, "t", &json!({}))).await;
    server.until_received(1).await;
    let params = json!({ "requestId": 2 });
    say(&link, json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }))
        .await;
    server.until_gone(1).await;
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn headers_repeat_what_the_body_says() {
    let server = Server::start(|request| {
        let message: Value = serde_json::from_slice(&request.body).unwrap();
        let property = json!({ "type": "string", "x-mcp-header": "Region" });
        let schema = json!({ "type": "object", "properties": { "region": property } });
        let tools = json!([{ "name": "städte", "inputSchema": schema }]);
        let result = json!({ "tools": tools });
        let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        vec![Step::Say(json_answer(&body.to_string()))]
    })
    .await;
    let links = HttpLinks::new(client(&server.url(), limits()), Credentials::none());
    let mut link = links.open(caller(""));
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    let params = json!({ "_meta": meta });
    say(&link, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params }))
        .await;
    message(&mut link).await;
    // What one link has learnt, the others know.
    let mut other = links.open(caller(""));
    say(&other, new_call(2, "städte", &json!({ "region": "eu" }))).await;
    message(&mut other).await;
    let received = server.received();
    assert_eq!(received[0].header("mcp-method"), Some("tools/list"));
    assert_eq!(received[0].header("mcp-name"), None);
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?c3TDpGR0ZQ==?="),
        ("mcp-param-region", "eu"),
    ] {
        assert_eq!(received[1].header(name), Some(value));
    }
}

#[tokio::test]
async fn a_link_presents_the_gateways_credentials() {
    let server = Server::saying(json_answer(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "k-1").unwrap();
    let file = upstream::credentials::SecretFile::new(path, super::support::read);
    let header = upstream::credentials::HeaderFile::new("x-key", "", file).unwrap();
    let credentials = Credentials::header(header);
    let mut link = HttpLinks::new(client(&server.url(), limits()), credentials).open(caller(""));
    say(&link, call(2)).await;
    message(&mut link).await;
    assert_eq!(server.received()[0].header("x-key"), Some("k-1"));
}

#[tokio::test]
async fn a_connection_of_calls_runs_over_a_link() {
    let server = with_session(|request| {
        if verb(request) != "POST" {
            return no_stream();
        }
        let message: Value = serde_json::from_slice(&request.body).unwrap();
        let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": { "tools": [] } });
        vec![Step::Say(json_answer(&body.to_string()))]
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    let link = Arc::new(link);
    let calls = (10..60).map(|id| {
        let link = Arc::clone(&link);
        async move { say(&link, call(id)).await }
    });
    futures_util::future::join_all(calls).await;
    let mut link = Arc::into_inner(link).unwrap();
    let mut answered = Vec::new();
    for _ in 10..60 {
        answered.push(message(&mut link).await.1.unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (10..60).collect::<Vec<_>>());
}
