//! The bridge signs in, renews and steps up while a program waits.

#[cfg(target_os = "linux")]
mod keychain;
mod sign_in;
mod stateless;

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

use crate::{support::User, world::World};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A bridge, and the program that started it.
pub(crate) struct Bridge {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it writes to stderr. A person goes to every page that is there.
    stderr: JoinHandle<String>,
}

impl Bridge {
    /// A bridge of a user with a browser.
    pub(crate) fn new(user: &User, world: &World) -> Self {
        Self::start(user, world, &[], &[("BROWSER", "true")])
    }

    pub(crate) fn start(
        user: &User,
        world: &World,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let args = [&["bridge"], args].concat();
        let mut child = user
            .command(&world.url(), &args)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let page = format!("{}/authorize?", world.origin());
        let stderr = tokio::spawn(async move {
            let browser = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut text = String::new();
            while let Some(line) = log.next_line().await.unwrap() {
                if line.starts_with(&page) {
                    browser.get(&line).send().await.unwrap();
                }
                text.push_str(&line);
                text.push('\n');
            }
            text
        });
        Self { child, stdin, lines: BufReader::new(stdout).lines(), stderr }
    }

    pub(crate) async fn send(&mut self, id: u64, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.stdin.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The answer to the one request that waits.
    pub(crate) async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("an answer");
        serde_json::from_str(&line.unwrap().expect("the bridge has not ended")).unwrap()
    }

    pub(crate) async fn open(&mut self) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": client });
        self.send(0, "initialize", params).await;
        let answer = self.next().await;
        let opened = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.stdin.write_all(format!("{opened}\n").as_bytes()).await.unwrap();
        answer
    }

    pub(crate) async fn call(&mut self, tool: &str) -> Value {
        self.send(1, "tools/call", json!({ "name": tool })).await;
        self.next().await
    }

    /// Calls a tool that answers.
    pub(crate) async fn expect(&mut self, tool: &str) {
        let answer = self.call(tool).await;
        let text = &answer["result"]["content"][0]["text"];
        assert_eq!(text, &json!(format!("called {tool}")), "{answer}");
    }

    /// Calls a tool that is refused. Returns the text of the error, and its data.
    pub(crate) async fn refused(&mut self, tool: &str) -> (String, Value) {
        let answer = self.call(tool).await;
        let error = &answer["error"];
        let text = error["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
        (text.to_owned(), error["data"].clone())
    }

    /// Ends the input. Returns what it wrote to stderr.
    pub(crate) async fn end(mut self, world: &World) -> String {
        drop(self.stdin);
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the end").unwrap();
        let stderr = self.stderr.await.unwrap();
        assert_eq!(status.code(), Some(0), "{stderr}");
        for secret in world.secrets() {
            assert!(!stderr.contains(&secret), "a token is on stderr: {stderr}");
        }
        stderr
    }
}
