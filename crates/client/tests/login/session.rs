//! A session of a desktop: GNOME's Secret Service on a message bus of its own.
//!
//! Needs `dbus-run-session` (Debian: dbus), `gnome-keyring-daemon` and `secret-tool`
//! (libsecret-tools), of which the last looks into the keychain without us. Where they are missing
//! the tests with a keychain are left out, unless `TEST_KEYCHAIN=required`.

use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    support::{Run, User},
    world::World,
};

const PROGRAMS: [&str; 3] = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
/// Unlocks the keychain, prints where the bus is, and stays until its input ends.
const SESSION: &str = r#"printf sesame | gnome-keyring-daemon --unlock --components=secrets >/dev/null &&
    echo "$DBUS_SESSION_BUS_ADDRESS" && cat"#;

/// A session with a keychain; it ends with its standard input.
pub(crate) struct Session {
    bus: Child,
    pub(crate) address: String,
    path: std::ffi::OsString,
    home: TempDir,
}

impl Session {
    /// `None` if the programs are not on this machine and need not be.
    #[expect(
        clippy::disallowed_methods,
        reason = "where programs are, and which must be, is said there"
    )]
    pub(crate) async fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let is_there = |name: &str| folders.iter().any(|folder| folder.join(name).is_file());
        let missing: Vec<&str> = PROGRAMS.into_iter().filter(|name| !is_there(name)).collect();
        if !missing.is_empty() {
            let is_required =
                std::env::var_os("TEST_KEYCHAIN").is_some_and(|value| value == "required");
            assert!(!is_required, "TEST_KEYCHAIN=required, and these are missing: {missing:?}");
            return None;
        }
        let home = TempDir::new().unwrap();
        let mut bus = Command::new("dbus-run-session")
            .args(["--", "sh", "-c", SESSION])
            .env_clear()
            .env("BARTIZAN_RUN_BY", "just")
            .env("PATH", &path)
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = tokio::process::ChildStdout::from_std(bus.stdout.take().unwrap()).unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await;
        let address = line.expect("the session starts").unwrap().expect("an address");
        Some(Self { bus, address, path, home })
    }

    /// A user who has no browser but this session.
    pub(crate) async fn run(&self, user: &User, world: &World, args: &[&str]) -> Run {
        let mut command = user.command(&world.url(), args);
        let output = command.env("DBUS_SESSION_BUS_ADDRESS", &self.address).output();
        Run::from(output.await.unwrap()).checked(world)
    }

    pub(crate) async fn login(&self, user: &User, world: &World) -> Run {
        let bus = [("DBUS_SESSION_BUS_ADDRESS", self.address.as_str())];
        user.browse_with(world, &["login"], &bus).await
    }

    /// What another vendor's program says of our secrets.
    pub(crate) fn secret_tool(&self, args: &[&str]) -> String {
        let output = Command::new("secret-tool")
            .args(args)
            .env_clear()
            .env("BARTIZAN_RUN_BY", "just")
            .env("PATH", &self.path)
            .env("HOME", self.home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// All secrets that are there.
    pub(crate) fn secrets(&self) -> String {
        self.secret_tool(&["search", "--all", "--unlock", "service", "bartizan"])
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.bus.stdin.take());
        let _ = self.bus.wait();
    }
}

/// What the list in the file says.
pub(crate) fn list(user: &User) -> String {
    let path = user.store();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::read_to_string(path).unwrap()
}

/// Whether any token that there ever was is in the text.
pub(crate) fn has_secret(world: &World, text: &str) -> bool {
    world.secrets().iter().any(|secret| text.contains(secret))
}
