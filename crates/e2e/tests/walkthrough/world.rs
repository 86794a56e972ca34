//! A temp folder with the three programs in reach.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use testkit::{Postgres, Process};

use crate::binaries::binaries;

static POSTGRES: LazyLock<Option<Postgres>> = LazyLock::new(Postgres::for_tests);

/// A folder in which the programs run.
pub(crate) struct World {
    folder: TempDir,
    /// The directory, if it is not the default one.
    database: Option<String>,
}

/// What a program said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A server that runs until it is dropped.
pub(crate) struct Running {
    process: Process,
    pub(crate) url: String,
}

impl World {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    /// One that is ready for each kind of database: SQLite, and PostgreSQL where it is installed.
    pub(crate) fn each() -> Vec<Self> {
        let server = POSTGRES.as_ref().map(|server| {
            let database = Some(server.database().unwrap());
            Self { database, ..Self::empty() }.made_ready()
        });
        [Self::ready()].into_iter().chain(server).collect()
    }

    /// A folder that `server init` and `mint-token --save` have been run in: what `just token`
    /// does.
    pub(crate) fn ready() -> Self {
        Self::empty().made_ready()
    }

    fn made_ready(self) -> Self {
        self.run("server", &["init"]).expect_code(0);
        self.run("mint-token", &["--save"]).expect_code(0);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(binaries().join(program));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.envs(self.database.iter().map(|url| ("DATABASE_URL", url)));
        command
    }

    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Said {
        Said::from(self.command(program, args).output().unwrap())
    }

    /// Runs a program that reads `input`.
    pub(crate) fn run_reading(&self, program: &str, args: &[&str], input: &str) -> Said {
        let mut command = self.command(program, args);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::from(child.wait_with_output().unwrap())
    }

    pub(crate) fn run_with(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> Said {
        Said::from(self.command(program, args).envs(env.iter().copied()).output().unwrap())
    }

    /// Starts a server on a free port and waits until it says where.
    pub(crate) fn start(&self, args: &[&str], env: &[(&str, &str)]) -> Running {
        self.start_at("127.0.0.1:0", args, env)
    }

    /// Starts a server at this address.
    pub(crate) fn start_at(&self, bind: &str, args: &[&str], env: &[(&str, &str)]) -> Running {
        let log = self.path("server.log");
        let mut command = self.command("server", args);
        command.args(["--bind", bind]).envs(env.iter().copied());
        let mut process = Process::start(&mut command, log);
        let line = process.line();
        let url = line
            .strip_prefix("MCP server ")
            .and_then(|rest| rest.split_once("on ")?.1.split(',').next())
            .unwrap_or_else(|| panic!("{line:?} {}", process.log()));
        assert!(line.contains(", protected: "), "{line}");
        Running { process, url: url.to_owned() }
    }

    /// Calls the client on `server`.
    pub(crate) fn client(&self, server: &Running, args: &[&str]) -> Said {
        self.run("client", &[&["--url", server.url.as_str()], args].concat())
    }

    /// Calls until it ends with `code`: a change counts within a second where the machine is idle.
    #[track_caller]
    pub(crate) fn client_soon(&self, server: &Running, code: i32) -> Said {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let said = self.client(server, &[]);
            if said.code == Some(code) || Instant::now() > until {
                return said.expect_code(code);
            }
        }
    }
}

impl Running {
    /// The log so far, once it holds `text`.
    pub(crate) fn log_with(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.process.log();
            if log.contains(text) || Instant::now() > until {
                assert!(log.contains(text), "{text:?} is not in the log:\n{log}");
                return log;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(self) -> Option<i32> {
        self.process.terminate()
    }

    /// Sends SIGHUP, which asks to read files again.
    pub(crate) fn hang_up(&self) {
        self.process.signal("-HUP");
    }

    /// What `/readyz` answers.
    pub(crate) fn ready(&self) -> (u16, String) {
        let origin = self.url.split("/mcp").next().unwrap();
        let url = format!("{origin}/readyz");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let answer = reqwest::get(url).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }
}

impl Said {
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Asserts that standard output holds each of `texts`.
    #[track_caller]
    pub(crate) fn expect_out(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.out.contains(text), "{text:?} is not in:\n{}", self.out);
        }
        self
    }

    /// Asserts that standard error holds each of `texts`.
    #[track_caller]
    pub(crate) fn expect_err(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in:\n{}", self.err);
        }
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
