//! The short way for plain calls says what rmcp says: every request here goes to both, behind the same guard,
//! with a clock that stands still, and the answers are compared byte for byte.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use auth_core::{Algorithm, KeySet, TokenVerifier, TrustedIssuer};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use mcp_guard::{Guard, GuardService, TokenAuthenticator};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use server::{BUILT_IN, McpServer, McpService, parse_policy};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{Metadata, Subscriber, span};

type Service = GuardService<Swap, TokenAuthenticator<Arc<ManualClock>>>;

/// Both ways, behind guards that are the same.
struct Ways {
    short: Service,
    rmcp: Service,
    /// Of two users.
    tokens: [String; 2],
}

/// A request, in parts that can be spoilt.
#[derive(Debug, Clone)]
struct Call {
    /// Which of the users calls.
    caller: usize,
    method: http::Method,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// What a layer behind the guard puts in the place of method and body: none should, and nothing may
    /// come of it.
    swapped: Swapped,
}

type Swapped = Option<(http::Method, String)>;

/// Such a layer.
#[derive(Clone)]
struct Swap(McpService);

impl tower::Service<Request<Full<Bytes>>> for Swap {
    type Response = <McpService as tower::Service<Request<Full<Bytes>>>>::Response;
    type Error = <McpService as tower::Service<Request<Full<Bytes>>>>::Error;
    type Future = <McpService as tower::Service<Request<Full<Bytes>>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        if let Some((method, body)) = request.extensions_mut().remove::<Swapped>().flatten() {
            *request.method_mut() = method;
            *request.body_mut() = body.into();
        }
        self.0.call(request)
    }
}

type Headers = Vec<(&'static str, String)>;
type Spoil<T> = Box<dyn Fn(&mut T)>;

impl Ways {
    fn new() -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let resource = || RESOURCE.parse::<auth_core::ResourceUri>().unwrap();
        let guard = || {
            let issuer =
                TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
            let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer);
            let authenticate = TokenAuthenticator::new(verifier, ManualClock::at(NOW));
            Guard::new(resource(), parse_policy(BUILT_IN).unwrap(), authenticate)
        };
        let server = McpServer::new(resource(), ManualClock::at(NOW));
        let shutdown = CancellationToken::new();
        let ways = Self {
            short: guard().protect(Swap(McpService::new(server.clone(), &shutdown))),
            rmcp: guard().protect(Swap(McpService::by_rmcp_alone(server, &shutdown))),
            tokens: ["one", "other"].map(|subject| {
                let forge = Forge::valid(key).claim("sub", subject);
                forge.claim("scope", "Admin.Write User.Read").sign(key)
            }),
        };
        // The first call in a revision makes the client that tools see, by a loop of its own.
        for revision in known() {
            let _ = ways.one(&ways.short, &good(revision, "get_time"));
        }
        ways
    }

    /// What both say to `call`, which must be the same; and whether it went the short way.
    fn ask(&self, call: &Call) -> (StatusCode, bool) {
        let (by_rmcp, loops) = self.one(&self.rmcp, call);
        let (by_us, ours) = self.one(&self.short, call);
        assert_eq!(by_us, by_rmcp, "{call:?}");
        (by_us.0, ours < loops)
    }

    /// The answer, and how many loops rmcp has started for it.
    fn one(&self, way: &Service, call: &Call) -> ((StatusCode, HeaderMap, Bytes), usize) {
        let mut request = Request::builder().method(call.method.clone()).uri("/mcp");
        for (name, value) in &call.headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut request = request
            .header(header::HOST, "localhost:8000")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.tokens[call.caller]))
            .body(Full::new(Bytes::from(call.body.clone())))
            .unwrap();
        request.extensions_mut().insert(call.swapped.clone());
        let loops = Arc::new(AtomicUsize::new(0));
        let answer = tracing::subscriber::with_default(Loops(Arc::clone(&loops)), || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let response = way.clone().oneshot(request).await.unwrap();
                let (mut parts, body) = Response::into_parts(response);
                assert!(parts.headers.remove("x-request-id").is_some());
                let body = body.collect().await.unwrap().to_bytes();
                (parts.status, parts.headers, body)
            })
        });
        (answer, loops.load(Ordering::Relaxed))
    }
}

/// Counts the spans in which rmcp's loop runs.
struct Loops(Arc<AtomicUsize>);

impl Subscriber for Loops {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "serve_inner"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        self.0.fetch_add(1, Ordering::Relaxed);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// A good call of `tool` in `revision`, as a client of it sends it.
fn good(revision: Option<&str>, tool: &str) -> Call {
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
    ];
    let mut params = json!({ "name": tool, "arguments": {} });
    headers.extend(revision.map(|revision| ("mcp-protocol-version", revision.to_owned())));
    if let Some(revision) = revision.filter(|revision| *revision >= "2026-07-28") {
        headers.push(("mcp-method", "tools/call".into()));
        headers.push(("mcp-name", tool.into()));
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientInfo": { "name": "a test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    Call { caller: 0, method: http::Method::POST, headers, body: body.to_string(), swapped: None }
}

/// The revisions, and none, which is one too.
fn known() -> impl Iterator<Item = Option<&'static str>> {
    ProtocolVersion::KNOWN_VERSIONS.iter().map(|it| Some(it.as_str())).chain([None])
}

/// The same, and some that there are not.
fn revisions() -> Vec<Option<&'static str>> {
    known().chain(["2024-01-01", "2099-12-31", "", "draft"].map(Some)).collect()
}

fn set(name: &'static str, value: &'static str) -> impl Fn(&mut Headers) {
    move |headers| {
        headers.retain(|(it, _)| *it != name);
        headers.push((name, value.into()));
    }
}

fn header_faults() -> Vec<Spoil<Headers>> {
    let mut faults: Vec<Spoil<Headers>> = vec![Box::new(|_| {})];
    for (name, values) in [
        (
            "content-type",
            &["text/plain", "application/json; charset=utf-8", "Application/JSON", ""][..],
        ),
        (
            "accept",
            &[
                "text/event-stream,application/json",
                "text/event-stream, application/json, */*",
                "application/json",
                "text/event-stream",
                "*/*",
                "application/json;q=0, text/event-stream",
                "application/json;q=0.5, text/event-stream",
                "text/html; a=\"b, application/json, text/event-stream, c\"",
                "application/json, text/event-stream, application/json;q=0",
                "application/json-seq, text/event-stream",
                "",
            ],
        ),
        ("mcp-protocol-version", &["2025-06-18", "2026-07-28", "x", "\u{e9}"]),
        ("mcp-method", &["tools/call", "tools/list", "TOOLS/CALL", "\u{e9}", ""]),
        ("mcp-name", &["get_time", "whoami", "=?base64?Z2V0X3RpbWU=?=", "=?base64?!?=", ""]),
        ("mcp-param-x", &["1"]),
        ("mcp-session-id", &["a-session"]),
        ("last-event-id", &["1"]),
        ("origin", &["http://localhost:8000", "https://other.example"]),
        ("x-other", &["1"]),
    ] {
        faults.push(Box::new(move |headers| headers.retain(|(it, _)| *it != name)));
        for value in values {
            faults.push(Box::new(set(name, value)));
        }
        // The first of them once more, before what is there and after it.
        let again = (name, values[0].to_owned());
        let before = again.clone();
        faults.push(Box::new(move |headers| headers.insert(0, before.clone())));
        faults.push(Box::new(move |headers| headers.push(again.clone())));
        let twice = move |headers: &mut Headers| {
            let again: Vec<_> = headers.iter().filter(|(it, _)| *it == name).cloned().collect();
            headers.extend(again);
        };
        faults.push(Box::new(twice));
    }
    faults
}

/// Puts `value` at `pointer` in the body, in objects that are made where there are none; takes away what is there
/// if it is `None`.
fn put(pointer: &'static str, value: Option<Value>) -> impl Fn(&mut String) {
    move |body| {
        let mut message: Value = serde_json::from_str(body).unwrap();
        let (parents, member) = pointer.rsplit_once('/').unwrap();
        let mut place = &mut message;
        for parent in parents.split('/').skip(1) {
            let members = place.as_object_mut().unwrap();
            place = members.entry(parent).or_insert_with(|| json!({}));
        }
        let (place, member) = (place.as_object_mut().unwrap(), member.replace("~1", "/"));
        match &value {
            Some(value) => place.insert(member, value.clone()),
            None => place.remove(&member),
        };
        *body = message.to_string();
    }
}

fn body_faults() -> Vec<Spoil<String>> {
    let mut faults: Vec<Spoil<String>> = vec![Box::new(|_| {})];
    let values = || {
        [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.0),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("2.0"),
            json!("get_time"),
            json!("whoami"),
            json!("2025-03-26"),
            json!("2025-06-18"),
            json!("2026-07-28"),
            json!("\u{e9}\n\"\\"),
            json!([]),
            json!([1]),
            json!({}),
            json!({ "a": { "b": [1, null, "x"] }, "name": "whoami" }),
        ]
    };
    for pointer in [
        "/jsonrpc",
        "/id",
        "/method",
        "/params",
        "/other",
        "/result",
        "/params/name",
        "/params/arguments",
        "/params/_meta",
        "/params/_meta/progressToken",
        "/params/_meta/other",
        "/params/_meta/traceparent",
        "/params/_meta/io.modelcontextprotocol~1protocolVersion",
        "/params/_meta/io.modelcontextprotocol~1clientInfo",
        "/params/_meta/io.modelcontextprotocol~1clientCapabilities",
        "/params/_meta/io.modelcontextprotocol~1logLevel",
        "/params/task",
        "/params/inputResponses",
        "/params/requestState",
        "/params/other",
    ] {
        faults.push(Box::new(put(pointer, None)));
        for value in values() {
            faults.push(Box::new(put(pointer, Some(value))));
        }
    }
    for (from, to) in [
        (r#""id":1"#, r#""id":1,"id":2"#),
        (r#""id":1"#, r#""id":1e2"#),
        (r#""id":1"#, r#""id":9007199254740993.0"#),
        (r#""id":1"#, r#""i\u0064":1"#),
        (r#""2.0""#, r#""\u0032.0""#),
        ("get_time", r"get\u005ftime"),
        ("tools/call", r"tools\/call"),
        (r#""arguments":{}"#, r#""arguments":{"a":1,"a":2}"#),
        (r#""arguments":{}"#, r#""arguments":{},"arguments":{}"#),
        ("{", " {\n\t"),
        ("}", "} "),
        ("}}", "}},"),
        ("}}", "}"),
        ("{", "[{"),
    ] {
        faults.push(Box::new(move |body| *body = body.replacen(from, to, 1)));
    }
    faults
}

/// In every revision: each fault of the body, each fault of the headers, and a part of their pairs, another
/// one for each fault of the headers.
#[test]
fn each_answer_is_rmcps_own() {
    const PART: usize = 31;
    let ways = Ways::new();
    let (mut short, mut long, mut refused) = (0, 0, 0);
    let (headers, bodies) = (header_faults(), body_faults());
    for (shift, revision) in revisions().into_iter().enumerate() {
        for (n, spoil_headers) in headers.iter().enumerate() {
            for (m, spoil_body) in bodies.iter().enumerate() {
                if n > 0 && m > 0 && (n + m + shift) % PART != 0 {
                    continue;
                }
                for tool in ["get_time", "whoami"].into_iter().take(if n == 0 { 2 } else { 1 }) {
                    let mut call = good(revision, tool);
                    spoil_headers(&mut call.headers);
                    spoil_body(&mut call.body);
                    let sound = good(revision, tool);
                    if n + m > 0 && call.headers == sound.headers && call.body == sound.body {
                        continue;
                    }
                    match ways.ask(&call) {
                        (StatusCode::OK, true) => short += 1,
                        (StatusCode::OK, false) => long += 1,
                        (status, is_short) => {
                            assert!(!is_short, "{status}: {call:?}");
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(short > 1000 && long > 1000 && refused > 1000, "{short} {long} {refused}");
}

/// What most clients send goes the short way, in every revision.
#[test]
fn plain_calls_take_the_short_way() {
    let ways = Ways::new();
    for revision in known() {
        for tool in ["get_time", "whoami"] {
            let call = good(revision, tool);
            assert_eq!(ways.ask(&call), (StatusCode::OK, true), "{revision:?} {tool}");
        }
    }
}

/// Every byte of a good call taken out, doubled, and put in place of by some that mean something.
#[test]
fn each_spoilt_byte_gets_rmcps_own_answer() {
    let ways = Ways::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        let call = good(revision, "get_time");
        for at in 0..call.body.len() {
            let (before, rest) = call.body.split_at(at);
            let (byte, after) = rest.split_at(1);
            for by in ["", "\"", "{", "}", ",", ":", "0", "\\", " ", "\u{1}", "\u{e9}"] {
                let spoilt = Call { body: format!("{before}{by}{after}"), ..call.clone() };
                let _ = ways.ask(&spoilt);
            }
            let doubled = Call { body: format!("{before}{byte}{byte}{after}"), ..call.clone() };
            let _ = ways.ask(&doubled);
        }
    }
}

/// Other methods, of HTTP and of MCP, and a body that is long.
#[test]
fn what_is_no_plain_call_is_rmcps() {
    let ways = Ways::new();
    for revision in revisions() {
        for method in ["GET", "DELETE", "PUT"] {
            let mut call = good(revision, "get_time");
            call.method = method.parse().unwrap();
            assert!(!ways.ask(&call).1, "{call:?}");
        }
        for method in
            ["initialize", "ping", "tools/list", "resources/list", "server/discover", "tools/other"]
        {
            let mut call = good(revision, "get_time");
            call.body = call.body.replace("tools/call", method);
            set("mcp-method", "")(&mut call.headers);
            call.headers.retain(|(name, _)| !name.starts_with("mcp-m"));
            assert!(!ways.ask(&call).1, "{call:?}");
        }
        for length in [60_000, 70_000] {
            let mut call = good(revision, "get_time");
            let long = format!(r#""arguments":{{"a":"{}"}}"#, "x".repeat(length));
            call.body = call.body.replace(r#""arguments":{}"#, &long);
            let (status, is_short) = ways.ask(&call);
            assert_eq!(is_short, length < 65_536 && status == StatusCode::OK, "{length}");
        }
    }
}

/// What it does not know it leaves alone, though the answer would be the same.
#[test]
fn members_that_are_not_known_are_rmcps_to_judge() {
    let ways = Ways::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        for pointer in ["/other", "/params/other", "/params/task"] {
            let mut call = good(revision, "get_time");
            put(pointer, Some(json!({})))(&mut call.body);
            assert_eq!(ways.ask(&call), (StatusCode::OK, false), "{revision:?} {pointer}");
        }
    }
}

/// A layer between the guard and the server that puts another request in the place of the one that was judged.
#[test]
fn what_the_guard_has_not_judged_is_not_answered() {
    let ways = Ways::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        let call = good(revision, "get_time");
        for method in ["GET", "DELETE", "PUT"] {
            let swapped = Some((method.parse().unwrap(), call.body.clone()));
            assert!(!ways.ask(&Call { swapped, ..call.clone() }).1, "{method}");
        }
        for (from, to) in [
            ("2.0", "1.0"),
            ("tools/call", "tools/list"),
            ("tools/call", "prompts/get"),
            ("\"get_time\"", "\"whoami\""),
            ("\"get_time\"", "\"other\""),
        ] {
            let body = call.body.replace(from, to);
            let swapped = Some((http::Method::POST, body));
            assert!(!ways.ask(&Call { swapped, ..call.clone() }).1, "{from} {to}");
        }
        for body in [
            r#"["2.0",1,"tools/call",{"name":"get_time"}]"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[null,"get_time",null]}"#,
        ] {
            let swapped = Some((http::Method::POST, body.to_owned()));
            assert!(!ways.ask(&Call { swapped, ..call.clone() }).1, "{body}");
        }
    }
}

/// Two callers in turn, in a revision whose client they share.
#[test]
fn each_caller_is_told_who_it_is_itself() {
    let ways = Ways::new();
    for revision in known() {
        for (caller, name) in [(0, "\"one\""), (1, "\"other\""), (0, "\"one\"")] {
            let call = Call { caller, ..good(revision, "whoami") };
            assert_eq!(ways.ask(&call), (StatusCode::OK, true), "{revision:?}");
            let ((_, _, body), _) = ways.one(&ways.short, &call);
            assert!(String::from_utf8_lossy(&body).contains(name), "{revision:?} {name}");
        }
    }
}

/// The header that a tool's schema binds to an argument is looked at by rmcp alone.
#[test]
fn no_plain_tool_has_arguments_in_headers() {
    let ways = Ways::new();
    let list =
        Call { body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.into(), ..good(None, "") };
    let (answer, _) = ways.one(&ways.rmcp, &list);
    let text = String::from_utf8(answer.2.to_vec()).unwrap();
    assert!(text.contains("get_time") && text.contains("whoami"), "{text}");
    assert!(!text.contains("x-mcp-header"), "{text}");
}
