//! A folder to run the program in, and what came of it.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::PathBuf,
    process::{Command, Stdio},
};

use auth_core::{AccessToken, Claims, Clock, KeySet, SigningKey, SystemClock, display};
use auth_core::{TokenVerifier, TrustedIssuer, VerifyError};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tempfile::TempDir;

/// A secret that no output may hold.
pub(crate) const SECRET: &str = "Zq7-not-for-any-eyes-0123456789-kW";
pub(crate) const ISSUER: &str = "http://localhost:8000";
pub(crate) const RESOURCE: &str = "http://localhost:8000/mcp";

/// A folder of its own for each test. The program sees no variable but those given.
pub(crate) struct Folder(TempDir);

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a `.env` that holds the secret.
    pub(crate) fn ready() -> Self {
        let folder = Self::empty();
        folder.write(".env", &format!("JWT_SECRET={SECRET}\n"));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file with mode 0600.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.chmod(name, 0o600);
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mint-token"));
        // As it is called where it is found on the PATH.
        command.arg0("mint-token");
        command.current_dir(self.0.path()).env_clear().envs(variables.iter().copied()).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_in(args, &[])
    }

    /// Runs it. Whatever comes of it: no secret is shown, and nothing panics.
    pub(crate) fn run_in(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let output = self.command(args, variables).stdin(Stdio::null()).output().unwrap();
        let run = Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        for text in [&run.out, &run.err] {
            assert!(!text.contains(SECRET), "the secret was shown: {run:?}");
            assert!(!text.contains("PRIVATE KEY"), "a key was shown: {run:?}");
            let is_risky = |c| display::is_risky(c) && c != '\n' && c != '\t';
            assert!(!text.contains(is_risky), "a terminal would obey: {run:?}");
        }
        assert!(!run.err.contains("panicked"), "{run:?}");
        run
    }
}

impl Run {
    /// The run went well: one line on standard output, no colours, and the token is not said again.
    pub(crate) fn line(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        let line = self.out.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n') && !line.is_empty(), "{self:?}");
        assert!(!self.err.contains(line), "{self:?}");
        assert!(!self.out.contains('\u{1b}') && !self.err.contains('\u{1b}'), "{self:?}");
        line
    }

    /// The token's header and payload.
    pub(crate) fn parts(&self) -> (Value, Value) {
        let part = |index| {
            let text = self.line().split('.').nth(index).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
        };
        (part(0), part(1))
    }

    pub(crate) fn claims(&self) -> Value {
        self.parts().1
    }

    /// The run failed with exactly this said, and nothing on standard output.
    pub(crate) fn assert_failed(&self, code: i32, err: &str) {
        assert_eq!((self.code, self.out.as_str(), self.err.as_str()), (code, "", err));
    }

    /// The command line was refused, and the text says why.
    pub(crate) fn assert_refused(&self, why: &str) {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{self:?}");
        assert!(self.err.starts_with("error: ") && self.err.contains(why), "{self:?}");
    }
}

/// What a server that trusts `key` makes of `token`.
pub(crate) fn verify(token: &str, key: &SigningKey) -> Result<Claims, VerifyError> {
    let token: AccessToken = token.parse().unwrap();
    let keys = KeySet::from_iter([key.verifying_key().unwrap()]);
    TokenVerifier::new(RESOURCE.parse().unwrap())
        .trust(TrustedIssuer::new(ISSUER.parse().unwrap(), keys).trust_roles(true))
        .verify(&token, SystemClock.now())
}
