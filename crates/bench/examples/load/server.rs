//! The server as a process of its own, in a temp folder.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use auth_core::{Algorithm, Clock, SystemClock};
use tempfile::TempDir;
use testkit::{Forge, RESOURCE, Reply, TestIssuer, TestKey};

use crate::{
    operator::Operator,
    secured::{CERTIFICATE, KEY, Place, write_certificate},
};

/// What the server with a certificate protects.
const SECURED_RESOURCE: &str = "https://localhost/mcp";

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    /// What it still prints has a reader.
    _out: BufReader<ChildStdout>,
}

/// One token for each way to be judged.
pub(crate) struct Tokens {
    pub(crate) valid: String,
    pub(crate) bad_signature: String,
    pub(crate) expired: String,
    pub(crate) other_audience: String,
    pub(crate) missing_scope: String,
}

impl Server {
    /// Starts `program` with first users, a key of its own (ES256, whose signatures are the most
    /// expensive to check), a certificate, and all that an operator may have on.
    pub(crate) fn start(program: &Path, asked: &TestIssuer) -> (Self, Place, Tokens, Operator) {
        let program = program.canonicalize().unwrap();
        let folder = made_folder(&program);
        let operator = Operator::new(&program, folder.path());
        let certificate = write_certificate(folder.path());
        let mut command = command(&program, folder.path());
        let issuers = folder.path().join("issuers.toml");
        fs::write(&issuers, issuers_file(asked)).unwrap();
        command.env("ISSUERS_FILE", issuers).env("LOAD_SECRET", "a secret of the load test");
        command.env("TLS_CERTIFICATE_FILE", CERTIFICATE).env("TLS_KEY_FILE", KEY);
        command.env("MCP_RESOURCE", SECURED_RESOURCE).env("SIGN_IN", "off");
        let (server, tokens) = Self::start_in(folder, command, SECURED_RESOURCE, Stdio::null());
        let place = Place::new(server.address, &certificate);
        (server, place, tokens, operator)
    }

    /// One in plain HTTP and with nothing on, with its log going to `log`.
    pub(crate) fn start_with_log(program: &Path, log: Stdio) -> (Self, Tokens) {
        Self::start_plain(program, log, "off")
    }

    /// The same as its own authorization server.
    pub(crate) fn start_with_sign_in(program: &Path) -> (Self, Tokens) {
        Self::start_plain(program, Stdio::null(), "on")
    }

    fn start_plain(program: &Path, log: Stdio, sign_in: &str) -> (Self, Tokens) {
        let program = program.canonicalize().unwrap();
        let folder = made_folder(&program);
        let mut command = command(&program, folder.path());
        command.env("SIGN_IN", sign_in);
        Self::start_in(folder, command, RESOURCE, log)
    }

    fn start_in(
        folder: TempDir,
        mut command: Command,
        resource: &str,
        log: Stdio,
    ) -> (Self, Tokens) {
        let key = TestKey::shared(Algorithm::Es256);
        let path = folder.path().join("key.pem");
        fs::write(&path, key.public_pem().unwrap()).unwrap();
        command.args(["--bind", "127.0.0.1:0"]).env("JWT_KEY_FILE", &path);
        // All connections come from one address, which is not what is tested here.
        command.env("MAX_CONNECTIONS_PER_ADDRESS", "1024");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("MCP server on ").and_then(|line| line.split('/').nth(2));
        let address = address.unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        (Self { child, address, folder, _out: out }, Tokens::new(key, resource))
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many sockets it has open.
    pub(crate) fn sockets(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        // What was closed since has no target any more.
        let targets = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Sends SIGTERM and waits for the end. Its folder is left until what is returned is dropped.
    pub(crate) fn terminate(mut self) -> (Option<i32>, TempDir) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (code, folder)
    }
}

/// A folder in which `program init` has been run.
fn made_folder(program: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut init = command(program, folder.path());
    assert!(init.arg("init").stdout(Stdio::null()).status().unwrap().success());
    folder
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// An issuer that has to be asked about its tokens, knows none, and takes its time.
pub(crate) async fn asked() -> TestIssuer {
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[]);
    let inactive = Reply::json(&serde_json::json!({ "active": false }));
    issuer.serve("/introspect", inactive.delay(Duration::from_millis(150)));
    issuer
}

fn issuers_file(asked: &TestIssuer) -> String {
    format!(
        "[issuers.\"{}\"]\nkeys = \"none\"\n\
         introspection = {{ client_id = \"load\", secret_env = \"LOAD_SECRET\" }}\n",
        asked.issuer()
    )
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tokens {
    fn new(key: &TestKey, resource: &str) -> Self {
        let now = SystemClock.now().as_secs();
        let dates = |exp: i64| {
            let user = Forge::valid(key).claim("sub", "alice").claim("aud", resource);
            user.claim("iat", now - 9).claim("nbf", now - 9).claim("exp", exp)
        };
        let good = || dates(now + 3600 * 24);
        let mut bad_signature = good().sign_with(|message| {
            let mut signature = key.sign(message);
            signature.reverse();
            signature
        });
        bad_signature.shrink_to_fit();
        Self {
            valid: good().sign(key),
            bad_signature,
            expired: dates(now - 3600).sign(key),
            other_audience: good().claim("aud", format!("{resource}/other")).sign(key),
            missing_scope: good().claim("scope", "User.Read").sign(key),
        }
    }
}
