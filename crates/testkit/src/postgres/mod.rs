//! A real PostgreSQL server for tests, from the distribution's package.
//!
//! 1. It has a port, a folder and a password of its own, and listens on 127.0.0.1 alone.
//! 2. It writes as one in production does: `fsync` is on.
//! 3. Root starts it as another user, because it refuses to be root.
//! 4. It ends when it is dropped; and also with the process that started it, however that ended.
//! 5. Without PostgreSQL on the machine there is none, and the tests run the embedded backends
//!    only. Where `TEST_POSTGRES=required` says so, that is a failure.
//!
//! It blocks: a test with other things under way gives it a thread (`tokio::task::spawn_blocking`).

mod certificate;
mod host;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use host::Host;
use tempfile::TempDir;

use crate::{free_port, watched::Watched};

const USER: &str = "tester";
/// Ends the server and removes its folder once the process at the other end of the pipe is gone.
const WATCH: &str = r#"read -r _; kill -QUIT "$1" 2>/dev/null; sleep 1; rm -rf -- "$2""#;

/// A PostgreSQL server that runs until it is dropped.
#[derive(Debug)]
pub struct Postgres {
    host: Host,
    port: u16,
    password: String,
    authority: Option<PathBuf>,
    databases: AtomicU32,
    running: Option<Watched>,
    // Dropped last: it is the server's folder.
    folder: TempDir,
}

impl Postgres {
    /// Whether PostgreSQL is on this machine: in `PATH`, or where Debian has it.
    #[must_use]
    pub fn installed() -> bool {
        host::binaries().is_some()
    }

    /// One for a test. `None` if there is no PostgreSQL on this machine and none is required.
    ///
    /// # Panics
    ///
    /// If it cannot be started; or if it is missing and `TEST_POSTGRES=required`.
    #[must_use]
    pub fn for_tests() -> Option<Self> {
        Self::may_be_missing().then(|| Self::start().expect("a PostgreSQL server"))
    }

    /// As [`Self::for_tests`], with TLS.
    #[must_use]
    pub fn for_tests_with_tls() -> Option<Self> {
        Self::may_be_missing().then(|| Self::start_with_tls().expect("a PostgreSQL server"))
    }

    fn may_be_missing() -> bool {
        let is_installed = Self::installed();
        assert!(
            is_installed || !host::is_required(),
            "TEST_POSTGRES=required, and PostgreSQL is not installed (apt install postgresql)"
        );
        is_installed
    }

    /// Starts one.
    pub fn start() -> io::Result<Self> {
        Self::new(false)
    }

    /// Starts one that speaks TLS only. Its certificate is for `localhost`, by an authority of its
    /// own.
    pub fn start_with_tls() -> io::Result<Self> {
        Self::new(true)
    }

    /// The database that every server has.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The authority's certificate (PEM), if it speaks TLS: `sslrootcert`.
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// Makes an empty database.
    pub fn database(&self) -> io::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.query(&self.url(), &format!("create database {name}"))?;
        Ok(self.url_of(&name))
    }

    /// What `psql` says: a line for each row, `|` between the columns.
    pub fn query(&self, url: &str, sql: &str) -> io::Result<String> {
        let mut psql = self.host.program("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet"]);
        psql.args(["--set=ON_ERROR_STOP=1", "--command", sql, url]);
        host::output(&mut psql)
    }

    /// A program of PostgreSQL's, such as `pg_dump`, as the user that the server runs as.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        self.host.program(name)
    }

    /// Stops it as an administrator does: connections are broken off, everything is written.
    pub fn stop(&mut self) -> io::Result<()> {
        self.end("fast")
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) -> io::Result<()> {
        self.end("immediate")
    }

    /// Starts it again after [`Self::stop`] or [`Self::kill`], on the same port with the same data.
    pub fn start_again(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let log = fs::File::options().append(true).create(true).open(self.log())?;
        let mut server = self.host.program("postgres");
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let mut settings = vec![
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            "fsync=on",
            "log_line_prefix=%m [%p] ",
        ];
        if self.authority.is_some() {
            settings.extend([
                "ssl=on",
                "ssl_cert_file=../server.pem",
                "ssl_key_file=../server.key",
            ]);
        }
        for setting in settings {
            server.args(["-c", setting]);
        }
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let server = server.spawn()?;
        let mut watch = host::command("sh");
        watch.args(["-c", WATCH, "sh", &server.id().to_string()]).arg(self.folder.path());

        let mut ready = self.host.program("pg_isready");
        ready.args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()]);
        let is_ready = || Ok(ready.status()?.success());
        let running = Watched::ready(server, &mut watch, ("PostgreSQL", &self.log()), is_ready)?;
        self.running = Some(running);
        Ok(())
    }

    fn new(tls: bool) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir()?;
        let host = Host::new(folder.path())?;
        let password = host::random_word();
        let file = folder.path().join("password");
        fs::write(&file, &password)?;
        host.give(&file)?;
        let mut postgres = Self {
            host,
            port: free_port()?,
            password,
            authority: None,
            databases: AtomicU32::new(0),
            running: None,
            folder,
        };
        let mut initdb = postgres.host.program("initdb");
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]);
        initdb.args(["--username", USER, "--pwfile=password", "--pgdata"]).arg(postgres.data());
        host::output(&mut initdb)?;
        if tls {
            postgres.authority = Some(certificate::make(&postgres.host)?);
            let rule = "hostssl all all 127.0.0.1/32 scram-sha-256\n";
            fs::write(postgres.data().join("pg_hba.conf"), rule)?;
        }
        // Another process may have taken the port since.
        for _ in 0..3 {
            if postgres.start_again().is_ok() {
                return Ok(postgres);
            }
            postgres.port = free_port()?;
        }
        postgres.start_again().map(|()| postgres)
    }

    fn url_of(&self, database: &str) -> String {
        let Self { port, password, .. } = self;
        match &self.authority {
            None => format!("postgres://{USER}:{password}@127.0.0.1:{port}/{database}"),
            Some(authority) => format!(
                "postgres://{USER}:{password}@localhost:{port}/{database}?sslmode=verify-full&sslrootcert={}",
                authority.display()
            ),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn end(&mut self, mode: &str) -> io::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let mut stop = self.host.program("pg_ctl");
        stop.args(["stop", "--silent", "--wait", "--mode", mode, "--pgdata"]).arg(self.data());
        let stopped = host::output(&mut stop);
        let mut server = running.unwatched()?;
        if stopped.is_err() {
            server.kill()?;
        }
        server.wait()?;
        stopped.map(drop)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Whatever comes back, no caller could use it, and the process is gone.
        let _ = self.kill();
    }
}
