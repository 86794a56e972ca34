//! A small MCP server over HTTP (2025-11-25) with two tools, which keeps every byte that it gets.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

const WELCOME: &str = r#""result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"notes","version":"1"}}"#;
const TOOLS: &str = r#""result":{"tools":[{"name":"get_note","inputSchema":{"type":"object"}},{"name":"put_note","inputSchema":{"type":"object"}}]}"#;
const NOTED: &str = r#""result":{"content":[{"type":"text","text":"noted over HTTP"}]}"#;
const UNKNOWN: &str = r#""error":{"code":-32601,"message":"no such method"}"#;

/// The server, until it is stopped.
pub(crate) struct Notes {
    pub(crate) url: String,
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
    is_over: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Notes {
    pub(crate) fn start() -> Self {
        Self::start_at(0)
    }

    /// At this port, where another one may have been stopped.
    pub(crate) fn start_at(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let address = listener.local_addr().unwrap();
        let (received, is_over) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::default());
        let (all, over) = (Arc::clone(&received), Arc::<AtomicBool>::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let all = Arc::clone(&all);
                std::thread::spawn(move || serve(stream, &all));
            }
        });
        let thread = Mutex::new(Some(thread));
        Self { url: format!("http://{address}/mcp"), address, received, is_over, thread }
    }

    /// All bytes that it got.
    pub(crate) fn received(&self) -> String {
        String::from_utf8(self.received.lock().unwrap().clone()).unwrap()
    }

    /// How many calls it got.
    pub(crate) fn calls(&self) -> usize {
        self.received().matches("\"tools/call\"").count()
    }

    /// Takes no connection any more.
    pub(crate) fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.lock().unwrap().take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Answers one request, and closes.
fn serve(mut stream: TcpStream, all: &Mutex<Vec<u8>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    let (head, body) = loop {
        let length = stream.read(&mut part).ok()?;
        // A connection without a request.
        if length == 0 {
            return None;
        }
        read.extend_from_slice(&part[..length]);
        all.lock().unwrap().extend_from_slice(&part[..length]);
        let text = String::from_utf8(read.clone()).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            break (head, body.to_owned());
        }
    };
    let message: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let answer = match message["method"].as_str() {
        Some("initialize") => WELCOME,
        Some("tools/list") => TOOLS,
        Some("tools/call") => NOTED,
        _ => UNKNOWN,
    };
    let (status, body) = if !head.starts_with("post") {
        ("405 Method Not Allowed", String::new())
    } else if message["id"].is_null() {
        ("202 Accepted", String::new())
    } else {
        ("200 OK", format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{answer}}}", message["id"]))
    };
    let length = body.len();
    let head = "content-type: application/json\r\nmcp-session-id: s-1\r\nconnection: close";
    write!(stream, "HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}").ok()
}
