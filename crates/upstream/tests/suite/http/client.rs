//! The client of one server: its connections, and how long they may take.

use std::time::Duration;

use tokio::net::TcpListener;
use upstream::{
    credentials::Credentials,
    http::{HttpLimits, SendError},
    link::{Link, http::HttpLinks},
};

use super::{
    links::{call, message, no_answer, open, say},
    server::{Server, Step, json},
    support::{caller, client, limits},
};

const UNREACHABLE: &str = "the server cannot be reached";

fn answered() -> Step {
    Step::Say(json(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#))
}

/// Makes a call that is answered.
async fn succeed(link: &mut Link) {
    say(link, call(2)).await;
    assert_eq!(message(link).await.1, Some(2));
}

/// Why a call has no answer.
async fn fail(link: &mut Link) -> String {
    say(link, call(3)).await;
    let (id, error) = no_answer(link).await;
    assert_eq!(id, 3);
    error
}

fn open_at(url: &str) -> Link {
    HttpLinks::new(client(url, limits()), Credentials::none()).open(caller(""))
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(|_| vec![answered()]).await;
    let mut link = open(&server, limits());
    for _ in 0..5 {
        succeed(&mut link).await;
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_that_was_read_is_never_sent_again() {
    for end in [Step::Close, Step::Reset] {
        let server = Server::start(move |request| {
            let is_first = String::from_utf8_lossy(&request.body).contains("\"id\":2");
            vec![if is_first { answered() } else { end.clone() }]
        })
        .await;
        let mut link = open(&server, limits());
        // The connection is pooled, so that the next request takes it.
        succeed(&mut link).await;
        let error = fail(&mut link).await;
        assert_eq!(error, "the connection to the server ended before its answer");
        assert_eq!((server.received().len(), server.connections()), (2, 1));
    }
}

#[tokio::test]
async fn a_pooled_connection_that_was_closed_is_not_used() {
    let server = Server::start(|_| vec![answered(), Step::Close]).await;
    let mut link = open(&server, limits());
    for count in 1..=3 {
        succeed(&mut link).await;
        server.until_gone(count).await;
    }
    assert_eq!((server.received().len(), server.connections()), (3, 3));
}

#[tokio::test]
async fn reaching_a_server_sends_no_request() {
    let server = Server::start(|_| vec![answered()]).await;
    client(&server.url(), limits()).reach().await.unwrap();
    server.until_gone(1).await;
    assert!(server.bytes().is_empty());
}

#[tokio::test]
async fn a_server_that_is_down_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let reached = client(&url, limits()).reach().await;
    assert!(matches!(reached, Err(SendError::Unreachable(_))));
    assert_eq!(fail(&mut open_at(&url)).await, UNREACHABLE);
}

#[tokio::test]
async fn a_server_that_is_no_tls_server_is_not_reached() {
    let server = Server::start(|_| vec![answered()]).await;
    let url = format!("https://{}/mcp", server.address);
    assert_eq!(fail(&mut open_at(&url)).await, UNREACHABLE);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_an_error_in_time() {
    // It accepts, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    assert_eq!(fail(&mut open_at(&url)).await, UNREACHABLE);
    drop(listener);
}

#[tokio::test]
async fn a_server_that_does_not_begin_to_answer_is_an_error_in_time() {
    let server = Server::start(|_| vec![Step::Hang]).await;
    let limits = HttpLimits { head: Duration::from_millis(200), ..limits() };
    let error = fail(&mut open(&server, limits)).await;
    assert_eq!(error, "the server did not begin to answer within 0 s");
    // The request ends with it.
    server.until_gone(1).await;
    assert_eq!(server.received().len(), 1);
}
