//! HTTP/1.1 and events, as bytes.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::Seen;

pub(super) const JSON: &str = "content-type: application/json\r\n";

pub(super) fn result_of(seen: &Seen, result: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": result }).to_string()
}

pub(super) fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

pub(super) async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let verb = line.split(' ').next()?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let text = String::from_utf8(body).ok()?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    Some(Seen { verb, headers, text, body })
}

pub(super) async fn respond(stream: &mut TcpStream, status: &str, head: &str, body: &str) {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    // The client may be gone.
    let _ = stream.write_all(text.as_bytes()).await;
}

pub(super) async fn open(stream: &mut TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
        connection: close\r\n\r\n: hello\n\n";
    let _ = stream.write_all(head.as_bytes()).await;
}

pub(super) async fn event(stream: &mut TcpStream, fields: &str, data: &str) {
    let _ = stream.write_all(format!("{fields}data: {data}\n\n").as_bytes()).await;
}
