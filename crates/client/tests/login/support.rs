//! Runs the binary as one user with one folder, and goes where it sends the browser.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::world::World;

/// A user.
pub(crate) struct User {
    folder: TempDir,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl User {
    /// One who has done nothing yet.
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Where the user's files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The list of tokens.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder().join("state/bartizan/tokens.json")
    }

    /// A command, its streams piped, in a world without a browser and without a keychain.
    pub(crate) fn command(&self, url: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        command
            .args(["--url", url])
            .args(args)
            .env_clear()
            .env("BARTIZAN_RUN_BY", "just")
            .env("XDG_STATE_HOME", self.folder().join("state"))
            // Not that of the user who runs the tests.
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs it, without a person to sign in.
    pub(crate) async fn run(&self, world: &World, args: &[&str]) -> Run {
        self.run_at(&world.url(), args).await.checked(world)
    }

    /// Runs it at any URL.
    pub(crate) async fn run_at(&self, url: &str, args: &[&str]) -> Run {
        Run::from(self.command(url, args).output().await.unwrap())
    }

    /// Runs it, and goes to every address that it prints, as a browser does.
    pub(crate) async fn browse(&self, world: &World, args: &[&str]) -> Run {
        self.browse_with(world, args, &[]).await
    }

    /// The same, with more variables.
    pub(crate) async fn browse_with(
        &self,
        world: &World,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Run {
        let mut command = self.command(&world.url(), args);
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let browser = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut stderr = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with(&format!("{}/authorize?", world.origin())) {
                let page = browser.get(&line).send().await.unwrap();
                assert!(page.text().await.unwrap().contains("You may close this page"));
            }
            stderr.push_str(&line);
            stderr.push('\n');
        }
        let output = child.wait_with_output().await.unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Run { code: output.status.code(), stdout, stderr }.checked(world)
    }

    /// Runs it with `--no-browser`, and pastes what `paste` makes of where the browser ended.
    pub(crate) async fn paste(
        &self,
        world: &World,
        args: &[&str],
        paste: impl Fn(String) -> String,
    ) -> Run {
        let args = [args, &["--no-browser"]].concat();
        let mut command = self.command(&world.url(), &args);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let policy = reqwest::redirect::Policy::none();
        let browser = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        let mut stderr = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with(&format!("{}/authorize?", world.origin())) {
                let page = browser.get(&line).send().await.unwrap();
                let to = page.headers()["location"].to_str().unwrap().to_owned();
                stdin.write_all(format!("{}\n", paste(to)).as_bytes()).await.unwrap();
            }
            stderr.push_str(&line);
            stderr.push('\n');
        }
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
        let code = child.wait().await.unwrap().code();
        Run { code, stdout, stderr }.checked(world)
    }

    /// Signs in.
    pub(crate) async fn login(&self, world: &World) {
        self.browse(world, &["login"]).await.expect(0);
    }
}

/// Presses Ctrl-C.
#[cfg(unix)]
pub(crate) fn interrupt(child: &tokio::process::Child) {
    let pid = child.id().unwrap().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &pid]).status();
    assert!(killed.unwrap().success());
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// No output may ever hold a token.
    pub(crate) fn checked(self, world: &World) -> Self {
        for secret in world.secrets() {
            let shown = self.stdout.contains(&secret) || self.stderr.contains(&secret);
            assert!(!shown, "a token is in the output: {self:#?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// Fails unless it ended so.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails unless it says so on stderr.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "{words}: {self:#?}");
        self
    }

    /// stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault}: {self:#?}"))
    }
}
