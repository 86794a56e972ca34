//! A program that starts the bridge and speaks to it over stdio.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program's side of a bridge.
pub(crate) struct Program {
    pub(crate) child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    _folder: TempDir,
}

/// How a bridge ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) code: Option<i32>,
    /// The lines that were not read.
    pub(crate) rest: Vec<String>,
    pub(crate) stderr: String,
}

impl Program {
    /// Starts a bridge to a server.
    pub(crate) fn start(url: &str) -> Self {
        Self::start_with(&["bridge", url])
    }

    /// Starts it with these arguments.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_client"))
            .args(args)
            .env_clear()
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, stdin, lines, _folder: folder }
    }

    /// Writes a line.
    pub(crate) async fn write(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Writes a request.
    pub(crate) async fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let id: Value = id.into();
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write(&message.to_string()).await;
    }

    /// Writes a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.write(&message.to_string()).await;
    }

    /// Calls a tool.
    pub(crate) async fn call(&mut self, id: impl Into<Value>, tool: &str) {
        self.request(id, "tools/call", json!({ "name": tool })).await;
    }

    /// Calls a tool as since 2026-07-28.
    pub(crate) async fn call_stateless(
        &mut self,
        id: impl Into<Value>,
        tool: &str,
        arguments: Value,
    ) {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": stateless() });
        self.request(id, "tools/call", params).await;
    }

    /// Opens a session.
    pub(crate) async fn open(&mut self) -> Value {
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": { "roots": {} } });
        self.request("open", "initialize", params).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], "open", "{answer}");
        self.notify("notifications/initialized", json!({})).await;
        answer
    }

    /// The next line.
    pub(crate) async fn next_line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line");
        line.unwrap().expect("the bridge has not ended")
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        let line = self.next_line().await;
        serde_json::from_str(&line).unwrap_or_else(|fault| panic!("{fault}: {line}"))
    }

    /// The answer to a request, and what came before it.
    pub(crate) async fn answer(&mut self, id: impl Into<Value>) -> (Value, Vec<Value>) {
        let id: Value = id.into();
        let mut before = Vec::new();
        loop {
            let message = self.next().await;
            if message["id"] == id && message.get("method").is_none() {
                return (message, before);
            }
            before.push(message);
        }
    }

    /// The text of the error that answers a request.
    pub(crate) async fn error(&mut self, id: impl Into<Value>) -> String {
        let (answer, _) = self.answer(id).await;
        answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Ends the input, and waits for the end of the bridge.
    pub(crate) async fn end(mut self) -> Ending {
        drop(self.stdin.take());
        self.ended().await
    }

    /// Waits for the end of the bridge.
    pub(crate) async fn ended(mut self) -> Ending {
        let mut rest = Vec::new();
        let mut stderr = String::new();
        let end = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                rest.push(line);
            }
            self.child.stderr.take().unwrap().read_to_string(&mut stderr).await.unwrap();
            self.child.wait().await.unwrap().code()
        };
        let code = timeout(PATIENCE, end).await.expect("the bridge ends");
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ending { code, rest, stderr }
    }
}

/// What a request carries since 2026-07-28.
pub(crate) fn stateless() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}
