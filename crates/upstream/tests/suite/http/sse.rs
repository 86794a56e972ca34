//! Servers of the revision 2024-11-05.

use serde_json::{Value, json};
use upstream::{
    credentials::Credentials,
    link::{
        Incoming, Link,
        sse::{SseLinkError, SseLinks},
    },
};

use super::{
    links::{hear, message, no_answer, say},
    server::{Server, Step, answer, chunk, last_chunk, stream_head},
    support::{caller, client, limits},
};

async fn open(server: &Server) -> Result<Link, SseLinkError> {
    SseLinks::new(client(&server.url(), limits()), Credentials::none()).open(caller("")).await
}

/// A server whose stream begins with these bytes, and goes on with each [`Server::go_on`].
async fn server(first: &'static str, rest: &'static [&'static str], post: Vec<u8>) -> Server {
    Server::start(move |request| {
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

const ENDPOINT: &str = "event: endpoint\ndata: /messages?sessionId=1\n\n";

#[tokio::test]
async fn messages_are_posted_and_answers_come_on_the_stream() {
    let rest = &["event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n"];
    let accepted = answer("202 Accepted", &["content-type: text/plain"], "Accepted");
    let server = server(ENDPOINT, rest, accepted).await;
    let mut link = open(&server).await.unwrap();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    say(&link, ping.clone()).await;
    say(&link, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    server.until_received(3).await;
    server.go_on();
    let expected = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    assert_eq!(message(&mut link).await, (expected, None));
    server.go_on();
    assert!(matches!(hear(&mut link).await, Incoming::Closed(_)));
    assert!(link.receiver.recv().await.is_none());
    let received = server.received();
    assert!(received[0].head.starts_with("GET /mcp HTTP/1.1\r\n"));
    assert!(received[1].head.starts_with("POST /messages?sessionId=1 HTTP/1.1\r\n"));
    let first: Value = serde_json::from_slice(&received[1].body).unwrap();
    assert_eq!(first, ping);
    let second: Value = serde_json::from_slice(&received[2].body).unwrap();
    assert_eq!(second["method"], "notifications/initialized");
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
        assert!(matches!(open(&server).await, Err(SseLinkError::Endpoint)), "{first}");
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_is_not_accepted_is_a_call_without_an_answer() {
    let server = server(ENDPOINT, &[], answer("400 Bad Request", &[], "no")).await;
    let mut link = open(&server).await.unwrap();
    say(&link, json!({ "jsonrpc": "2.0", "id": 4, "method": "ping" })).await;
    let expected = "the server answers 400 Bad Request";
    assert_eq!(no_answer(&mut link).await, (4, expected.into()));
}

#[tokio::test]
async fn what_has_no_stream_is_no_such_server() {
    for said in [
        answer("405 Method Not Allowed", &[], ""),
        answer("200 OK", &["content-type: application/json"], "{}"),
        answer("307 Temporary Redirect", &["location: http://127.0.0.1:1/"], ""),
    ] {
        let server = Server::saying(said).await;
        assert!(matches!(open(&server).await, Err(SseLinkError::Answer(_))));
    }
}

#[tokio::test]
async fn the_stream_is_closed_with_the_link() {
    let server =
        Server::start(|_| vec![Step::Say(stream_head()), Step::Say(chunk(ENDPOINT)), Step::Hang])
            .await;
    let link = open(&server).await.unwrap();
    drop(link.sender);
    server.until_gone(1).await;
}
