//! Traces of the real program, received by a collector.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    sync::{Arc, Mutex},
};

use auth_core::Algorithm;
use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message;
use serde_json::{Value, json};
use testkit::TestKey;
use tokio::net::TcpListener;

use crate::program::{World, call, request};

const NOTES: &str = include_str!("../commands/notes.sh");
const TOOLS: &str = r#"[{"name":"get_note","inputSchema":{"type":"object"}}]"#;
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Headers and body of each request that a collector was sent.
type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A collector, and its URL.
async fn collector() -> (Received, String) {
    let received = Received::default();
    let taking = Arc::clone(&received);
    let take = async move |headers: HeaderMap, body: Bytes| {
        taking.lock().unwrap().push((headers, body));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/traces", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (received, url)
}

fn spans(received: &Received) -> Vec<Span> {
    let received = received.lock().unwrap();
    let messages = received
        .iter()
        .map(|(_, body)| ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans);
    let scopes = messages.flatten().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A gateway in front of the notes, whose server writes down what it reads.
fn gateway(collector: &str) -> World {
    let world = World::new();
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    fs::write(world.path("tools.json"), TOOLS).unwrap();
    let key = TestKey::shared(Algorithm::Es256).private_pem().unwrap();
    world.write_secret("audit.pem", &key);
    let config = format!(
        r#"[upstreams.notes]
command = ["sh", "-c", "tee -a seen.jsonl | sh notes.sh"]
path = "/mcp"
[audit]
file = "audit.jsonl"
key_file = "audit.pem"
[traces]
base_endpoint = "{collector}"
service_name = "notes-gateway"
delay = 600000
"#
    );
    fs::write(world.path("bartizan.toml"), config).unwrap();
    let env = OpenOptions::new().append(true).create(true).open(world.path(".env"));
    writeln!(env.unwrap(), "OTEL_EXPORTER_OTLP_HEADERS=x-key=hush%20hush").unwrap();
    world.run(&["upstreams", "accept", "notes"]);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_sent_at_the_stop_and_audit_log_and_upstream_have_the_same_trace() {
    let (received, url) = collector().await;
    let world = gateway(&url);
    let _ = fs::remove_file(world.path("seen.jsonl"));
    let server = world.start(&["gateway"], "127.0.0.1:0");
    let bearer = format!("Bearer {}", world.token("alice", "notes:read notes:write"));
    let headers = [("authorization", &*bearer), ("traceparent", PARENT)];
    assert_eq!(server.post(call("get_note"), &headers).await, 200, "{}", server.log());
    let mut message: Value = serde_json::from_str(&call("get_note")).unwrap();
    let of_message = PARENT.replace('4', "5");
    message["params"]["_meta"]["traceparent"] = json!(of_message);
    assert_eq!(server.post(message.to_string(), &headers).await, 200);
    assert_eq!(server.post(call("get_note"), &[]).await, 401);
    let list = request("tools/list", &json!({}));
    assert_eq!(server.post(list, &[("authorization", &bearer)]).await, 200);

    let (found, text) = server.scrape().await;
    assert_eq!(found.value("bartizan_trace_waiting_spans", &[]), 4.0, "{text}");
    assert_eq!(server.ready().await["ready"], true);
    assert_eq!(spans(&received).len(), 0);
    let log = server.log();
    server.terminate();
    assert!(!log.contains("hush"), "{log}");

    let spans = spans(&received);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["tools/call get_note", "tools/call get_note", "POST /mcp", "tools/list"]);
    assert_eq!(received.lock().unwrap()[0].0["x-key"], "hush hush");
    let ids: Vec<_> = spans.iter().map(|span| hex(&span.trace_id)).collect();
    assert_eq!((&*ids[0], &*ids[1]), (&PARENT[3..35], &of_message[3..35]));

    let audit = fs::read_to_string(world.path("audit.jsonl")).unwrap();
    let seen = fs::read_to_string(world.path("seen.jsonl")).unwrap();
    for (span, id) in spans.iter().zip(&ids).filter(|(span, _)| span.name != "POST /mcp") {
        assert!(audit.contains(id), "{audit}");
        let context = format!("\"traceparent\":\"00-{id}-{}-01\"", hex(&span.span_id));
        assert!(span.name == "tools/list" || seen.contains(&context), "{context} {seen}");
    }
}

#[test]
fn a_protocol_that_there_is_not_is_an_error_of_the_start() {
    let world = World::new();
    let output = world
        .command(&["run"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL") && text.contains("4318"), "{text}");
}
