//! The program with its admin listener, in a folder of its own with a cleared environment.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use auth_core::{Algorithm, Clock, SystemClock};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Forge, Process, TestKey};

use crate::exposition::Exposition;

/// A folder with a key, and the users that `server init` adds.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) key: &'static TestKey,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Running {
    process: Process,
    /// Where callers call: `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    /// Where operators ask: `http://127.0.0.1:PORT`, or `unix:PATH`.
    pub(crate) admin: String,
    http: reqwest::Client,
}

impl World {
    pub(crate) fn new() -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let world = Self { folder: tempfile::tempdir().unwrap(), key };
        world.run(&["init"]);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that its owner alone can read.
    pub(crate) fn write_secret(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(self.key.secret().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("JWT_SECRET", format!("base64url:{secret}")).env("SIGN_IN", "off");
        command
    }

    /// Runs a command, which must succeed; what it prints.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server whose admin listener is at `admin`.
    pub(crate) fn start(&self, args: &[&str], admin: &str) -> Running {
        self.start_with(args, admin, &[])
    }

    /// The same with these variables.
    pub(crate) fn start_with(
        &self,
        args: &[&str],
        admin: &str,
        variables: &[(&str, &str)],
    ) -> Running {
        let mut command = self.command(args);
        command.env("ADMIN_BIND", admin).env("BIND_ADDR", "127.0.0.1:0");
        command.envs(variables.iter().copied());
        let mut process = Process::start(&mut command, self.path("server.log"));
        let mut after = |begin: &str, end: &str| {
            let mut line = process.line();
            // What to do next may be printed in between.
            while !line.is_empty() && !line.contains(begin) {
                line = process.line();
            }
            let place = line.split_once(begin).and_then(|(_, rest)| rest.split_once(end));
            place.unwrap_or_else(|| panic!("{line:?} {}", process.log())).0.to_owned()
        };
        let origin = after(" on ", "/mcp, protected: ");
        let admin =
            after("Admin listener on ", ": /metrics, /healthz, /readyz, /explain, /reload, /drain");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Running { process, origin, admin, http }
    }

    /// A token of `subject` that is valid now.
    pub(crate) fn forge(&self, subject: &str, scope: &str) -> Forge {
        let now = SystemClock.now().as_secs();
        let dates = [("iat", now), ("nbf", now), ("exp", now + 600)];
        let forge = Forge::valid(self.key).claim("sub", subject).claim("scope", scope);
        dates.into_iter().fold(forge, |forge, (name, date)| forge.claim(name, date))
    }

    pub(crate) fn token(&self, subject: &str, scope: &str) -> String {
        self.forge(subject, scope).sign(self.key)
    }
}

impl Running {
    /// Posts `body` with these headers, and those that every request has unless they are among
    /// these; the status.
    pub(crate) async fn post(&self, body: String, headers: &[(&str, &str)]) -> u16 {
        let message: Value = serde_json::from_str(&body).unwrap();
        let method = message["method"].as_str().unwrap_or_default();
        let name = message["params"]["name"].as_str().unwrap_or_default();
        let standard = [
            ("host", "localhost:8000"),
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", name),
        ];
        let is_sent = |(name, value): &(&str, &str)| {
            let is_given = headers.iter().any(|(given, _)| given == name);
            !is_given && !value.is_empty() && !value.contains('\n')
        };
        let all = standard.into_iter().filter(is_sent).chain(headers.iter().copied());
        let request = self.http.post(format!("{}/mcp", self.origin));
        let request = all.fold(request, |request, (name, value)| request.header(name, value));
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        response.bytes().await.unwrap();
        status
    }

    /// Calls `tool` with `token`.
    pub(crate) async fn call(&self, tool: &str, token: &str) -> u16 {
        let token = format!("Bearer {token}");
        self.post(call(tool), &[("authorization", &token)]).await
    }

    /// What the admin listener answers at `path`: status and text.
    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.admin)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// What callers are answered at `path`.
    pub(crate) async fn ask_main(&self, path: &str) -> u16 {
        self.http.get(format!("{}{path}", self.origin)).send().await.unwrap().status().as_u16()
    }

    /// The metrics, and their text.
    pub(crate) async fn scrape(&self) -> (Exposition, String) {
        let response = self.http.get(format!("{}/metrics", self.admin)).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        let text = response.text().await.unwrap();
        (Exposition::read(&text), text)
    }

    pub(crate) async fn ready(&self) -> Value {
        serde_json::from_str(&self.ask("/readyz").await.1).unwrap()
    }

    /// The answer of the admin listener to a POST with `body`.
    pub(crate) async fn post_admin(&self, path: &str, body: String) -> (u16, String) {
        let request = self.http.post(format!("{}{path}", self.admin)).body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The most memory that it has had, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.process.peak_memory()
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(self) {
        assert_eq!(self.process.terminate(), Some(0));
    }

    /// Asks the admin listener to let the server stop; the status.
    pub(crate) async fn drain(&self) -> u16 {
        let response = self.http.post(format!("{}/drain", self.admin)).send().await.unwrap();
        response.status().as_u16()
    }

    /// Waits until the program has ended, with success.
    pub(crate) fn ends(self) {
        assert_eq!(self.process.wait(), Some(0));
    }
}

/// A call of `tool`.
pub(crate) fn call(tool: &str) -> String {
    request("tools/call", &json!({ "name": tool, "arguments": {} }))
}

/// A request of the revision 2026-07-28.
pub(crate) fn request(method: &str, params: &Value) -> String {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request_2025(method, &params)
}

/// A request of the revision 2025-11-25.
pub(crate) fn request_2025(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}
