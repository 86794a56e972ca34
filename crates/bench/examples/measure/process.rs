//! A server as a process, pinned to one core, with what it has used so far.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use auth_core::{Clock, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Forge, TestKey};

/// Where the servers run.
pub(crate) const SERVER_CORE: usize = 0;
/// Where the generator runs.
pub(crate) const GENERATOR_CORE: usize = 1;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Tokens, by what is wrong with them.
    tokens: Value,
    _folder: Option<TempDir>,
}

impl Server {
    /// The peer `name`.
    pub(crate) fn peer(program: &Path, name: &str, flags: &[&str]) -> Self {
        Self::peer_under(&[], SERVER_CORE, program, name, flags)
    }

    /// The peer `name` on this core, run by another program: valgrind, say.
    pub(crate) fn peer_under(
        runner: &[&str],
        core: usize,
        program: &Path,
        name: &str,
        flags: &[&str],
    ) -> Self {
        let program = program.to_str().unwrap();
        let words: Vec<&str> = runner.iter().copied().chain([program, name]).collect();
        let mut command = pinned(core, words[0]);
        command.args(&words[1..]).args(flags).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let tokens: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
        let address = tokens["address"].as_str().unwrap().parse().unwrap();
        Self { child, address, tokens, _folder: None }
    }

    /// Our server's own program with a public `key`, its users in SQLite and its log, at `level`,
    /// in a file.
    pub(crate) fn ours(program: &Path, key: &TestKey, level: &str) -> Self {
        let program = program.canonicalize().unwrap();
        let program = program.to_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let command = || {
            let mut command = pinned(SERVER_CORE, program);
            command.current_dir(folder.path()).env_clear().stdin(Stdio::null());
            command
        };
        assert!(command().arg("init").stdout(Stdio::null()).status().unwrap().success());
        let mut command = command();
        let path = folder.path().join("key.pem");
        fs::write(&path, key.public_pem().unwrap()).unwrap();
        command.env("JWT_KEY_FILE", path);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command
            .args(["--bind", "127.0.0.1:0"])
            .env("RUST_LOG", level)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let line = first_line(&mut child);
        let address = line.strip_prefix("MCP server on http://").and_then(|l| l.split('/').next());
        let address = address.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        let now = SystemClock.now().as_secs();
        let token =
            Forge::valid(key).claim("sub", "alice").claim("iat", now - 60).claim("nbf", now - 60);
        let token = token.claim("exp", now + 24 * 3600).sign(key);
        let tokens = serde_json::json!({ "valid": [token] });
        Self { child, address, tokens, _folder: Some(folder) }
    }

    pub(crate) fn valid(&self) -> Vec<&str> {
        self.tokens["valid"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
    }

    /// The token that is bad in the way of that name.
    pub(crate) fn bad(&self, name: &str) -> &str {
        self.tokens[name].as_str().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Moves a process to `core`.
pub(crate) fn pin(id: u32, core: usize) {
    let mut command = Command::new("taskset");
    command.args(["-cp", &core.to_string(), &id.to_string()]).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "a process could not be pinned");
}

/// A command on one core: one worker thread, whatever the machine has.
fn pinned(core: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line
}
