//! Servers of the revision 2024-11-05: a stream, and an endpoint for messages.

use std::time::Duration;

use serde_json::{Value, json};
use upstream::{
    credentials::Credentials,
    http::HttpLimits,
    link::{Incoming, Link, http::HttpLinks},
};

use super::{
    links::{hear, initialize, message, no_answer, say},
    server::{Received, Server, Step, answer, chunk, json as json_answer, last_chunk, stream_head},
    support::{caller, client, limits},
};

const ENDPOINT: &str = "event: endpoint\ndata: /messages?sessionId=1\n\n";
const REFUSED: &str = "the server answers 405 Method Not Allowed";

fn links(server: &Server) -> HttpLinks {
    HttpLinks::new(client(&server.url(), limits()), Credentials::none())
}

fn refusal() -> Vec<Step> {
    vec![Step::Say(answer("405 Method Not Allowed", &["content-type: text/plain"], "no"))]
}

/// A server whose stream begins with these bytes, and goes on with each [`Server::go_on`].
async fn server(first: &'static str, rest: &'static [&'static str], post: Vec<u8>) -> Server {
    Server::start(move |request| {
        if request.head.starts_with("POST /mcp ") {
            return refusal();
        }
        if request.head.starts_with("POST") {
            return vec![Step::Say(post.clone())];
        }
        let mut steps = vec![Step::Say(stream_head()), Step::Say(chunk(first))];
        for text in rest {
            steps.extend([Step::Wait, Step::Say(chunk(text))]);
        }
        steps.extend([Step::Wait, Step::Say(last_chunk()), Step::Close]);
        steps
    })
    .await
}

fn accepted() -> Vec<u8> {
    answer("202 Accepted", &["content-type: text/plain"], "Accepted")
}

fn line(request: &Received) -> &str {
    request.head.lines().next().unwrap()
}

#[tokio::test]
async fn messages_are_posted_and_answers_come_on_the_stream() {
    let rest = &["event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"];
    let server = server(ENDPOINT, rest, accepted()).await;
    let mut link = links(&server).open(caller(""));
    say(&link, initialize()).await;
    server.until_received(3).await;
    server.go_on();
    let expected = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    assert_eq!(message(&mut link).await, (expected, None), "it names no call");
    say(&link, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    server.until_received(4).await;
    server.go_on();
    assert!(matches!(hear(&mut link).await, Incoming::Closed(_)));
    assert!(link.receiver.recv().await.is_none());
    let received = server.received();
    let lines: Vec<_> = received.iter().map(line).collect();
    let endpoint = "POST /messages?sessionId=1 HTTP/1.1";
    assert_eq!(lines, ["POST /mcp HTTP/1.1", "GET /mcp HTTP/1.1", endpoint, endpoint]);
    assert_eq!(received[1].header("accept"), Some("text/event-stream"));
    for (at, expected) in [(0, initialize()), (2, initialize())] {
        let sent: Value = serde_json::from_slice(&received[at].body).unwrap();
        assert_eq!(sent, expected);
    }
}

#[tokio::test]
async fn what_is_known_of_a_server_is_not_asked_again() {
    let server = server(ENDPOINT, &[], accepted()).await;
    let links = links(&server);
    let first = links.open(caller(""));
    say(&first, initialize()).await;
    server.until_received(3).await;
    let mut second = links.open(caller(""));
    say(&second, json!({ "jsonrpc": "2.0", "id": 7, "method": "server/discover" })).await;
    assert_eq!(no_answer(&mut second).await.0, 7);
    say(&second, initialize()).await;
    server.until_received(5).await;
    let received = server.received();
    assert_eq!(line(&received[3]), "GET /mcp HTTP/1.1");
}

#[tokio::test]
async fn a_server_that_has_changed_is_asked_anew() {
    // After the first stream it has streamable HTTP.
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let is_old = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3;
        match (is_old, request.head.split(' ').next().unwrap()) {
            (true, "GET") => vec![Step::Say(stream_head()), Step::Say(chunk(ENDPOINT)), Step::Hang],
            (true, _) if request.head.starts_with("POST /messages") => {
                vec![Step::Say(accepted())]
            }
            (_, "POST") if !is_old => {
                vec![Step::Say(json_answer(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#))]
            }
            _ => refusal(),
        }
    })
    .await;
    let links = links(&server);
    let first = links.open(caller(""));
    say(&first, initialize()).await;
    server.until_received(3).await;
    let mut second = links.open(caller(""));
    say(&second, initialize()).await;
    assert_eq!(no_answer(&mut second).await, (1, REFUSED.into()));
    let mut third = links.open(caller(""));
    say(&third, initialize()).await;
    assert_eq!(message(&mut third).await.1, Some(1));
}

#[tokio::test]
async fn messages_go_to_the_servers_own_origin_only() {
    for first in [
        "event: endpoint\ndata: https://elsewhere.example/messages\n\n",
        "event: endpoint\ndata: //127.0.0.1:1/messages\n\n",
        "event: endpoint\ndata: http://u:p@127.0.0.1/\n\n",
        "event: endpoint\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n",
    ] {
        let server = server(first, &[], Vec::new()).await;
        let mut link = links(&server).open(caller(""));
        say(&link, initialize()).await;
        assert_eq!(no_answer(&mut link).await, (1, REFUSED.into()), "{first}");
        assert_eq!(server.received().len(), 2);
    }
}

#[tokio::test]
async fn a_stream_without_an_endpoint_is_no_such_server() {
    let server = Server::start(|request| {
        if request.head.starts_with("POST") {
            return refusal();
        }
        vec![Step::Say(stream_head()), Step::Say(chunk(": ping\n\n")), Step::Hang]
    })
    .await;
    let limits = HttpLimits { endpoint: Duration::from_millis(100), ..limits() };
    let links = HttpLinks::new(client(&server.url(), limits), Credentials::none());
    let mut link = links.open(caller(""));
    say(&link, initialize()).await;
    assert_eq!(no_answer(&mut link).await, (1, REFUSED.into()));
    // The stream is closed.
    server.until_gone(1).await;
}

#[tokio::test]
async fn a_message_that_is_not_accepted_is_a_call_without_an_answer() {
    let server = server(ENDPOINT, &[], answer("400 Bad Request", &[], "no")).await;
    let mut link = links(&server).open(caller(""));
    say(&link, initialize()).await;
    let expected = "the server answers 400 Bad Request";
    assert_eq!(no_answer(&mut link).await, (1, expected.into()));
    say(&link, json!({ "jsonrpc": "2.0", "id": 4, "method": "ping" })).await;
    assert_eq!(no_answer(&mut link).await, (4, expected.into()));
}

#[tokio::test]
async fn a_message_that_is_accepted_late_does_not_delay_others() {
    let server = Server::start(|request| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (line(request), message["id"].as_u64()) {
            ("GET /mcp HTTP/1.1", _) => {
                vec![Step::Say(stream_head()), Step::Say(chunk(ENDPOINT)), Step::Hang]
            }
            ("POST /mcp HTTP/1.1", _) => refusal(),
            (_, Some(2)) => vec![Step::Hang],
            _ => vec![Step::Say(accepted())],
        }
    })
    .await;
    let link = links(&server).open(caller(""));
    say(&link, initialize()).await;
    for id in 2..5 {
        say(&link, json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).await;
    }
    server.until_received(6).await;
}

#[tokio::test]
async fn what_is_no_such_server_is_what_it_said_first() {
    for said in [
        answer("405 Method Not Allowed", &[], ""),
        answer("200 OK", &["content-type: application/json"], "{}"),
        answer("307 Temporary Redirect", &["location: http://127.0.0.1:1/"], ""),
    ] {
        let server = Server::start(move |request| {
            let is_get = request.head.starts_with("GET");
            if is_get { vec![Step::Say(said.clone())] } else { refusal() }
        })
        .await;
        let mut link = links(&server).open(caller(""));
        say(&link, initialize()).await;
        assert_eq!(no_answer(&mut link).await, (1, REFUSED.into()));
    }
}

#[tokio::test]
async fn only_what_may_be_such_a_server_is_asked_for_its_stream() {
    let json = "content-type: application/json";
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"m"}}"#;
    for (status, headers, body, is_asked) in [
        ("400 Bad Request", &["content-type: text/plain"][..], "no", true),
        ("404 Not Found", &[], "", true),
        ("405 Method Not Allowed", &[json], r#"{"detail":"Method Not Allowed"}"#, true),
        ("400 Bad Request", &[json], error, false),
        ("401 Unauthorized", &[], "", false),
        ("500 Internal Server Error", &[], "", false),
        ("200 OK", &["content-type: text/html"], "<html>", false),
    ] {
        let said = answer(status, headers, body);
        let server = Server::start(move |_| vec![Step::Say(said.clone())]).await;
        let mut link: Link = links(&server).open(caller(""));
        say(&link, initialize()).await;
        hear(&mut link).await;
        assert_eq!(server.received().len(), 1 + usize::from(is_asked), "{status}");
    }
}

#[tokio::test]
async fn the_stream_is_closed_with_the_link() {
    let server = Server::start(|request| match line(request) {
        "GET /mcp HTTP/1.1" => {
            vec![Step::Say(stream_head()), Step::Say(chunk(ENDPOINT)), Step::Hang]
        }
        "POST /mcp HTTP/1.1" => [refusal(), vec![Step::Close]].concat(),
        _ => vec![Step::Say(accepted()), Step::Close],
    })
    .await;
    let link = links(&server).open(caller(""));
    say(&link, initialize()).await;
    // The connections of the two POSTs.
    server.until_gone(2).await;
    drop(link.sender);
    server.until_gone(3).await;
}
