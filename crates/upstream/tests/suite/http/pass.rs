//! What is passed on, and what becomes an error.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::net::TcpListener;
use upstream::{
    credentials::Credentials,
    http::{HttpLimits, SendError},
    pass::{Pass, PassRequest},
};

use super::{
    server::{Server, Step, answer, chunk, json, last_chunk, stream_head},
    support::{CALL, caller, client, error, headers, limits, pass, post, text},
};

#[tokio::test]
async fn bytes_headers_and_session_are_passed_on() {
    let server = Server::saying(answer(
        "200 OK",
        &[
            "content-type: application/json",
            "mcp-session-id: s-1",
            "cache-control: no-cache",
            "set-cookie: a=b",
            "www-authenticate: Bearer",
            "location: /x",
            "x-powered-by: y",
            "access-control-allow-origin: *",
        ],
        r#"{ "jsonrpc" : "2.0", "id": "a-7", "result": {"x": 1.0} }"#,
    ))
    .await;
    let sent = headers(&[
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-session-id", "s-0"),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-param-region", "eu"),
    ]);
    let body = r#"{"jsonrpc": "2.0","id":"a-7", "method":"x","params":{"unknown":[1.10]}}"#;
    let request = PassRequest::new(&Method::POST, &sent, Bytes::from(body));
    let response = pass(&server.url()).call(request, &caller("")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-type", "mcp-session-id"]);
    assert_eq!(response.headers()["mcp-session-id"], "s-1");
    let expected = r#"{ "jsonrpc" : "2.0", "id": "a-7", "result": {"x": 1.0} }"#;
    assert_eq!(text(response).await.unwrap(), expected);

    let received = &server.received()[0];
    assert_eq!(received.body, body.as_bytes());
    assert!(received.head.starts_with("POST /mcp HTTP/1.1\r\n"));
    assert_eq!(received.header("host").unwrap(), server.address.to_string());
    for (name, value) in &sent {
        assert_eq!(received.header(name.as_str()).unwrap(), value.to_str().unwrap());
    }
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let server = Server::start(|_| {
        let said = |bytes| Step::Say(bytes);
        vec![
            said(stream_head()),
            said(chunk("data: {\"a\"")),
            Step::Wait,
            said(chunk(":1}\n\n")),
            Step::Wait,
            said(chunk("data: {\"id\":\"a-7\",\"result\":{}}\n\n")),
            said(last_chunk()),
        ]
    })
    .await;
    let response = pass(&server.url()).call(post(CALL), &caller("")).await;
    let mut body = response.into_body();
    let mut next = async || body.frame().await.map(|frame| frame.unwrap().into_data().unwrap());
    assert_eq!(next().await.unwrap(), "data: {\"a\"");
    server.go_on();
    assert_eq!(next().await.unwrap(), ":1}\n\n");
    server.go_on();
    assert_eq!(next().await.unwrap(), "data: {\"id\":\"a-7\",\"result\":{}}\n\n");
    assert!(next().await.is_none());
}

#[tokio::test]
async fn streams_and_the_end_of_a_session_have_no_body() {
    let server = Server::start(|request| {
        if request.head.starts_with("DELETE") {
            return vec![Step::Say(answer("204 No Content", &[], ""))];
        }
        vec![Step::Say(stream_head()), Step::Say(chunk(": ping\n\n")), Step::Hang]
    })
    .await;
    let pass = pass(&server.url());
    let named = headers(&[("mcp-session-id", "s"), ("last-event-id", "e-9")]);
    let get = PassRequest::new(&Method::GET, &named, Bytes::new());
    let mut stream = pass.call(get, &caller("")).await;
    let first = stream.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), ": ping\n\n");
    let delete = PassRequest::new(&Method::DELETE, &named, Bytes::new());
    let ended = pass.call(delete, &caller("")).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    let received = server.received();
    assert_eq!(received[0].header("last-event-id"), Some("e-9"));
    assert!(received.iter().all(|it| it.body.is_empty()));
    drop(stream);
    server.until_gone(1).await;
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::saying(json("{}")).await;
    let pass = pass(&server.url());
    for _ in 0..5 {
        assert_eq!(text(pass.call(post(CALL), &caller("")).await).await.unwrap(), "{}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_that_was_read_is_never_sent_again() {
    for end in [Step::Close, Step::Reset] {
        let server = Server::start(move |request| {
            if request.body == b"{}" { vec![Step::Say(json("{}"))] } else { vec![end.clone()] }
        })
        .await;
        let pass = pass(&server.url());
        // The connection is pooled, so that the next request takes it.
        text(pass.call(post("{}"), &caller("")).await).await.unwrap();
        let response = pass.call(post(CALL), &caller("")).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        let (id, message) = error(&text(response).await.unwrap());
        assert_eq!(id, "a-7");
        assert_eq!(message, "the connection to the server ended before its answer");
        assert_eq!((server.received().len(), server.connections()), (2, 1));
    }
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_is_not_used() {
    let server = Server::start(|_| vec![Step::Say(json("{}")), Step::Close]).await;
    let pass = pass(&server.url());
    for count in 1..=3 {
        assert_eq!(text(pass.call(post(CALL), &caller("")).await).await.unwrap(), "{}");
        server.until_gone(count).await;
    }
    assert_eq!((server.received().len(), server.connections()), (3, 3));
}

#[tokio::test]
async fn a_server_that_is_down_is_an_error_with_the_id() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let pass = pass(&url);
    let response = pass.call(post(CALL), &caller("")).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(response.headers()["content-type"], "application/json");
    let (id, message) = error(&text(response).await.unwrap());
    assert_eq!((id, message.as_str()), (json!("a-7"), "the server cannot be reached"));
    assert!(matches!(pass.reach().await, Err(SendError::Unreachable(_))));
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let response = pass.call(post(note), &caller("")).await;
    assert_eq!(error(&text(response).await.unwrap()).0, json!(null));
}

#[tokio::test]
async fn reaching_a_server_sends_no_request() {
    let server = Server::saying(json("{}")).await;
    pass(&server.url()).reach().await.unwrap();
    server.until_gone(1).await;
    assert!(server.bytes().is_empty());
}

#[tokio::test]
async fn a_server_that_is_no_tls_server_is_not_reached() {
    let server = Server::saying(json("{}")).await;
    let url = format!("https://{}/mcp", server.address);
    let (id, message) = error(&text(pass(&url).call(post(CALL), &caller("")).await).await.unwrap());
    assert_eq!((id, message.as_str()), (json!("a-7"), "the server cannot be reached"));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_an_error_in_time() {
    // It accepts, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    let response = pass(&url).call(post(CALL), &caller("")).await;
    assert_eq!(error(&text(response).await.unwrap()).1, "the server cannot be reached");
    drop(listener);
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_is_an_error_in_time() {
    let server = Server::start(|_| vec![Step::Hang]).await;
    let limits = HttpLimits { head: Duration::from_millis(200), ..limits() };
    let pass = Pass::new(client(&server.url(), limits), Credentials::none());
    let response = pass.call(post(CALL), &caller("")).await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(error(&text(response).await.unwrap()).0, "a-7");
    // The request ends with it.
    server.until_gone(1).await;
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_connection() {
    let server = Server::start(|_| vec![Step::Hang]).await;
    let pass = pass(&server.url());
    let call = tokio::spawn(async move { pass.call(post(CALL), &caller("")).await.status() });
    server.until_received(1).await;
    call.abort();
    server.until_gone(1).await;
}

/// The status, and the text of the error.
async fn refused(said: Vec<u8>) -> (u16, String) {
    let server = Server::saying(said).await;
    let response = pass(&server.url()).call(post(CALL), &caller("")).await;
    let status = response.status().as_u16();
    assert!(response.headers().get("mcp-session-id").is_none());
    let (id, message) = error(&text(response).await.unwrap());
    assert_eq!(id, "a-7");
    assert_eq!(server.received().len(), 1);
    (status, message)
}

#[tokio::test]
async fn what_is_no_answer_of_an_mcp_server_is_refused() {
    let json = "content-type: application/json";
    for (status, headers, expected) in [
        (
            "307 Temporary Redirect",
            &["location: http://127.0.0.1:1/other?key=secret"][..],
            (
                502,
                "the server redirects (307 Temporary Redirect), and its final URL has to be \
                 configured",
            ),
        ),
        (
            "200 OK",
            &["content-type: text/html"],
            (502, "the server's answer is neither JSON nor an event stream"),
        ),
        (
            "200 OK",
            &[json, "content-encoding: gzip"],
            (502, "the server's answer has a content coding"),
        ),
        (
            "401 Unauthorized",
            &[json, "www-authenticate: Bearer"],
            (502, "the server refuses the gateway's credentials (401 Unauthorized)"),
        ),
        (
            "403 Forbidden",
            &[json],
            (502, "the server refuses the gateway's credentials (403 Forbidden)"),
        ),
        (
            "404 Not Found",
            &["content-type: text/plain", "mcp-session-id: x"],
            (404, "the server answers 404 Not Found"),
        ),
        (
            "500 Internal Server Error",
            &["content-type: text/html"],
            (500, "the server answers 500 Internal Server Error"),
        ),
    ] {
        let (code, message) = refused(answer(status, headers, "<script>")).await;
        assert_eq!((code, message.as_str()), expected);
    }
    let not_http = refused(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()).await;
    assert_eq!(not_http.1, "the connection to the server ended before its answer");
}

#[tokio::test]
async fn a_long_head_is_refused() {
    let long = format!("x-long: {}", "x".repeat(32 * 1024));
    let (status, message) = refused(answer("200 OK", &[&long], "{}")).await;
    assert_eq!(status, 502);
    assert_eq!(message, "the connection to the server ended before its answer");
}

#[tokio::test]
async fn an_answer_of_16_mib_passes_and_one_byte_more_does_not() {
    let most = limits().answer_bytes;
    for (length, is_sized) in [(most, true), (most + 1, true), (most, false), (most + 1, false)] {
        let body = "x".repeat(length);
        let said = if is_sized {
            json(&body)
        } else {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n")
                .into_bytes()
        };
        let server = Server::saying(said).await;
        let response = pass(&server.url()).call(post(CALL), &caller("")).await;
        let status = response.status().as_u16();
        let too_long = "the server's answer is longer than 16777216 bytes";
        match text(response).await {
            Ok(text) if length == most => assert_eq!((status, text.len()), (200, most)),
            // The head was not sent yet.
            Ok(text) => {
                assert!(is_sized);
                assert_eq!((status, error(&text).1.as_str()), (502, too_long));
            }
            Err(fault) => {
                assert_eq!((length, is_sized, fault.as_str()), (most + 1, false, too_long));
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_between_events_ends_with_an_error() {
    for end in [Some(Step::Close), Some(Step::Reset), None] {
        let is_clean = end.is_none();
        let server = Server::start(move |_| {
            let mut steps =
                vec![Step::Say(stream_head()), Step::Say(chunk("data: {}\n\n")), Step::Wait];
            steps.push(end.clone().unwrap_or_else(|| Step::Say(last_chunk())));
            steps
        })
        .await;
        let mut response = pass(&server.url()).call(post(CALL), &caller("")).await;
        let first = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "data: {}\n\n");
        server.go_on();
        let rest = text(response).await.unwrap();
        let event = rest.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
        let (id, message) = error(event);
        assert_eq!(id, "a-7");
        let expected = if is_clean {
            "the server ended the stream without an answer"
        } else {
            "the server's answer broke off"
        };
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_elsewhere_breaks() {
    for said in ["data: {\"jsonrpc\"", "id: 1\ndata:\n\n", "data: {\"id\":1,\"result\":{}}\n\n"] {
        let server = Server::start(move |_| {
            vec![Step::Say(stream_head()), Step::Say(chunk(said)), Step::Wait, Step::Close]
        })
        .await;
        let mut response = pass(&server.url()).call(post(CALL), &caller("")).await;
        assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), said);
        server.go_on();
        assert_eq!(text(response).await, Err("the server's answer broke off".into()), "{said}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_breaks() {
    let whole = json(r#"{"jsonrpc":"2.0","id":"a-7","result":{}}"#);
    let cut = whole[..whole.len() - 5].to_vec();
    let server = Server::start(move |_| vec![Step::Say(cut.clone()), Step::Close]).await;
    let response = pass(&server.url()).call(post(CALL), &caller("")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, Err("the server's answer broke off".into()));
}

#[tokio::test]
async fn silence_has_a_bound() {
    let limits = HttpLimits {
        stalled: Duration::from_millis(100),
        idle_stream: Duration::from_millis(300),
        ..limits()
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    for said in [head.as_bytes().to_vec(), stream_head()] {
        let is_stream = said == stream_head();
        let server = Server::start(move |_| vec![Step::Say(said.clone()), Step::Hang]).await;
        let pass = Pass::new(client(&server.url(), limits), Credentials::none());
        let answer = text(pass.call(post(CALL), &caller("")).await).await;
        if is_stream {
            assert!(answer.unwrap().contains("\"id\":\"a-7\""));
        } else {
            assert_eq!(answer, Err("the server has sent nothing for 0 s".into()));
        }
        server.until_gone(1).await;
    }
}
