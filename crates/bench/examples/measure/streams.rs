//! Sessions, answers that are streams, and many streams at once.

use std::{fmt::Write, io, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    load::{CONNECTIONS, Latencies, Load},
    process::Server,
    report::{Programs, load},
};

/// How many streams are open at once.
const STREAMS: usize = 10_000;

/// Calls in sessions, answered by streams: over one connection, and over sixteen.
pub(crate) async fn calls(programs: &Programs) {
    println!("\nget_time in a session, answered by a stream");
    println!("{:26} {:>8} {:>8} {:>8} {:>8}", "", "p50 us", "p99 us", "1/s", "CPU us");
    for name in ["bare", "app"] {
        let server = Server::peer(&programs.peer, name, &["--sessions", "1"]);
        let mut requests = Vec::new();
        for _ in 0..CONNECTIONS {
            let session = Session::begin(&server).await;
            requests.push(session.request("POST", Some(&call().to_string())));
        }
        for connections in [1, CONNECTIONS] {
            let load = |request: &Vec<u8>| Load {
                connections: 1,
                ..load(&server, vec![request.clone()], 200)
            };
            let loads: Vec<_> = requests.iter().take(connections).map(load).collect();
            all(&loads, programs.length).await;
            let before = server.cpu();
            let seen = all(&loads, programs.length).await;
            let cpu = server.cpu().saturating_sub(before).as_secs_f64() * 1e6;
            let cpu = cpu / seen.count() as f64;
            println!(
                "{:26} {:8.0} {:8.0} {:8.0} {cpu:8.1}",
                format!("{name}, {connections} at once"),
                seen.within(0.5),
                seen.within(0.99),
                seen.count() as f64 / programs.length.as_secs_f64(),
            );
        }
    }
}

/// Each over a connection of its own: within a session, ids of requests may not meet.
async fn all(loads: &[Load], length: Duration) -> Latencies {
    let mut running = JoinSet::new();
    for load in loads {
        let load = load.clone();
        running.spawn(async move { load.run(length).await });
    }
    Latencies::new(running.join_all().await.into_iter().flat_map(Latencies::into_nanos))
}

/// What streams take that are open and have nothing to say.
pub(crate) async fn many(programs: &Programs) {
    println!("\n{STREAMS} open streams, each in a session of its own");
    println!("{:26} {:>10} {:>10} {:>12}", "", "MiB before", "MiB with", "KiB a stream");
    let users = ["--sessions", "1", "--users", "100000"];
    for (name, flags) in [("bare", &users[..2]), ("app", &users[..])] {
        let server = Server::peer(&programs.peer, name, flags);
        // Who answers has all its users.
        Session::begin(&server).await;
        let before = server.resident();
        let mut open = Vec::new();
        for _ in 0..STREAMS {
            let session = Session::begin(&server).await;
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(&session.request("GET", None)).await.unwrap();
            let head = head(&mut stream).await.unwrap();
            assert!(head.contains(" 200 "), "{head}");
            open.push(stream);
        }
        // What is looked at now and then has been looked at.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let with = server.resident();
        let each = (with - before) * 1024.0 / STREAMS as f64;
        println!("{name:26} {before:10.0} {with:10.0} {each:12.1}");
    }
}

fn call() -> serde_json::Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "get_time", "arguments": {} } })
}

/// A session of a client of 2025-11-25.
struct Session {
    token: String,
    id: String,
}

impl Session {
    async fn begin(server: &Server) -> Self {
        let mut session = Self { token: server.valid()[0].to_owned(), id: String::new() };
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "measure", "version": "1" } } });
        let answer = session.send(server, &hello.to_string()).await;
        let line = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        session.id = line.unwrap_or_else(|| panic!("no session: {answer}")).to_owned();
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let answer = session.send(server, &ready.to_string()).await;
        assert!(answer.contains(" 202 "), "{answer}");
        session
    }

    /// The head of the answer.
    async fn send(&self, server: &Server, body: &str) -> String {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&self.request("POST", Some(body))).await.unwrap();
        head(&mut stream).await.unwrap()
    }

    fn request(&self, method: &str, body: Option<&str>) -> Vec<u8> {
        let Self { token, id } = self;
        let mut text = format!(
            "{method} /mcp HTTP/1.1\r\nHost: localhost:8000\r\nAuthorization: Bearer {token}\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        );
        if !id.is_empty() {
            write!(text, "Mcp-Session-Id: {id}\r\n").unwrap();
        }
        let body = body.unwrap_or_default();
        if !body.is_empty() {
            let length = body.len();
            write!(text, "Content-Type: application/json\r\nContent-Length: {length}\r\n").unwrap();
        }
        (text + "\r\n" + body).into_bytes()
    }
}

async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(2048);
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
