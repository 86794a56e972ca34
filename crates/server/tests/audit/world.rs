//! A server with an audit log, in a folder of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use auth_core::{
    Algorithm, Clock, SigningKey, SystemClock, TokenId, TokenIssuer, TokenRequest,
    audit::{Entry, Line},
};
use http::StatusCode;
use reqwest::RequestBuilder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::TestKey;

/// The value of an argument of every call.
pub(crate) const ARGUMENT: &str = "an-argument-that-is-nobody-elses-business";

pub(crate) struct World {
    folder: TempDir,
    settings: Vec<(String, String)>,
    port: u16,
    child: Option<Child>,
    stdout: Option<BufReader<ChildStdout>>,
    http: reqwest::Client,
}

/// What a command printed, and how it ended.
pub(crate) struct Said {
    code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// With users and keys, and no server yet.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same with more settings.
    pub(crate) fn with(more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = TestKey::shared(Algorithm::Es256);
        write(&folder.path().join("audit.pem"), &key.private_pem().unwrap());
        write(&folder.path().join("public.pem"), &key.public_pem().unwrap());
        let port = testkit::free_port().unwrap();
        let resource = format!("http://localhost:{port}/mcp");
        let audit = [("AUDIT_FILE", "audit.jsonl"), ("AUDIT_KEY_FILE", "audit.pem")];
        let origin = format!("http://localhost:{port}");
        // An authorization server is on the origin of the resource.
        let signs_in = more.contains(&("SIGN_IN", "on")).then_some(("JWT_ISSUER", origin.as_str()));
        let settings = [("MCP_RESOURCE", resource.as_str()), ("SIGN_IN", "off")];
        let more: Vec<_> = signs_in.iter().chain(more).collect();
        let settings = settings.iter().chain(&audit).chain(more);
        let settings = settings.map(|(name, value)| ((*name).into(), (*value).into())).collect();
        // No connection is kept, as the server ends between calls.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let http = http.build().unwrap();
        let world = Self { folder, settings, port, child: None, stdout: None, http };
        world.run(&["init"]).expect(0);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets `name`, whatever it was before.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.into(), value.into()));
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_with(&[], args)
    }

    /// The same with other settings.
    pub(crate) fn run_with(&self, settings: &[(&str, &str)], args: &[&str]) -> Said {
        let mut command = self.command(args);
        command.envs(settings.iter().copied());
        let output = command.stdin(Stdio::null()).output().unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.args(args).current_dir(&self.folder).env_clear().envs(self.settings.clone());
        command
    }

    /// Starts the server, and waits until it says that it serves.
    pub(crate) fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut child = self
            .command(&["--bind", &format!("127.0.0.1:{}", self.port)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        while !line.starts_with("MCP server on ") {
            line.clear();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "{}", self.log());
        }
        self.child = Some(child);
        self.stdout = Some(stdout);
    }

    /// What else the server, which has ended, has written to standard output.
    pub(crate) fn rest_of_stdout(&mut self) -> String {
        let mut text = String::new();
        self.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Closes the end from which its standard output is read.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Stops it as a service manager does, and waits for its end.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ends(&mut self) {
        assert!(self.child.take().unwrap().wait().unwrap().success());
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A token for a user.
    pub(crate) fn token(&self, subject: &str, scopes: &str) -> String {
        let env = fs::read_to_string(self.path(".env")).unwrap();
        let secret = env.lines().find_map(|line| line.strip_prefix("JWT_SECRET=")).unwrap();
        let key = SigningKey::from_secret(secret.trim_matches(['\'', '"']).as_bytes()).unwrap();
        let issuer = TokenIssuer::new("http://localhost:8000".parse().unwrap(), key);
        let audience = format!("http://localhost:{}/mcp", self.port).parse().unwrap();
        let id = TokenId::from_random([7; 16]);
        let request = TokenRequest::new(subject.parse().unwrap(), audience, id)
            .client_id("a-client".parse().unwrap())
            .scopes(scopes.parse().unwrap())
            .claim("act", json!({ "sub": "agent", "act": { "sub": "first" } }))
            .unwrap();
        issuer.issue(&request, SystemClock.now()).unwrap().expose().to_owned()
    }

    /// Calls `whoami`.
    pub(crate) async fn call(&self, token: Option<&str>) -> StatusCode {
        self.call_tool("whoami", token).await
    }

    pub(crate) async fn call_tool(&self, tool: &str, token: Option<&str>) -> StatusCode {
        self.request(tool, token).send().await.unwrap().status()
    }

    /// A call, before it is sent.
    pub(crate) fn request(&self, tool: &str, token: Option<&str>) -> RequestBuilder {
        let request = self
            .http
            .post(format!("http://127.0.0.1:{}/mcp", self.port))
            .header("host", format!("localhost:{}", self.port))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": { "unused": ARGUMENT } },
        });
        request.body(body.to_string())
    }

    /// Posts JSON to a path of the server.
    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> StatusCode {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let request = self.http.post(url).header("host", format!("localhost:{}", self.port));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
        request.send().await.unwrap().status()
    }

    pub(crate) async fn readiness(&self) -> String {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        self.http.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// The records of a file, each of which must be as it was written.
    pub(crate) fn records(&self, name: &str) -> Vec<Line> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| Line::parse(line.as_bytes()).unwrap()).collect()
    }

    /// The decisions in the log of the server, as JSON.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        let decisions = self.records("audit.jsonl").into_iter().filter_map(|it| match it.entry {
            Entry::Decision(decision) => Some(serde_json::to_value(*decision).unwrap()),
            _ => None,
        });
        decisions.collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn lacks(self, text: &str) -> Self {
        assert!(!self.out.contains(text), "{text:?} is in:\n{}", self.out);
        self
    }

    #[track_caller]
    pub(crate) fn has(self, texts: &[&str]) -> Self {
        for text in texts {
            let all = format!("{}{}", self.out, self.err);
            assert!(all.contains(text), "{text:?} is not in:\n{all}");
        }
        self
    }
}

/// Waits until `is_so`.
pub(crate) fn eventually(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::sleep(Duration::from_millis(20));
    }
}

fn write(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
