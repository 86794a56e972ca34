//! A real Redis server for tests, from the distribution's package.
//!
//! 1. It has a port and a password of its own, listens on 127.0.0.1 alone, and keeps nothing on a
//!    disk.
//! 2. It ends when it is dropped; and also with the process that started it, however that ended.
//! 3. Without Redis on the machine there is none, and its tests are left out. Where
//!    `TEST_REDIS=required` says so, that is a failure.

use std::{
    env, fs,
    io::{self, Error, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{free_port, watched::Watched};

/// Ends the server once the process at the other end of the pipe is gone.
const WATCH: &str = r#"read -r _; kill -KILL "$1" 2>/dev/null"#;

/// A Redis server that runs until it is dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    password: String,
    settings: String,
    is_tls: bool,
    running: Option<Watched>,
    folder: TempDir,
}

impl Redis {
    /// One for a test. `None` if there is no Redis on this machine and none is required.
    ///
    /// # Panics
    ///
    /// If it cannot be started; or if it is missing and `TEST_REDIS=required`.
    #[must_use]
    pub fn for_tests() -> Option<Self> {
        Self::may_be_missing().then(|| Self::start("").expect("a Redis server"))
    }

    /// As [`Self::for_tests`], and it speaks TLS only, with this certificate and its key (PEM).
    ///
    /// # Panics
    ///
    /// As [`Self::for_tests`].
    #[must_use]
    pub fn for_tests_with_tls(certificate: &Path, key: &Path) -> Option<Self> {
        let (certificate, key) = (certificate.display(), key.display());
        let settings =
            format!("tls-cert-file {certificate}\ntls-key-file {key}\ntls-auth-clients no\n");
        Self::may_be_missing().then(|| Self::start(&settings).expect("a Redis server"))
    }

    /// Its URL, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        let Self { password, port, .. } = self;
        if self.is_tls {
            return format!("rediss://:{password}@localhost:{port}");
        }
        format!("redis://:{password}@127.0.0.1:{port}")
    }

    /// Its URL, without the password.
    #[must_use]
    pub fn url_without_password(&self) -> String {
        self.url().replace(&format!(":{}@", self.password), "")
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// What it answers to a command, as `redis-cli` prints it.
    pub fn ask(&self, command: &[&str]) -> io::Result<String> {
        let mut cli = Command::new("redis-cli");
        cli.env("REDISCLI_AUTH", &self.password).args(["-h", "127.0.0.1", "--no-raw"]);
        cli.args(["-p", &self.port.to_string()]).args(command);
        let output = cli.output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Stops its process as a machine that hangs does: connections stay, and nothing is answered.
    pub fn hang(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    pub fn go_on(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        let mut server = running.unwatched()?;
        server.kill()?;
        server.wait().map(drop)
    }

    /// Starts it again after [`Self::kill`], on the same port, with nothing in it.
    pub fn start_again(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let log = fs::File::options().append(true).create(true).open(self.log())?;
        let mut server = Command::new("redis-server");
        server.arg("-").current_dir(self.folder.path()).process_group(0);
        server.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let mut server = server.spawn()?;
        let Self { port, password, settings, .. } = self;
        let port =
            if self.is_tls { format!("port 0\ntls-port {port}") } else { format!("port {port}") };
        let configuration = format!(
            "bind 127.0.0.1\n{port}\nrequirepass {password}\nsave \"\"\nappendonly no\n{settings}"
        );
        // Not in the arguments, which every user sees.
        server.stdin.take().expect("a pipe").write_all(configuration.as_bytes())?;
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh", &server.id().to_string()]).process_group(0);
        let is_ready = || Ok(TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        let running = Watched::ready(server, &mut watch, ("Redis", &self.log()), is_ready)?;
        self.running = Some(running);
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "where the machine's programs are, is in `PATH`")]
    fn may_be_missing() -> bool {
        let path = env::var_os("PATH").unwrap_or_default();
        let is_installed =
            env::split_paths(&path).any(|folder| folder.join("redis-server").is_file());
        let is_required = env::var_os("TEST_REDIS").is_some_and(|value| value == "required");
        assert!(
            is_installed || !is_required,
            "TEST_REDIS=required, and Redis is not installed (apt install redis-server)"
        );
        is_installed
    }

    fn start(settings: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("redis-").tempdir()?;
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(Error::other)?;
        let password = format!("{:032x}", u128::from_ne_bytes(random));
        let mut redis = Self {
            port: free_port()?,
            password,
            is_tls: settings.contains("tls-"),
            settings: settings.to_owned(),
            running: None,
            folder,
        };
        // Another process may have taken the port since.
        for _ in 0..3 {
            if redis.start_again().is_ok() {
                return Ok(redis);
            }
            redis.port = free_port()?;
        }
        redis.start_again().map(|()| redis)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let running = self.running.as_ref().ok_or_else(|| Error::other("it does not run"))?;
        let status = Command::new("kill").args([signal, &running.server.id().to_string()]).status();
        status?.success().then_some(()).ok_or_else(|| Error::other("kill failed"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Whatever comes back, no caller could use it.
        let _ = self.kill();
    }
}
