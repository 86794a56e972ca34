//! The guard in front of a service of our own, over HTTP: what the service behind it sees, and what
//! the guard's settings do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod calls;
mod certificates;
mod observer;
mod permitted;
mod presented;
mod recorder;
mod rules;
mod users;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{Action, Algorithm, KeySet, Policy, PolicyDocument, TokenVerifier, TrustedIssuer};
use bartizan::{Caller, Guard, TokenAuthenticator};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use serde_json::json;
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What reached the service behind the guard.
#[derive(Debug, Clone)]
struct Seen {
    headers: http::HeaderMap,
    body: Bytes,
    caller: Caller,
}

type Inbox = Arc<Mutex<Vec<Seen>>>;

type Authenticator = TokenAuthenticator<Arc<ManualClock>>;

fn authenticator() -> Authenticator {
    let key = TestKey::shared(Algorithm::Hs256);
    let issuer = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer);
    TokenAuthenticator::new(verifier, ManualClock::at(NOW))
}

fn policy() -> Policy {
    let document: PolicyDocument = serde_json::from_value(json!({
        "scopes": { "A": "", "B": "" },
        "tools": { "a": "A", "b": "B" },
        "record": { "a": ["n"] },
    }))
    .unwrap();
    Policy::try_from(document).unwrap()
}

fn guard() -> Guard<Authenticator> {
    Guard::new(RESOURCE.parse().unwrap(), policy(), [], authenticator()).unwrap()
}

/// Serves `guard` on a free port; returns where, and what gets through.
async fn serve(guard: Guard<Authenticator>) -> (std::net::SocketAddr, Inbox) {
    serve_with(guard, || Response::new(Full::<Bytes>::from("through").boxed())).await
}

/// The same, where what is behind has another answer.
async fn serve_with(
    guard: Guard<Authenticator>,
    answer: impl Fn() -> Response<BoxBody<Bytes, Infallible>> + Clone + Send + Sync + 'static,
) -> (std::net::SocketAddr, Inbox) {
    let inbox = Inbox::default();
    let seen = Arc::clone(&inbox);
    let behind = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let (seen, answer) = (Arc::clone(&seen), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let caller = parts.extensions.get::<Caller>().unwrap().clone();
            seen.lock().unwrap().push(Seen { headers: parts.headers, body, caller });
            Ok::<_, Infallible>(answer())
        }
    });
    let app = axum::Router::<()>::new().fallback_service(guard.protect(behind));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, inbox)
}

fn token(scope: &str) -> String {
    let key = TestKey::shared(Algorithm::Hs256);
    Forge::valid(key).claim("scope", scope).sign(key)
}

fn call(tool: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": tool } })
        .to_string()
}

/// Sends a request as it is written and returns the answer as it came.
async fn exchange(address: std::net::SocketAddr, head: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = head.join("\r\n");
    let text = format!("{head}\r\nconnection: close\r\n\r\n{body}");
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    // A server that refuses does not read the rest, and the connection may break.
    let _ = read.await.unwrap();
    String::from_utf8(answer).unwrap()
}

async fn post(address: std::net::SocketAddr, token: &str, body: &str) -> String {
    let authorization = format!("authorization: Bearer {token}");
    let length = format!("content-length: {}", body.len());
    let head = ["POST /mcp HTTP/1.1", "host: localhost", &authorization, &length];
    exchange(address, &head, body).await
}

#[tokio::test]
async fn the_service_behind_sees_the_judged_bytes_the_caller_and_never_the_token() {
    let (address, inbox) = serve(guard()).await;
    let body = format!("  {}\n", call("a"));
    let answer = post(address, &token("A"), &body).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("through"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");

    let seen = inbox.lock().unwrap()[0].clone();
    assert_eq!(seen.body, body);
    assert!(!seen.headers.contains_key(header::AUTHORIZATION));
    assert!(!format!("{:?}", seen.headers).contains("eyJ"));
    let caller = seen.caller;
    assert_eq!(caller.principal().unwrap().subject().as_str(), "user-userson");
    assert!(caller.is_permitted(&Action::CallTool("a".into())));
    assert!(!caller.is_permitted(&Action::CallTool("b".into())));
    assert!(caller.may(&Action::CallTool("a".into())));
    assert!(!caller.may(&Action::CallTool("b".into())));
    assert!(answer.contains(&caller.request_id().to_string()));
}

#[tokio::test]
async fn nothing_that_was_refused_gets_through() {
    let (address, inbox) = serve(guard()).await;
    assert!(post(address, &token("B"), &call("a")).await.starts_with("HTTP/1.1 403"));
    assert!(post(address, "x", &call("a")).await.starts_with("HTTP/1.1 401"));
    assert!(post(address, &token("A"), "[]").await.starts_with("HTTP/1.1 400"));
    assert!(inbox.lock().unwrap().is_empty());
}

#[tokio::test]
async fn get_and_delete_go_through_without_a_body() {
    let (address, inbox) = serve(guard()).await;
    let authorization = format!("authorization: Bearer {}", token(""));
    for method in ["GET", "DELETE"] {
        let line = format!("{method} /mcp HTTP/1.1");
        let head = [&line, "host: localhost", &authorization, "content-length: 3"];
        let answer = exchange(address, &head, "abc").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(inbox.lock().unwrap().iter().all(|seen| seen.body.is_empty()));
    assert_eq!(inbox.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_body_that_dawdles_is_408() {
    let (address, inbox) = serve(guard().body_timeout(Duration::from_millis(50))).await;
    let authorization = format!("authorization: Bearer {}", token("A"));
    let head = ["POST /mcp HTTP/1.1", "host: localhost", &authorization, "content-length: 99"];
    let answer = exchange(address, &head, "{").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(inbox.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let (address, inbox) = serve(guard()).await;
    let authorization = format!("authorization: Bearer {}", token("A"));
    let chunked = "transfer-encoding: chunked";
    let head = ["POST /mcp HTTP/1.1", "host: localhost", &authorization, chunked];
    let answer = exchange(address, &head, "zz\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(inbox.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_keeps_the_connection_for_the_next_request_also_when_the_body_comes_late() {
    let (address, inbox) = serve(guard()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for status in ["401", "401", "200"] {
        let authorization = match status {
            "200" => format!("authorization: Bearer {}\r\n", token("A")),
            _ => String::new(),
        };
        let body = call("a");
        let length = body.len();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\n{authorization}content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut answer = vec![0; 2048];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    assert_eq!(inbox.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_says_that_the_connection_ends_where_the_body_does_not_come_or_is_long() {
    let (address, _) = serve(guard()).await;
    for (length, sent) in [(100, String::new()), (1 << 20, "x".repeat(1 << 20))] {
        let length = format!("content-length: {length}");
        let head = ["POST /mcp HTTP/1.1", "host: localhost", &length, "\r\n"].join("\r\n");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may stop reading before all is written.
        let _ = stream.write_all(sent.as_bytes()).await;
        let mut answer = vec![0; 2048];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer));
        let length = read.await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn the_longest_body_is_a_setting() {
    let body = call("a");
    let (address, _) = serve(guard().max_body_bytes(body.len())).await;
    assert!(post(address, &token("A"), &body).await.starts_with("HTTP/1.1 200"));
    assert!(post(address, &token("A"), &format!("{body} ")).await.starts_with("HTTP/1.1 413"));
}

/// A request whose body does not end, and of which this much has been sent.
async fn held(address: std::net::SocketAddr, token: &str, length: usize) -> TcpStream {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-length: {}\r\n\r\n",
        length + 1
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(" ".repeat(length).as_bytes()).await.unwrap();
    stream
}

/// Asks until the answer is as expected.
async fn until<F: Future<Output = String>>(expected: &str, ask: impl Fn() -> F) -> String {
    let start = std::time::Instant::now();
    loop {
        let answer = ask().await;
        if answer.starts_with(&format!("HTTP/1.1 {expected}")) {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{expected} does not come: {answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn all_bodies_have_a_budget_and_each_caller_has_a_part_of_it() {
    const KIB: usize = 1024;
    // Each has two bodies of this length; all together have four.
    let (address, _) = serve(guard().max_body_bytes(256 * KIB).body_memory(1024 * KIB)).await;
    let key = TestKey::shared(Algorithm::Hs256);
    let [alice, bob, carol] = ["alice", "bob", "carol"]
        .map(|sub| Forge::valid(key).claim("scope", "A").claim("sub", sub).sign(key));
    let long = format!("{}{}", call("a"), " ".repeat(200 * KIB));
    let small = call("a");

    let of_alice = [held(address, &alice, 200 * KIB).await, held(address, &alice, 200 * KIB).await];
    let answer = until("503", || post(address, &alice, &long)).await;
    assert!(answer.contains("retry-after: 5") && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("is reached for this caller"), "{answer}");
    // Through another client she is still the same.
    let other_client = Forge::valid(key).claim("scope", "A").claim("sub", "alice");
    let other_client = other_client.claim("client_id", "other").sign(key);
    until("503", || post(address, &other_client, &long)).await;
    assert!(post(address, &alice, &small).await.starts_with("HTTP/1.1 200"), "small ones go on");
    assert!(post(address, &bob, &long).await.starts_with("HTTP/1.1 200"), "so do others");

    let _of_bob = [held(address, &bob, 200 * KIB).await, held(address, &bob, 200 * KIB).await];
    let answer = until("503", || post(address, &carol, &long)).await;
    assert!(answer.contains("is reached for all callers together"), "{answer}");
    assert!(post(address, &carol, &small).await.starts_with("HTTP/1.1 200"));
    drop(of_alice);
    until("200", || post(address, &carol, &long)).await;
    until("200", || post(address, &alice, &long)).await;
}

#[tokio::test]
async fn a_body_without_a_token_is_short() {
    let document: PolicyDocument =
        serde_json::from_value(json!({ "tools": { "open": { "public": true } } })).unwrap();
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap());
    let authenticate = TokenAuthenticator::new(verifier, ManualClock::at(NOW));
    let policy = Policy::try_from(document).unwrap();
    let (address, _) =
        serve(Guard::new(RESOURCE.parse().unwrap(), policy, [], authenticate).unwrap()).await;
    let longest = 64 * 1024;
    // What is too long is refused before it is sent.
    for (length, sent, status) in [(longest, longest, "200"), (longest + 1, 0, "413")] {
        let mut body = call("open") + &" ".repeat(longest);
        body.truncate(sent);
        let length = format!("content-length: {length}");
        let head = ["POST /mcp HTTP/1.1", "host: localhost", &length];
        let answer = exchange(address, &head, &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test]
async fn a_list_that_nobody_asked_for_is_not_passed_on() {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"b"}]}}"#;
    for (kind, body) in [("application/json", list), ("text/plain", "Accepted"), ("x/y", "")] {
        let (address, _) = serve_with(guard(), move || {
            let answer = Response::builder().status(202).header(header::CONTENT_TYPE, kind);
            answer.body(Full::<Bytes>::from(body).boxed()).unwrap()
        })
        .await;
        let notification = r#"{"jsonrpc":"2.0","method":"tools/list"}"#;
        let answer = post(address, &token("A"), notification).await;
        assert!(answer.starts_with("HTTP/1.1 202") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(answer.contains("content-length: 0") && !answer.contains("content-type"));
    }
}

#[tokio::test]
async fn hosts_and_origins_can_be_allowed() {
    let (address, _) =
        serve(guard().allow_host("MCP.example").allow_origin("https://App.example")).await;
    let authorization = format!("authorization: Bearer {}", token("A"));
    let length = format!("content-length: {}", call("a").len());
    for (host, origin, status) in [
        ("host: mcp.example", "origin: https://app.example", "200"),
        ("host: mcp.example:8000", "origin: http://localhost:1", "200"),
        ("host: other.example", "origin: https://app.example", "403"),
        ("host: mcp.example", "origin: https://other.example", "403"),
    ] {
        let head = ["POST /mcp HTTP/1.1", host, origin, &authorization, &length];
        let answer = exchange(address, &head, &call("a")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host} {origin}: {answer}");
    }
}

/// The header lines of an answer, in lower case.
fn head_of(answer: &str) -> String {
    answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase()
}

#[tokio::test]
async fn pages_of_allowed_origins_may_ask_before_they_send_and_read_every_answer() {
    let (address, inbox) = serve(guard().allow_origin("https://App.example")).await;
    let preflight = |origin: &'static str| async move {
        let head = [
            "OPTIONS /mcp HTTP/1.1",
            "host: localhost",
            origin,
            "access-control-request-method: POST",
            "access-control-request-headers: authorization,content-type,mcp-param-x",
        ];
        head_of(&exchange(address, &head, "").await)
    };
    for origin in ["origin: https://app.example", "origin: http://localhost:6274"] {
        let answer = preflight(origin).await;
        assert!(answer.starts_with("http/1.1 204"), "{answer}");
        let origin = origin.trim_start_matches("origin: ");
        for line in [
            &format!("access-control-allow-origin: {origin}"),
            "access-control-allow-methods: get, post, delete",
            "access-control-allow-headers: authorization,content-type,mcp-param-x",
            "access-control-max-age: 600",
            "vary: origin",
            "x-request-id: ",
        ] {
            assert!(answer.contains(line), "{line}: {answer}");
        }
        assert!(!answer.contains("allow-credentials"), "{answer}");
    }
    for origin in ["origin: https://evil.example", "origin: null", "x: y"] {
        let answer = preflight(origin).await;
        let refused = answer.starts_with("http/1.1 403") || answer.starts_with("http/1.1 401");
        assert!(refused && !answer.contains("access-control"), "{answer}");
    }
    // Without the other header it is no preflight.
    let head = ["OPTIONS /mcp HTTP/1.1", "host: localhost", "origin: https://app.example"];
    assert!(exchange(address, &head, "").await.starts_with("HTTP/1.1 401"));
    assert!(inbox.lock().unwrap().is_empty());

    let length = format!("content-length: {}", call("a").len());
    for (scope, status) in [(None, "401"), (Some("B"), "403"), (Some("A"), "200")] {
        let token = scope.map_or_else(
            || "x: y".into(),
            |scope| format!("authorization: Bearer {}", token(scope)),
        );
        for (origin, is_let_in) in [
            ("origin: https://app.example", true),
            ("x-origin: none", false),
            ("origin: https://evil.example", false),
        ] {
            let head = ["POST /mcp HTTP/1.1", "host: localhost", origin, &token, &length];
            let answer = head_of(&exchange(address, &head, &call("a")).await);
            let status = if origin.contains("evil") { "403" } else { status };
            assert!(answer.starts_with(&format!("http/1.1 {status}")), "{origin}: {answer}");
            for line in [
                "access-control-allow-origin: https://app.example",
                "access-control-expose-headers: www-authenticate, mcp-session-id,",
                "vary: origin",
            ] {
                assert_eq!(answer.contains(line), is_let_in, "{origin}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn ranges_of_types_reach_the_service_behind_as_names() {
    let (address, inbox) = serve(guard()).await;
    let authorization = format!("authorization: Bearer {}", token("A"));
    let length = format!("content-length: {}", call("a").len());
    let names = "application/json, text/event-stream";
    for (accept, status, told) in [
        ("accept: */*", "200", names),
        ("accept: application/*, text/event-stream", "200", names),
        ("accept: application/json;q=0.9, text/*;q=0.1", "200", names),
        ("x: no accept at all", "200", names),
        (
            "accept: text/event-stream, application/json",
            "200",
            "text/event-stream, application/json",
        ),
        // Whether that is enough is for the service behind to say.
        ("accept: application/json", "200", "application/json"),
    ] {
        let head = ["POST /mcp HTTP/1.1", "host: localhost", &authorization, &length, accept];
        let answer = exchange(address, &head, &call("a")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{accept}: {answer}");
        let seen = inbox.lock().unwrap().pop().unwrap();
        assert_eq!(seen.headers[header::ACCEPT], told, "{accept}");
    }
    let (address, _) = serve_with(guard(), || {
        let text = Full::<Bytes>::from("no").boxed();
        Response::builder().status(406).body(text).unwrap()
    })
    .await;
    for (accept, says_why) in [
        ("accept: application/json", true),
        ("accept: */*, text/event-stream;q=0", true),
        ("accept: */*", false),
    ] {
        let head = ["POST /mcp HTTP/1.1", "host: localhost", &authorization, &length, accept];
        let answer = exchange(address, &head, &call("a")).await;
        assert!(answer.starts_with("HTTP/1.1 406"), "{answer}");
        if !says_why {
            assert!(answer.ends_with("no"), "the service behind has a reason of its own");
            continue;
        }
        let (body, _) = body_of(&answer);
        assert_eq!((&body["id"], &body["error"]["code"]), (&json!(7), &json!(-32012)));
        assert!(head_of(&answer).contains("content-type: application/json"));
    }
}

/// The body of an answer, and the id of its request.
fn body_of(answer: &str) -> (serde_json::Value, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
    (serde_json::from_str(body).unwrap(), id.to_owned())
}

#[tokio::test]
async fn a_refusal_is_a_json_rpc_error_with_its_reason() {
    let (address, _) = serve(guard()).await;
    let (body, request) = body_of(&post(address, &token("B"), &call("a")).await);
    let expected = json!({ "jsonrpc": "2.0", "id": 7, "error": {
        "code": -32011,
        "message": "this needs the scope A; the token has B",
        "data": {
            "error": "insufficient_scope", "required": ["A"], "granted": ["B"], "request_id": request,
        },
    }});
    assert_eq!(body, expected);
    let (body, request) = body_of(&post(address, "x", &call("a")).await);
    let expected = json!({ "jsonrpc": "2.0", "id": null, "error": {
        "code": -32010,
        "message": "The access token is not valid",
        "data": { "error": "invalid_token", "request_id": request },
    }});
    assert_eq!(body, expected);
    let unruled = call("nothing").replace("\"id\":7", "\"id\":\"seven\"");
    let (body, request) = body_of(&post(address, &token("A"), &unruled).await);
    assert_eq!(body["id"], "seven");
    let data = json!({ "error": "access_denied", "request_id": request });
    assert_eq!(body["error"]["data"], data);
    let length = format!("content-length: {}", call("a").len());
    let head = ["POST /mcp HTTP/1.1", "host: localhost", &length];
    let (body, request) = body_of(&exchange(address, &head, &call("a")).await);
    assert_eq!(body["error"]["message"], "this server needs a bearer token");
    let data = json!({ "error": "unauthorized", "request_id": request });
    assert_eq!((&body["id"], &body["error"]["data"]), (&json!(null), &data));
    let head = ["POST /mcp HTTP/1.1", "host: evil.example", &length];
    let (body, _) = body_of(&exchange(address, &head, &call("a")).await);
    assert_eq!(body["error"]["code"], -32011);
    // Without an id that is known, and neither 401 nor 403: not JSON-RPC, for which some wait for
    // ever.
    let authorization = format!("authorization: Bearer {}", token("A"));
    let head = ["PUT /mcp HTTP/1.1", "host: localhost", &authorization];
    let (body, _) = body_of(&exchange(address, &head, "").await);
    assert_eq!(body["error"], "method_not_allowed");
}

#[tokio::test]
async fn the_metadata_names_what_the_guard_was_told() {
    let guard = guard().name("A server").authorization_server(ISSUER.parse().unwrap());
    assert_eq!(
        guard.metadata_paths(),
        ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
    );
    let answer = tower::ServiceExt::oneshot(guard.metadata(), Request::get("/").body(()).unwrap());
    let body = answer.await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["resource_name"], "A server");
    assert_eq!(document["authorization_servers"], json!([ISSUER]));
    assert_eq!(document["scopes_supported"], json!(["A", "B"]));
    assert_eq!(guard.rules().current().policy.scopes().to_string(), "A B");
}

/// A server that answers with JSON, in as many parts as it likes.
#[tokio::test]
async fn a_task_is_its_starters_in_however_many_parts_the_answer_comes() {
    let started = json!({ "jsonrpc": "2.0", "id": 7, "result": {
        "resultType": "task", "taskId": "t-1", "status": "working" } });
    let started = started.to_string();
    for size in [1, 7, started.len()] {
        let text = started.clone();
        let (address, inbox) = serve_with(guard(), move || {
            let parts: Vec<_> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            let frames = parts.into_iter().map(|part| Ok(Frame::data(part)));
            let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
            Response::builder().header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
        })
        .await;
        let get = r#"{"jsonrpc":"2.0","id":8,"method":"tasks/get","params":{"taskId":"t-1"}}"#;
        let early = post(address, &token("A"), get).await;
        assert!(early.contains("no such task"), "{early}");
        let answer = post(address, &token("A"), &call("a")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let others = Forge::valid(TestKey::shared(Algorithm::Hs256)).claim("scope", "A");
        let others = others.claim("sub", "another").sign(TestKey::shared(Algorithm::Hs256));
        let answer = post(address, &others, get).await;
        assert!(answer.contains("no such task"), "{answer}");
        assert_eq!(inbox.lock().unwrap().len(), 1, "in parts of {size}");
        let own = post(address, &token("A"), get).await;
        assert!(!own.contains("no such task"), "in parts of {size}: {own}");
        assert_eq!(inbox.lock().unwrap().len(), 2, "in parts of {size}");
    }
}
