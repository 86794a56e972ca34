//! What is in a span, and what is not.

use std::time::Duration;

use opentelemetry_proto::tonic::{
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use serde_json::json;
use testkit::NOW;

use crate::{
    collector::{Behaviour, Collector},
    world::{OK, SECRET, World, attributes, call, config, message},
};

/// The span of a request, with what the server answers.
async fn span_of(body: &str, answer: &str) -> (u16, Span) {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let (status, _) = world.send(world.post(), body, answer).await;
    (status, collector.span().await)
}

/// The name of the span, and some of its attributes.
async fn named(body: &str, keys: &[&str]) -> (String, Vec<Option<String>>) {
    let (_, span) = span_of(body, OK).await;
    let attributes = attributes(&span);
    (span.name, keys.iter().map(|key| attributes.get(*key).cloned()).collect())
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

#[tokio::test]
async fn a_call_is_a_server_span_with_the_names_of_the_conventions() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let request = world.post().header("mcp-protocol-version", "2025-06-18");
    assert_eq!(world.send(request, &call("known"), OK).await.0, 200);
    let span = collector.span().await;
    assert_eq!((span.name.as_str(), span.kind()), ("tools/call known", SpanKind::Server));
    assert!(!is_error(&span) && span.parent_span_id.is_empty() && span.links.is_empty());
    assert_eq!((span.trace_id.len(), span.span_id.len(), span.flags), (16, 8, 0x101));
    let started = Duration::from_nanos(span.start_time_unix_nano);
    assert_eq!(started.as_secs(), NOW.unsigned_abs());
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    let mut found = attributes(&span);
    assert_eq!(found.remove("bartizan.request.id").map(|id| id.len()), Some(16));
    let expected = [
        ("bartizan.outcome", "permitted"),
        ("bartizan.reason", "granted"),
        ("bartizan.resource", testkit::RESOURCE),
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "known"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("jsonrpc.request.id", "1"),
        ("mcp.method.name", "tools/call"),
        ("mcp.protocol.version", "2025-06-18"),
        ("network.protocol.name", "http"),
        ("network.protocol.version", "1.1"),
        ("network.transport", "tcp"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, expected.into());
    let received = collector.received();
    let resource = received[0].message.resource_spans[0].resource.clone().unwrap();
    let service = resource.attributes[0].value.clone().unwrap().value.unwrap();
    assert_eq!(resource.attributes[0].key, "service.name");
    assert_eq!(service, Value::StringValue("under-test".into()));
}

#[tokio::test]
async fn a_name_is_in_a_span_only_if_the_policy_or_mcp_has_it() {
    let tool = ["gen_ai.tool.name", "bartizan.outcome", "bartizan.reason", "error.type"];
    let (name, found) = named(&call("strange"), &tool).await;
    assert_eq!(name, "tools/call");
    assert_eq!(found[0], None);
    assert_eq!(found[1..], some(&["denied", "no_rule", "403"]));
    let prompt = message("prompts/get", &json!({ "name": "greet" }));
    let (name, found) = named(&prompt, &["gen_ai.prompt.name"]).await;
    assert_eq!((name.as_str(), found), ("prompts/get greet", some(&["greet"])));
    let read = |uri: &str| message("resources/read", &json!({ "uri": uri }));
    let uri = ["mcp.resource.uri"];
    let (name, found) = named(&read("notes://one"), &uri).await;
    assert_eq!((name.as_str(), found), ("resources/read", some(&["notes://one"])));
    // By a template: the caller chose the URI.
    let (name, found) = named(&read("notes://users/alice"), &uri).await;
    assert_eq!((name.as_str(), found), ("resources/read", vec![None]));
    let method = ["mcp.method.name"];
    for (sent, written) in
        [("own/method", "own/method"), ("strange/method", "_OTHER"), ("ping", "ping")]
    {
        let (name, found) = named(&message(sent, &json!({})), &method).await;
        assert_eq!((name.as_str(), found), (written, some(&[written])));
    }
}

#[tokio::test]
async fn an_error_of_the_answer_is_the_error_of_the_span() {
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"hush-hush"}}"#;
    let tool = r#"{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[]}}"#;
    for (answer, kind, code) in [
        (error.to_owned(), "-32602", Some("-32602")),
        (tool.to_owned(), "tool_error", None),
        (format!("data: {error}\n\n"), "-32602", Some("-32602")),
        (format!("data: {tool}\n\n"), "tool_error", None),
    ] {
        let (status, span) = span_of(&call("known"), &answer).await;
        let found = attributes(&span);
        assert_eq!((status, is_error(&span)), (200, true), "{answer}");
        assert_eq!(found["error.type"], kind, "{answer}");
        assert_eq!(found.get("rpc.response.status_code").map(String::as_str), code, "{answer}");
        assert!(!format!("{span:?}").contains(SECRET));
    }
    let list = message("tools/list", &json!({}));
    let found = attributes(&span_of(&list, error).await.1);
    assert_eq!(found["error.type"], "-32602");
}

#[tokio::test]
async fn a_refused_request_has_a_span_too_and_it_says_why() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let refused = |authorization: &str, body: &str| {
        let request = http::Request::post("/mcp").header("host", "localhost:8000");
        let request = request.header("authorization", authorization);
        let body = body.to_owned();
        let world = &world;
        async move { world.send(request, &body, OK).await.0 }
    };
    let token = format!("Bearer {}", world.token);
    assert_eq!(refused("Bearer a.b.c", &call("known")).await, 401);
    assert_eq!(refused(&token, "{").await, 400);
    let spans = collector.spans(2).await;
    for (span, outcome, reason, status) in
        [(&spans[0], "unauthenticated", "form", "401"), (&spans[1], "refused", "malformed", "400")]
    {
        let found = attributes(span);
        assert_eq!((span.name.as_str(), is_error(span)), ("POST /mcp", true));
        assert_eq!(
            (found["bartizan.outcome"].as_str(), found["bartizan.reason"].as_str()),
            (outcome, reason)
        );
        assert_eq!(
            (found["error.type"].as_str(), found["http.response.status_code"].as_str()),
            (status, status)
        );
        assert_eq!(found.get("mcp.method.name"), None);
    }
}

#[tokio::test]
async fn a_method_that_is_not_of_http_is_not_in_a_span() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let method = "X".repeat(5000);
    let request = http::Request::builder().method(method.as_str()).uri("/mcp");
    world.send(request.header("host", "localhost:8000"), "", OK).await;
    let span = collector.span().await;
    assert_eq!(span.name, "HTTP /mcp");
    assert_eq!(attributes(&span)["http.request.method"], "_OTHER");
}

#[tokio::test]
async fn a_caller_who_does_not_wait_leaves_a_cancelled_span() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let inner = tower::service_fn(|_: http::Request<http_body_util::Full<bytes::Bytes>>| {
        std::future::pending::<
            Result<http::Response<http_body_util::Full<bytes::Bytes>>, std::convert::Infallible>,
        >()
    });
    let request = world.post().body(http_body_util::Full::<bytes::Bytes>::from(call("known")));
    let answer = tower::ServiceExt::oneshot(world.guard.protect(inner), request.unwrap());
    let waited = tokio::time::timeout(Duration::from_millis(20), answer).await;
    assert!(waited.is_err());
    let span = collector.span().await;
    let found = attributes(&span);
    assert_eq!(
        (span.name.as_str(), found["error.type"].as_str()),
        ("tools/call known", "cancelled")
    );
    assert_eq!(found.get("http.response.status_code"), None);
}

#[tokio::test]
async fn nothing_of_the_token_the_user_the_arguments_or_the_answer_is_sent() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"hush-hush"}]}}"#;
    let request = world.post().header("mcp-session-id", SECRET).header("x-forwarded-for", SECRET);
    world.send(request, &call("known"), answer).await;
    world.send(world.post(), &call(SECRET), answer).await;
    world.send(world.post(), &message(SECRET, &json!({ "uri": SECRET })), answer).await;
    collector.spans(3).await;
    for received in collector.received() {
        let sent = String::from_utf8_lossy(&received.body).into_owned();
        for part in world.token.split('.') {
            assert!(!sent.contains(part));
        }
        assert!(!sent.contains(SECRET), "{sent}");
        assert!(!sent.contains("user-userson") && !sent.contains("127.0.0.1"), "{sent}");
    }
}
