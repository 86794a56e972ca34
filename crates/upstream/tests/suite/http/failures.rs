//! Servers that fail, behind the gateway: each call gets an error that says why, once, and other
//! calls are answered.

use std::time::Duration;

use serde_json::{Value, json};
use upstream::{front::Front, gateway::GatewayConfig, http::HttpLimits};

use super::{
    gateway::{call_of, configured, front_of},
    server::{Received, Server, Step, answer, chunk, json as json_answer, last_chunk, stream_head},
    support::limits,
};

/// The tool whose call fails. All others are answered.
const FAILS: &str = "fails";

fn result(id: &Value, result: &Value) -> Vec<Step> {
    let body = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    vec![Step::Say(json_answer(&body.to_string()))]
}

/// A server of the new generation. Calls of [`FAILS`] are answered with `steps`.
async fn failing(steps: impl Fn(&Value) -> Vec<Step> + Send + Sync + 'static) -> Server {
    failing_at(0, steps).await
}

/// The same at this port.
async fn failing_at(
    port: u16,
    steps: impl Fn(&Value) -> Vec<Step> + Send + Sync + 'static,
) -> Server {
    Server::start_at(port, move |request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let id = &message["id"];
        match message["method"].as_str() {
            Some("server/discover") => result(
                id,
                &json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
                    "serverInfo": { "name": "failing", "version": "1" },
                }),
            ),
            Some("tools/list") => result(id, &json!({ "resultType": "complete", "tools": [] })),
            _ if message["params"]["name"] == FAILS => steps(id),
            _ => result(id, &json!({ "resultType": "complete", "content": [] })),
        }
    })
    .await
}

/// How often the call that fails was received.
fn sent(server: &Server) -> usize {
    let is_call = |request: &&Received| {
        let body = String::from_utf8_lossy(&request.body);
        body.contains("tools/call") && body.contains(FAILS)
    };
    server.received().iter().filter(is_call).count()
}

/// The error of the call that fails, which has the caller's id. Another call is answered before
/// and after it.
async fn error_of(front: &Front) -> String {
    assert!(call_of(front, "works").await["result"].is_object());
    let answer = call_of(front, FAILS).await;
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)), "{answer}");
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    assert!(call_of(front, "works").await["result"].is_object());
    answer["error"]["message"].as_str().unwrap().to_owned()
}

async fn fails_with(steps: Vec<Step>, limits: HttpLimits, expected: &str) {
    let server = failing(move |_| steps.clone()).await;
    let message = error_of(&front_of(&server.url(), limits)).await;
    assert_eq!(message, expected);
    assert_eq!(sent(&server), 1, "{expected}: a call is sent once");
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_until_it_is_back() {
    let port = testkit::free_port().unwrap();
    let config = GatewayConfig::new("failing");
    let availability = config.availability.clone();
    let front = configured(config, &format!("http://127.0.0.1:{port}/mcp"), limits(), None);
    // Before anyone has reached it.
    let answer = call_of(&front, "works").await;
    assert_eq!(answer["error"]["code"], -32603);
    assert_eq!(answer["error"]["message"], "the server is unavailable");
    assert!(availability.failing_since().is_some());
    // And while a connection to it is in use.
    for _ in 0..2 {
        let server = failing_at(port, |_| vec![Step::Hang]).await;
        assert!(call_of(&front, "works").await["result"].is_object());
        assert_eq!(availability.failing_since(), None);
        server.stop().await;
        let answer = call_of(&front, "works").await;
        assert_eq!(answer["error"]["message"], "the server cannot be reached");
        assert!(availability.failing_since().is_some());
    }
}

#[tokio::test]
async fn a_server_that_only_its_proxy_answers_for_is_unavailable() {
    let json = "content-type: application/json";
    for step in [
        Step::Reset,
        Step::Say(answer("502 Bad Gateway", &["content-type: text/html"], "x")),
        Step::Say(answer("503 Service Unavailable", &[json], "{}")),
        Step::Say(answer("504 Gateway Timeout", &[], "")),
    ] {
        let server = failing(move |_| vec![step.clone()]).await;
        let config = GatewayConfig::new("failing");
        let availability = config.availability.clone();
        let front = configured(config, &server.url(), limits(), None);
        assert!(call_of(&front, FAILS).await["error"].is_object());
        assert!(availability.failing_since().is_some());
        assert!(call_of(&front, "works").await["result"].is_object());
        assert_eq!(availability.failing_since(), None);
    }
}

#[tokio::test]
async fn a_server_that_refuses_a_call_is_available() {
    let html = "content-type: text/html";
    for status in ["401 Unauthorized", "404 Not Found", "500 Internal Server Error"] {
        let step = Step::Say(answer(status, &[html], "x"));
        let server = failing(move |_| vec![step.clone()]).await;
        let config = GatewayConfig::new("failing");
        let availability = config.availability.clone();
        let front = configured(config, &server.url(), limits(), None);
        assert!(call_of(&front, FAILS).await["error"].is_object());
        assert_eq!(availability.failing_since(), None, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_goes_down_ends_the_call() {
    let end = "the connection to the server ended before its answer";
    for step in [Step::Close, Step::Reset] {
        fails_with(vec![step], limits(), end).await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_ends_the_call() {
    let limits = HttpLimits { head: Duration::from_secs(1), ..limits() };
    let expected = "the server did not begin to answer within 1 s";
    fails_with(vec![Step::Hang], limits, expected).await;
}

#[tokio::test]
async fn an_answer_that_stops_ends_the_call() {
    let limits = HttpLimits {
        stalled: Duration::from_secs(1),
        idle_stream: Duration::from_secs(1),
        ..limits()
    };
    let begun = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let steps = vec![Step::Say(begun.to_vec()), Step::Hang];
    fails_with(steps, limits, "the server has sent nothing for 1 s").await;
    let steps = vec![Step::Say(stream_head()), Step::Hang];
    fails_with(steps, limits, "the server ended the stream without an answer").await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_the_call() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    for end in [Step::Close, Step::Reset] {
        let steps = vec![Step::Say(begun.to_vec()), end];
        fails_with(steps, limits(), "the server's answer broke off").await;
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_ends_the_call_after_what_it_brought() {
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/x" });
    for end in [Step::Close, Step::Reset, Step::Say(last_chunk())] {
        let steps =
            vec![Step::Say(stream_head()), Step::Say(chunk(&format!("data: {note}\n\n"))), end];
        let expected = "the server ended the stream without an answer";
        fails_with(steps, limits(), expected).await;
    }
}

#[tokio::test]
async fn what_is_no_answer_of_an_mcp_server_ends_the_call() {
    let json = "content-type: application/json";
    for (status, headers, body, expected) in [
        (
            "307 Temporary Redirect",
            &["location: http://127.0.0.1:1/other?key=secret"][..],
            "",
            "the server redirects (307 Temporary Redirect), and its final URL has to be configured",
        ),
        (
            "301 Moved Permanently",
            &["location: https://127.0.0.1/"],
            "",
            "the server redirects (301 Moved Permanently), and its final URL has to be configured",
        ),
        (
            "200 OK",
            &["content-type: text/html"],
            "<html>",
            "the server's answer is neither JSON nor an event stream",
        ),
        ("200 OK", &[], "{}", "the server's answer is neither JSON nor an event stream"),
        ("200 OK", &[json], "not JSON", "the server answers 200 OK without an answer to the call"),
        ("202 Accepted", &[], "", "the server answers 202 Accepted without an answer to the call"),
        (
            "401 Unauthorized",
            &[json],
            "{}",
            "the server refuses the gateway's credentials (401 Unauthorized)",
        ),
        (
            "403 Forbidden",
            &[json],
            "{}",
            "the server refuses the gateway's credentials (403 Forbidden)",
        ),
        ("404 Not Found", &[], "", "the server answers 404 Not Found"),
        (
            "502 Bad Gateway",
            &["content-type: text/html"],
            "x",
            "the server answers 502 Bad Gateway",
        ),
    ] {
        let steps = vec![Step::Say(answer(status, headers, body))];
        fails_with(steps, limits(), expected).await;
    }
    let not_http = vec![Step::Say(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Step::Close];
    let expected = "the connection to the server ended before its answer";
    fails_with(not_http, limits(), expected).await;
}

#[tokio::test]
async fn an_answer_that_is_compressed_although_that_was_not_asked_for_ends_the_call() {
    let server = failing(|id| {
        let body = json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip";
        // A stored block of deflate (RFC 1951 §3.2.4) in gzip: what a server could send.
        let length = u16::try_from(body.len()).unwrap();
        let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
        gzip.extend(length.to_le_bytes());
        gzip.extend((!length).to_le_bytes());
        gzip.extend(body.bytes());
        let mut said = format!("{head}\r\ncontent-length: {}\r\n\r\n", gzip.len()).into_bytes();
        said.extend(gzip);
        vec![Step::Say(said)]
    })
    .await;
    let message = error_of(&front_of(&server.url(), limits())).await;
    assert_eq!(message, "the server's answer has a content coding");
    let call = server.received().into_iter().next_back().unwrap();
    assert_eq!(call.header("accept-encoding"), None);
    assert_eq!(sent(&server), 1);
}

/// An answer of so many bytes.
fn long(id: &Value, length: usize) -> String {
    let answer = |filler: &str| {
        let result = json!({ "resultType": "complete", "content": [], "filler": filler });
        json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
    };
    answer(&"x".repeat(length - answer("").len()))
}

/// Bytes that say a body.
type Form = fn(String) -> Vec<u8>;

#[tokio::test]
async fn an_answer_of_16_mib_passes_and_one_byte_more_does_not() {
    let sized = |body: String| json_answer(&body);
    let chunked = |body: String| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        [&head[..], b"transfer-encoding: chunked\r\n\r\n", &chunk(&body), &last_chunk()].concat()
    };
    let event =
        |body: String| [stream_head(), chunk(&format!("data: {body}\n\n")), last_chunk()].concat();
    let too_long = "the server's answer is longer than 16777216 bytes";
    let event_too_long = "the server sent a message of more than 16777216 bytes";
    let forms: [(Form, &str); 3] =
        [(sized, too_long), (chunked, too_long), (event, event_too_long)];
    for (say, expected) in forms {
        for excess in 0..=1 {
            let length = 16 * 1024 * 1024 + excess;
            let server =
                failing(move |id| vec![Step::Say(say(long(id, length))), Step::Close]).await;
            let answer = call_of(&front_of(&server.url(), limits()), FAILS).await;
            if excess == 0 {
                assert!(answer["result"]["filler"].as_str().unwrap().len() > length - 200);
            } else {
                assert_eq!(answer["error"]["message"], expected);
            }
            assert_eq!(sent(&server), 1);
        }
    }
}

#[tokio::test]
async fn a_long_head_ends_the_call() {
    let long = format!("x-long: {}", "x".repeat(32 * 1024));
    let steps = vec![Step::Say(answer("200 OK", &[&long], "{}"))];
    fails_with(steps, limits(), "the connection to the server ended before its answer").await;
}

#[tokio::test]
async fn a_call_that_hangs_does_not_delay_others() {
    let server = failing(|_| vec![Step::Hang]).await;
    let front = front_of(&server.url(), limits());
    let hanging = tokio::spawn({
        let front = front.clone();
        async move { call_of(&front, FAILS).await }
    });
    while sent(&server) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(call_of(&front, "works").await["result"].is_object());
    hanging.abort();
    // The call ends with its caller, and its connection with the call.
    server.until_gone(1).await;
}
