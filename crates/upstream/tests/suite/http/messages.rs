//! What passes through the gateway between a client and a server, and what does not.

use bytes::Bytes;
use http::HeaderName;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::Service;

use super::{
    gateway::{front_of, request},
    server::{Received, Server, Step, answer, chunk, json as json_answer, last_chunk, stream_head},
    support::{caller, limits},
};

/// A server of the new generation. Calls are answered with `steps`.
async fn answering(steps: impl Fn(&Value) -> Vec<Step> + Send + Sync + 'static) -> Server {
    Server::start(move |request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let result = match message["method"].as_str() {
            Some("tools/call") => return steps(&message),
            Some("server/discover") => json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
            }),
            _ => json!({ "resultType": "complete", "tools": [] }),
        };
        let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        vec![Step::Say(json_answer(&body.to_string()))]
    })
    .await
}

/// The request that called the tool.
fn call(server: &Server) -> Received {
    let is_call = |it: &Received| it.header("mcp-method") == Some("tools/call");
    server.received().into_iter().find(is_call).unwrap()
}

#[tokio::test]
async fn a_call_and_its_answer_arrive_as_they_were_written() {
    let said = r#"{ "jsonrpc" : "2.0", "id": ID, "result": {"z": 1.0, "content": [],"a":1e3 } }"#;
    let server = answering(move |message| {
        let body = said.replace("ID", &message["id"].to_string());
        vec![Step::Say(json_answer(&body))]
    })
    .await;
    let body = r#"{"jsonrpc": "2.0","id":"a-7", "method":"tools/call","params":{"name":"t",
        "arguments":{"token":"eyJhbGciOiJub25lIn0.c2VjcmV0.dG9rZW4", "n":[1.10, 2E1]},
        "z":{"b":1,"a":2},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},
        "io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    // A message is one line.
    let body = body.replace('\n', " ");
    let mut request = request(caller(""), "tools/call", Some("t"), json!({}));
    *request.body_mut() = Full::new(Bytes::from(body.clone()));
    let answer = front_of(&server.url(), limits()).call(request).await.unwrap();
    let answer = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(answer, said.replace("ID", "\"a-7\""));
    let received = call(&server);
    assert!(received.head.starts_with("POST /mcp HTTP/1.1\r\n"));
    let received = String::from_utf8(received.body).unwrap();
    let id = serde_json::from_str::<Value>(&received).unwrap()["id"].to_string();
    assert_eq!(received, body.replacen("\"a-7\"", &id, 1));
}

#[tokio::test]
async fn no_header_of_an_answer_reaches_the_caller() {
    let server = answering(|message| {
        let result = json!({ "resultType": "complete", "content": [] });
        let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        let headers = [
            "content-type: application/json; charset=utf-8",
            "mcp-session-id: s-1",
            "cache-control: max-age=60",
            "set-cookie: a=b",
            "www-authenticate: Bearer",
            "location: /x",
            "x-powered-by: y",
            "access-control-allow-origin: *",
        ];
        vec![Step::Say(answer("200 OK", &headers, &body.to_string()))]
    })
    .await;
    let params = json!({ "name": "t", "arguments": {} });
    let request = request(caller(""), "tools/call", Some("t"), params);
    let answer = front_of(&server.url(), limits()).call(request).await.unwrap();
    let names: Vec<_> = answer.headers().keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["content-type"]);
    assert_eq!(answer.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let server = answering(|message| {
        let token = &message["params"]["_meta"]["progressToken"];
        let event = |message: Value| format!("data: {message}\n\n");
        let progress = |progress: u32| {
            let params = json!({ "progressToken": token, "progress": progress });
            let method = "notifications/progress";
            event(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
        };
        let (first, second) = (progress(1), progress(2));
        let (begin, end) = second.split_at(9);
        let result = json!({ "resultType": "complete", "content": [] });
        let last = event(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
        let said = |text: &str| Step::Say(chunk(text));
        vec![
            Step::Say(stream_head()),
            said(&first),
            said(begin),
            Step::Wait,
            said(end),
            Step::Wait,
            said(&last),
            Step::Say(last_chunk()),
        ]
    })
    .await;
    let meta = json!({ "progressToken": "p" });
    let params = json!({ "name": "t", "arguments": {}, "_meta": meta });
    let request = request(caller(""), "tools/call", Some("t"), params);
    let answer = front_of(&server.url(), limits()).call(request).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut body = answer.into_body();
    let mut next = async || {
        let part = body.frame().await?.unwrap().into_data().unwrap();
        let text = std::str::from_utf8(&part).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        Some(serde_json::from_str::<Value>(data).unwrap())
    };
    for progress in 1..=2 {
        let params = json!({ "progressToken": "p", "progress": progress });
        assert_eq!(next().await.unwrap()["params"], params);
        // Only now does the server go on.
        server.go_on();
    }
    assert_eq!(next().await.unwrap()["id"], 1);
    assert!(next().await.is_none());
}
