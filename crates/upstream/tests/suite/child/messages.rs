//! What goes to a server and what comes from it.

use upstream::{
    child::Environment,
    link::{CallId, ClosedError, Incoming, LinkFault, Outgoing},
};

use super::support::{call, closed, config, message, next, open, send};

#[tokio::test]
async fn messages_arrive_in_order_and_whole() {
    let mut link = open(config()).await;
    send(&link, "messages", 500).await;
    for number in 0..500 {
        let expected = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/n{number}\"}}");
        assert_eq!(message(&mut link).await, expected);
    }
    assert_eq!(message(&mut link).await, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
}

#[tokio::test]
async fn a_message_with_line_ends_is_one_message() {
    let mut link = open(config()).await;
    let text = b"{\"id\":7,\"method\":\"echo\",\"a\":\n{\"id\":8,\"method\":\"exit\"}\r\n}";
    let outgoing = Outgoing::new(bytes::Bytes::from_static(text));
    link.sender.send(outgoing).await.unwrap();
    let answer = message(&mut link).await;
    assert!(answer.contains("\"a\": {\"id\":8,\"method\":\"exit\"}  }"), "{answer}");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_named_with_its_call_and_the_server_goes_on() {
    let mut config = config();
    config.limits.max_message = 100_000;
    let mut link = open(config).await;
    assert!(call(&mut link, "long", 90_000).await.len() > 90_000);
    send(&link, "long", 1_000_000).await;
    let Incoming::Fault(LinkFault::TooLong { limit, call: Some(CallId(id)) }) =
        next(&mut link).await
    else {
        panic!("it was not reported")
    };
    assert_eq!((limit, id), (100_000, 7));
    assert_eq!(call(&mut link, "ping", 0).await, "{}");
}

#[tokio::test]
async fn what_is_no_message_is_reported_and_the_server_goes_on() {
    let mut config = config();
    config.limits.max_garbage = 5;
    let mut link = open(config).await;
    // The count begins anew with each message.
    for _ in 0..3 {
        send(&link, "garbage", 5).await;
        for _ in 0..5 {
            let fault = next(&mut link).await;
            assert!(matches!(fault, Incoming::Fault(LinkFault::NotAMessage)), "{fault:?}");
        }
        assert_eq!(message(&mut link).await, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
    }
}

#[tokio::test]
async fn a_server_that_writes_too_much_garbage_is_ended() {
    let mut config = config();
    config.limits.max_garbage = 5;
    let mut link = open(config).await;
    send(&link, "garbage", 6).await;
    for _ in 0..6 {
        assert!(matches!(next(&mut link).await, Incoming::Fault(_)));
    }
    let closed = closed(&mut link).await;
    assert!(matches!(closed, ClosedError::Ended("it writes what is no message")), "{closed:?}");
}

#[tokio::test]
async fn a_server_that_writes_a_line_without_end_is_ended() {
    let mut config = config();
    config.limits.max_message = 10_000;
    config.limits.max_garbage = 5;
    let mut link = open(config).await;
    send(&link, "endless", 0).await;
    let closed = closed(&mut link).await;
    assert!(matches!(closed, ClosedError::Ended("it writes what is no message")), "{closed:?}");
}

#[tokio::test]
async fn a_server_that_floods_waits_until_it_is_read() {
    let mut link = open(config()).await;
    send(&link, "flood", 0).await;
    assert!(message(&mut link).await.contains("flood"));
    // So many are held: the queue is full, and the rest is in the pipe of the system.
    super::support::until("the queue is full", || link.receiver.len() == 32).await;
    for _ in 0..10_000 {
        message(&mut link).await;
    }
}

#[tokio::test]
async fn its_environment_has_what_is_named_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut config = config();
    config.environment = Environment::empty();
    config.environment.set("NAMED", "a value".to_owned().into()).unwrap();
    config.directory = Some(folder.clone());
    let mut link = open(config).await;
    let answer = call(&mut link, "environment", 0).await;
    assert_eq!(answer, format!("{{\"variables\":[\"NAMED=a value\"],\"folder\":{folder:?}}}"));
}
