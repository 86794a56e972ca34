//! How a bridge ends.

use std::time::Duration;

use crate::{
    program::{PATIENCE, Program},
    server::Server,
};

#[tokio::test]
async fn what_was_asked_before_the_end_of_the_input_is_answered() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    program.call(1, "json").await;
    let ending = program.end().await;
    assert_eq!(ending.code, Some(0));
    assert!(ending.rest.iter().any(|line| line.contains("\"id\":1")), "{:?}", ending.rest);
    assert_eq!(server.seen("DELETE").len(), 1);
}

#[tokio::test]
async fn a_call_that_hangs_does_not_keep_it() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.open().await;
    program.call(1, "hang").await;
    server.until_seen("tools/call", 1).await;
    assert_eq!(program.end().await.code, Some(0));
    server.until_dropped("hang").await;
    assert_eq!(server.seen("DELETE").len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn signals_end_it_and_its_session() {
    for signal in ["-TERM", "-INT"] {
        let server = Server::new().await;
        let mut program = Program::start(server.url());
        program.open().await;
        program.call(1, "hang").await;
        server.until_seen("tools/call", 1).await;
        let pid = program.child.id().unwrap().to_string();
        let killed = std::process::Command::new("kill").args([signal, &pid]).status();
        assert!(killed.unwrap().success());
        assert_eq!(program.ended().await.code, Some(0), "{signal}");
        assert_eq!(server.seen("DELETE").len(), 1);
    }
}

#[tokio::test]
async fn it_ends_with_a_server_that_does_not_let_go() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let mut program = Program::start(&url);
    program.call(1, "x").await;
    let (stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    assert_eq!(program.end().await.code, Some(0));
    tokio::time::sleep(Duration::from_millis(1)).await;
    drop(stream);
}
