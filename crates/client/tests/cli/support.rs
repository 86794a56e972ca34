//! Runs the binary and looks at what it leaves behind.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use auth_core::display;
use serde_json::Value;
use tempfile::TempDir;

/// A JWT in form; its payload is `{"scope":"User.Read"}`. No output may ever hold it.
pub(crate) const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzY29wZSI6IlVzZXIuUmVhZCJ9.c2lnbmF0dXJl";

/// A run to come: cleared environment, empty folder.
pub(crate) struct Client {
    folder: TempDir,
    args: Vec<String>,
    environment: Vec<(String, String)>,
    stdin: String,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Client {
    /// A run with arguments.
    pub(crate) fn new(args: &[&str]) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            environment: vec![("RUST_LOG".into(), "trace".into())],
            stdin: String::new(),
        }
    }

    /// A run against a server.
    pub(crate) fn at(url: &str, args: &[&str]) -> Self {
        Self::new(&[&["--url", url], args].concat())
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Sets `MCP_TOKEN`.
    pub(crate) fn with_token(self) -> Self {
        self.with("MCP_TOKEN", TOKEN)
    }

    /// Adds arguments.
    pub(crate) fn arg(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// What is typed.
    pub(crate) fn with_stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Puts a file into the folder.
    pub(crate) fn with_file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// Where it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command, its streams piped.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        command
            .args(&self.args)
            .env_clear()
            .env("BARTIZAN_RUN_BY", "just")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end, without stopping the servers of the test.
    pub(crate) async fn run(self) -> Run {
        tokio::task::spawn_blocking(move || {
            let mut child = self.command().spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            // A run that does not read it may be gone already.
            let _ = stdin.write_all(self.stdin.as_bytes());
            drop(stdin);
            Run::from(child.wait_with_output().unwrap())
        })
        .await
        .unwrap()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let run = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        for text in [&run.stdout, &run.stderr] {
            for part in TOKEN.split('.') {
                assert!(!text.contains(part), "the token is in the output: {run:?}");
            }
            assert!(!text.contains("panicked"), "{run:?}");
            assert!(
                !text.contains(|c| display::is_risky(c) && c != '\n' && c != '\t'),
                "a risky character is in the output: {run:?}"
            );
        }
        run
    }
}

impl Run {
    /// Fails unless it ended so.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails unless it printed just this error.
    #[track_caller]
    pub(crate) fn says(&self, stderr: &str) {
        assert_eq!(self.stderr, stderr);
        assert_eq!(self.stdout, "");
    }

    /// stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|fault| panic!("{fault}: {self:#?}"))
    }

    /// The error on stderr as JSON.
    pub(crate) fn error(&self) -> Value {
        let whole: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|fault| panic!("{fault}: {self:#?}"));
        whole["error"].clone()
    }
}
