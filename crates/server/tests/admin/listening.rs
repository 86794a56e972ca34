//! Where the admin listener listens, and what it does not serve.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    exposition::Exposition,
    program::{World, call},
};

#[tokio::test(flavor = "multi_thread")]
async fn operators_and_callers_have_listeners_of_their_own() {
    let world = World::new();
    let server = world.start(&[], "127.0.0.1:0");
    for path in ["/mcp", "/admin/explain", "/.well-known/oauth-protected-resource", "/"] {
        assert_eq!(server.ask(path).await.0, 404, "{path}");
    }
    assert_eq!(server.ask("/healthz").await, (200, "ok\n".into()));
    assert_eq!(server.ask_main("/metrics").await, 404);
    assert_eq!(server.ask_main("/readyz").await, 200);
    let ready = server.ready().await;
    assert_eq!((&ready["ready"], &ready["directory"]["reachable"]), (&true.into(), &true.into()));
    assert_eq!(ready["issuers"][0]["issuer"], "http://localhost:8000");
    server.terminate();
}

#[test]
fn a_unix_socket_answers_its_owner_and_is_gone_with_the_server() {
    let world = World::new();
    let path = world.path("admin.sock");
    let server = world.start(&[], &format!("unix:{}", path.display()));
    let mut stream = UnixStream::connect(&path).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: anything\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let found = Exposition::read(body);
    assert_eq!(
        found.value("bartizan_connections", &[("listener", "admin"), ("kind", "ordinary")]),
        1.0
    );
    server.terminate();
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_drained_ends_as_if_it_were_terminated() {
    let world = World::new();
    let server = world.start(&[], "127.0.0.1:0");
    assert_eq!(server.drain().await, 202);
    server.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_at_a_drain_may_go_on_for_as_long_as_is_configured() {
    let world = World::new();
    let server = world.start_with(&[], "127.0.0.1:0", &[("SHUTDOWN_TIMEOUT", "60")]);
    let (token, body) = (world.token("alice", "User.Read"), call("whoami"));
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost:8000\r\nauthorization: Bearer {token}\r\n\
         accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n\
         mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: whoami\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(server.origin.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all((head + first).as_bytes()).unwrap();
    // The body is waited for once the token is checked.
    while !server.log().contains("Valid token, proceeding...") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.drain().await, 202);
    // Longer than the default.
    tokio::time::sleep(Duration::from_secs(11)).await;
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.ends();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_does_not_arrive_holds_no_connection() {
    let world = World::new();
    let server = world.start(&[], "127.0.0.1:0");
    let mut stream = TcpStream::connect(server.admin.strip_prefix("http://").unwrap()).unwrap();
    let head = "POST /explain HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\
                connection: close\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.terminate();
}

#[test]
fn an_address_that_other_machines_reach_stops_the_server_from_starting() {
    let world = World::new();
    let mut command = world.command(&[]);
    let output = command.env("ADMIN_BIND", "0.0.0.0:0").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("ADMIN_INSECURE_NON_LOOPBACK=on"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_asks_why_and_has_files_read_again() {
    let world = World::new();
    let server = world.start(&[], "127.0.0.1:0");
    let question = |scope: &str, tool: &str| {
        json!({ "token": world.token("alice", scope), "tool": tool }).to_string()
    };
    for (path, scope, finding) in
        [("/explain", "Admin.Write", "permitted"), ("/explain/mcp", "User.Read", "missing_scope")]
    {
        let (status, text) = server.post_admin(path, question(scope, "get_time")).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        assert_eq!(
            (status, answer["finding"] == "permitted"),
            (200, finding == "permitted"),
            "{text}"
        );
    }
    for wrong in ["", "{}", r#"{"token":"x"}"#, r#"{"token":"x","tool":"a","prompt":"b"}"#] {
        let (status, text) = server.post_admin("/explain", wrong.into()).await;
        assert!(status == 400 && text.starts_with("params: token"), "{status} {text}");
    }
    let long = question("Admin.Write", &"a".repeat(64 * 1024));
    assert_eq!(server.post_admin("/explain", long).await.0, 413);
    assert_eq!(server.post_admin("/explain/other", question("A", "a")).await.0, 404);
    let mut refused = 0;
    for _ in 0..60 {
        let (status, _) = server.post_admin("/explain", question("Admin.Write", "get_time")).await;
        refused += usize::from(status == 429);
    }
    assert!(refused > 0, "questions are bounded");
    let (status, text) = server.post_admin("/reload", String::new()).await;
    assert_eq!((status, text.as_str()), (200, r#"{"refused":[]}"#));
}
