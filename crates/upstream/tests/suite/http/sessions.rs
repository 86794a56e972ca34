//! The end of a session: 404 to a request that names it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tokio::time::timeout;
use upstream::{
    credentials::Credentials,
    link::{Incoming, Link, http::HttpLinks},
};

use super::{
    links::{
        begin, call, hear, message, method, new_call, no_answer, no_stream, open, say, verb,
        with_session,
    },
    server::{Received, Step, answer, json as json_answer},
    support::{caller, client, limits},
};

const ENDED: &str = "the server has ended the session";

async fn closed(link: &mut Link) -> String {
    match hear(link).await {
        Incoming::Closed(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

fn id(request: &Received) -> u64 {
    let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    message["id"].as_u64().unwrap_or_default()
}

fn gone() -> Vec<Step> {
    vec![Step::Say(answer("404 Not Found", &["content-type: text/plain"], "gone"))]
}

fn result(id: u64) -> Vec<Step> {
    vec![Step::Say(json_answer(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)))]
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_ends_the_link() {
    let error = |id: Value, code: i64| {
        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": "m" } }).to_string()
    };
    for (kind, body) in [
        ("text/plain", "gone".to_owned()),
        ("application/json", String::new()),
        ("application/json", error(Value::Null, -32001)),
        ("application/json", error(json!(2), -32001)),
        // The method of another request.
        ("application/json", error(json!(3), -32601)),
        ("application/json", error(Value::Null, -32601)),
    ] {
        let gone = answer("404 Not Found", &[&format!("content-type: {kind}")], &body);
        let server = with_session(move |request| match verb(request) {
            "GET" => no_stream(),
            _ => vec![Step::Say(gone.clone())],
        })
        .await;
        let mut link = open(&server, limits());
        begin(&mut link).await;
        say(&link, call(2)).await;
        assert_eq!(no_answer(&mut link).await, (2, ENDED.into()), "{body}");
        assert_eq!(closed(&mut link).await, format!("the connection was ended: {ENDED}"));
        assert!(link.receiver.recv().await.is_none());
        // There is no session to delete.
        assert!(server.received().iter().all(|request| verb(request) != "DELETE"));
    }
}

#[tokio::test]
async fn a_method_that_is_not_found_does_not_end_the_session() {
    let body = r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no such method"}}"#;
    let missing = answer("404 Not Found", &["content-type: application/json"], body);
    let server = with_session(move |request| match (verb(request), id(request)) {
        ("GET", _) => no_stream(),
        (_, 2) => vec![Step::Say(missing.clone())],
        (_, id) => result(id),
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    say(&link, call(2)).await;
    assert_eq!(message(&mut link).await, (serde_json::from_str(body).unwrap(), Some(2)));
    say(&link, call(3)).await;
    assert_eq!(message(&mut link).await.1, Some(3));
}

#[tokio::test]
async fn a_404_to_a_request_that_names_no_session_is_that_requests_alone() {
    let server = with_session(|request| match (verb(request), request.header("mcp-session-id")) {
        ("GET", _) => no_stream(),
        (_, None) => gone(),
        (_, Some(_)) => result(id(request)),
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    // It names its revision, and no session.
    say(&link, new_call(2, "t", &json!({}))).await;
    assert_eq!(no_answer(&mut link).await, (2, "the server answers 404 Not Found".into()));
    say(&link, call(3)).await;
    assert_eq!(message(&mut link).await.1, Some(3));
}

#[tokio::test]
async fn calls_that_are_in_flight_when_the_session_ends_are_answered() {
    let server = with_session(|request| match (verb(request), id(request)) {
        ("GET", _) => no_stream(),
        (_, 2) => [vec![Step::Wait], result(2)].concat(),
        _ => gone(),
    })
    .await;
    let links = HttpLinks::new(client(&server.url(), limits()), Credentials::none());
    let closing = Arc::<AtomicUsize>::default();
    let count = |closing: &Arc<AtomicUsize>| {
        closing.fetch_add(1, Ordering::SeqCst);
    };
    let mut link = links.open_holding(caller(""), Arc::clone(&closing), count);
    begin(&mut link).await;
    say(&link, call(2)).await;
    server.until_received(4).await;
    assert_eq!(closing.load(Ordering::SeqCst), 0);
    say(&link, call(3)).await;
    assert_eq!(no_answer(&mut link).await, (3, ENDED.into()));
    // This one is not sent.
    say(&link, call(4)).await;
    assert_eq!(no_answer(&mut link).await, (4, ENDED.into()));
    assert_eq!(closing.load(Ordering::SeqCst), 1, "no caller is given the link any more");
    assert!(server.received().iter().all(|request| id(request) != 4));
    server.go_on();
    assert_eq!(message(&mut link).await.1, Some(2));
    closed(&mut link).await;
}

#[tokio::test]
async fn the_stream_of_a_session_that_has_ended_ends_the_link() {
    let server = with_session(|_| gone()).await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    assert_eq!(closed(&mut link).await, format!("the connection was ended: {ENDED}"));
}

#[tokio::test]
async fn a_notification_that_finds_no_session_ends_the_link() {
    let server = with_session(|request| match verb(request) {
        "GET" => no_stream(),
        _ => gone(),
    })
    .await;
    let mut link = open(&server, limits());
    begin(&mut link).await;
    say(&link, json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" })).await;
    let end = timeout(std::time::Duration::from_secs(10), closed(&mut link)).await.unwrap();
    assert_eq!(end, format!("the connection was ended: {ENDED}"));
    assert!(server.received().iter().all(|request| method(request) != "tools/call"));
}
