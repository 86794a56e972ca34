//! Rows 24 to 27: what a body may be.

use std::time::{Duration, Instant};

use http::{Method, StatusCode, header};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{Answer, TestServer, call, request, send};

fn admin(server: &TestServer) -> String {
    server.token("admin", "Admin.Write")
}

async fn post(server: &TestServer, body: impl Into<String>) -> Answer {
    send(server.post(body).bearer_auth(admin(server))).await
}

#[tokio::test]
async fn headers_that_differ_from_the_body_are_a_mismatch() {
    let server = TestServer::start().await;
    let with = |name: &'static str, value: &str| {
        server.post(call("get_time")).bearer_auth(admin(&server)).header(name, value)
    };
    for (request, why) in [
        (with("mcp-method", "tools/list"), "another method"),
        (with("mcp-name", "whoami"), "another name"),
        (with("mcp-method", "tools/call").header("mcp-method", "tools/call"), "a method twice"),
        (with("mcp-name", "get_time").header("mcp-name", "whoami"), "two names"),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{why}");
        assert_eq!(answer.json()["error"]["code"], -32020, "{why}");
        assert_eq!(answer.json()["id"], 1, "{why}");
    }
    let agreeing = with("mcp-method", "tools/call").header("mcp-name", "get_time");
    send(agreeing).await.assert_called("headers that agree");
}

#[tokio::test]
async fn the_body_decides_whatever_the_headers_say() {
    let server = TestServer::start().await;
    // A reader may call `whoami`; naming it in the headers opens nothing else.
    let token = server.token("guest", "User.Read");
    let request = server
        .post(call("get_time"))
        .bearer_auth(token)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "whoami");
    assert_eq!(send(request).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn members_that_decide_may_not_appear_twice() {
    let server = TestServer::start().await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list","params":{"name":"whoami"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami"},"params":{"name":"get_time"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","name":"get_time"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","n\u0061me":"get_time"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"server://info","uri":"server://x"}}"#,
    ] {
        let answer = post(&server, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.json()["error"]["code"], -32700, "{body}");
    }
}

#[tokio::test]
async fn batches_and_what_is_not_json_rpc_are_bad_requests() {
    let server = TestServer::start().await;
    for body in [
        String::new(),
        "nonsense".into(),
        "null".into(),
        "{}".into(),
        format!("[{}]", call("get_time")),
        format!(" \n[{},{}]", call("get_time"), call("whoami")),
        call("get_time").replace("2.0", "1.0"),
        format!("{}{}", call("get_time"), call("whoami")),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{}}}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["get_time"]}"#.into(),
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#.into(),
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.into(),
    ] {
        let answer = post(&server, body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.json()["error"]["code"].is_i64(), "{body}");
    }
}

#[tokio::test]
async fn a_body_that_unpacks_into_more_than_it_is_gets_nowhere() {
    let server = TestServer::start().await;
    let arguments = |value: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"whoami","arguments":{{"a":{value}}}}}}}"#
        )
    };
    // Texts within texts, each with a depth of its own.
    let mut bomb = "0".to_owned();
    for _ in 0..40 {
        let text = bomb.replace('\\', r"\u005c").replace('"', r"\u0022");
        let marked = format!(r#"{{"$serde_json::private::RawValue":"{text}"}}"#);
        bomb = format!("{}{marked}{}", "[".repeat(115), "]".repeat(115));
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let many = format!("[{}0]", "0,".repeat(1_000_000));
    for body in [arguments(&bomb), arguments(&deep), arguments(&many), bomb, deep] {
        assert_eq!(post(&server, body).await.status, StatusCode::BAD_REQUEST);
    }
    post(&server, arguments("[1]")).await.assert_called("and the server goes on");
}

#[tokio::test]
async fn the_stream_of_a_session_is_not_offered() {
    let server = TestServer::start().await;
    for method in [Method::GET, Method::DELETE] {
        let request = server.http().request(method.clone(), server.url());
        let answer = send(request.bearer_auth(admin(&server))).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[tokio::test]
async fn a_body_over_four_mebibytes_is_413_however_it_comes() {
    let server = TestServer::start().await;
    let filler = "x".repeat(4 * 1024 * 1024);
    let long = request("tools/call", &json!({ "name": "whoami", "arguments": { "x": filler } }));
    assert_eq!(post(&server, long.clone()).await.status, StatusCode::PAYLOAD_TOO_LARGE);

    // Announced and never sent: refused at once.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = head(&server, "content-length: 4194305");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 413"));

    // In chunks, without a length.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = self::head(&server, "transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..80 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 413"));

    let fits = request(
        "tools/call",
        &json!({ "name": "whoami", "arguments": { "x": "x".repeat(4_000_000) } }),
    );
    assert_ne!(post(&server, fits).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_body_of_anonymous_is_never_waited_for() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n",
        server.address
    );
    let begun = Instant::now();
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 401"));
    // Not a measurement: the alternative is the 30 s that a body may take.
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn other_methods_than_those_of_mcp_are_405() {
    let server = TestServer::start().await;
    for method in [Method::PUT, Method::PATCH] {
        let request = server.http().request(method.clone(), server.url());
        let answer = send(request.bearer_auth(admin(&server))).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers[header::ALLOW], "GET, POST, DELETE");
    }
    for method in [Method::PUT, Method::GET, Method::DELETE, Method::OPTIONS] {
        let answer = send(server.http().request(method.clone(), server.url())).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "anonymous {method}");
    }
}

#[tokio::test]
async fn admin_speaks_both_generations() {
    let server = TestServer::start().await;
    let initialize = request(
        "initialize",
        &json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        }),
    );
    let answer = post(&server, initialize).await;
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25", "{}", answer.body);
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(post(&server, initialized).await.status, StatusCode::ACCEPTED);

    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    });
    let modern = |method: &'static str, params: &serde_json::Value| {
        server
            .post(request(method, params))
            .bearer_auth(admin(&server))
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
    };
    let answer = send(modern("server/discover", &json!({ "_meta": meta }))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.json()["result"]["supportedVersions"].is_array(), "{}", answer.body);
    let params = json!({ "name": "get_time", "arguments": {}, "_meta": meta });
    let call = modern("tools/call", &params).header("mcp-name", "get_time");
    send(call).await.assert_called("2026-07-28");
}

fn head(server: &TestServer, length: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n{length}\r\n\r\n",
        server.address,
        admin(server)
    )
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 1024];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes));
    let length = read.await.unwrap().unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}
