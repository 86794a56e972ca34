//! How this program was called, and so how commands have to be written where it prints them.
//!
//! 1. Installed, the programs are called `bartizan`, `bartizan-server` and `bartizan-token`; in the
//!    workspace `client`, `server` and `mint-token`; and `just client`, `just server` and
//!    `just mint-token` where `just` runs them.
//! 2. A program that was found on the PATH prints plain names. One that was called by its path
//!    prints the other programs with the same folder.
//! 3. `just` sets `BARTIZAN_RUN_BY` in its recipes. The caller reads it and passes its value.
//!
//! **Invariant:** a command that is printed works in the shell where it is printed.

use std::ffi::OsStr;

use crate::display::quoted;

/// The value of `BARTIZAN_RUN_BY` in the recipes of the Justfile.
const JUST: &str = "just";

/// One of the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The OAuth client.
    Client,
    /// The resource server.
    Server,
    /// The issuer's tool: keys and tokens.
    MintToken,
}

impl Program {
    /// All programs.
    pub const ALL: [Self; 3] = [Self::Client, Self::Server, Self::MintToken];

    /// The name as `just install` installs it.
    #[must_use]
    pub const fn installed_name(self) -> &'static str {
        match self {
            Self::Client => "bartizan",
            Self::Server => "bartizan-server",
            Self::MintToken => "bartizan-token",
        }
    }

    /// The name of the binary in the workspace, and of the recipe in the Justfile.
    #[must_use]
    pub const fn workspace_name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::MintToken => "mint-token",
        }
    }
}

/// How a program was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    own: Program,
    /// The file name that it was called by.
    own_name: String,
    /// The path before that name, with the separator at its end; empty if it was found on the PATH.
    folder: String,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Installed,
    Workspace,
    Just,
}

impl Invocation {
    /// `own` was called as `argument` (the first argument of the process); `run_by` is the value of
    /// `BARTIZAN_RUN_BY`.
    ///
    /// ```
    /// use terminal::{Invocation, Program};
    ///
    /// let invocation = Invocation::new(Program::MintToken, Some("bartizan-token".as_ref()), None);
    /// let command = invocation.command(Program::Server, "users list");
    /// assert_eq!(command, "bartizan-server users list");
    /// ```
    #[must_use]
    pub fn new(own: Program, argument: Option<&OsStr>, run_by: Option<&str>) -> Self {
        // A name that cannot be printed cannot be typed either.
        let called = argument.and_then(OsStr::to_str).unwrap_or_default();
        let is_separator = |c| c == '/' || (cfg!(windows) && c == '\\');
        let start = called.rfind(is_separator).map_or(0, |place| place + 1);
        let (folder, name) = called.split_at(start);
        let name = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name);
        let form = match name {
            _ if run_by == Some(JUST) => Form::Just,
            name if name == own.workspace_name() => Form::Workspace,
            _ => Form::Installed,
        };
        let own_name = if name.is_empty() { own.installed_name() } else { name };
        Self { own, own_name: own_name.into(), folder: folder.into(), form }
    }

    /// The form in which the workspace's own documentation writes commands, for tests.
    #[must_use]
    pub fn workspace(own: Program) -> Self {
        Self::new(own, Some(own.workspace_name().as_ref()), None)
    }

    /// The program of this process.
    #[must_use]
    pub const fn own(&self) -> Program {
        self.own
    }

    /// What a shell reads as `program`: `bartizan-server`, `target/debug/server`, `just server`.
    #[must_use]
    pub fn program(&self, program: Program) -> String {
        let name = match self.form {
            Form::Just => return format!("{JUST} {}", program.workspace_name()),
            _ if program == self.own => &self.own_name,
            Form::Installed => program.installed_name(),
            Form::Workspace => program.workspace_name(),
        };
        quoted(&format!("{}{name}", self.folder))
    }

    /// The file to start `program` with, as a configuration of another program names it: not
    /// quoted. `None` unless the programs are installed.
    ///
    /// ```
    /// use terminal::{Invocation, Program};
    ///
    /// let file = |called: &str| {
    ///     Invocation::new(Program::Server, Some(called.as_ref()), None).file(Program::Client)
    /// };
    /// assert_eq!(file("/opt/my b/bartizan-server").as_deref(), Some("/opt/my b/bartizan"));
    /// assert_eq!(file("bartizan-server").as_deref(), Some("bartizan"));
    /// assert_eq!(file("target/debug/server"), None);
    /// ```
    #[must_use]
    pub fn file(&self, program: Program) -> Option<String> {
        let name = if program == self.own { &self.own_name } else { program.installed_name() };
        (self.form == Form::Installed).then(|| format!("{}{name}", self.folder))
    }

    /// A command: `program` with `arguments`, in which text from outside is quoted
    /// ([`quoted`]).
    #[must_use]
    pub fn command(&self, program: Program, arguments: &str) -> String {
        format!("{} {arguments}", self.program(program)).trim_end().to_owned()
    }

    /// The command that makes `.env` with a fresh secret, if there is none: `just token`, which
    /// also mints a token, or `bartizan-server init`.
    #[must_use]
    pub fn make_env_file(&self) -> String {
        match self.form {
            Form::Just => format!("{JUST} token"),
            _ => self.command(Program::Server, "init"),
        }
    }

    /// The command that mints a token for the default user and stores it for the client.
    #[must_use]
    pub fn save_token(&self) -> String {
        match self.form {
            Form::Just => format!("{JUST} token"),
            _ => self.command(Program::MintToken, "--save"),
        }
    }

    /// The own name without a path, for usage lines: `bartizan-server`, `just server`.
    #[must_use]
    pub fn own_name(&self) -> String {
        match self.form {
            Form::Just => format!("{JUST} {}", self.own.workspace_name()),
            _ => self.own_name.clone(),
        }
    }

    /// The name of the file that was called, for completion scripts and manual pages.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.own_name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(own: Program, argument: &str, run_by: Option<&str>) -> Invocation {
        Invocation::new(own, Some(argument.as_ref()), run_by)
    }

    #[test]
    fn siblings_have_names_of_the_same_form() {
        for (argument, run_by, expected) in [
            ("bartizan-token", None, ["bartizan", "bartizan-server", "bartizan-token"]),
            ("mint-token", None, ["client", "server", "mint-token"]),
            ("mint-token", Some("just"), ["just client", "just server", "just mint-token"]),
            ("mint-token", Some("make"), ["client", "server", "mint-token"]),
            ("bt", None, ["bartizan", "bartizan-server", "bt"]),
            ("", None, ["bartizan", "bartizan-server", "bartizan-token"]),
            ("./mint-token", None, ["./client", "./server", "./mint-token"]),
            (
                "/opt/b/bartizan-token",
                None,
                ["/opt/b/bartizan", "/opt/b/bartizan-server", "/opt/b/bartizan-token"],
            ),
            (
                "/my dir/mint-token",
                None,
                ["'/my dir/client'", "'/my dir/server'", "'/my dir/mint-token'"],
            ),
            (
                "target/debug/mint-token",
                Some("just"),
                ["just client", "just server", "just mint-token"],
            ),
        ] {
            let invocation = called(Program::MintToken, argument, run_by);
            let names = Program::ALL.map(|program| invocation.program(program));
            assert_eq!(names, expected, "{argument}");
        }
    }

    #[test]
    fn every_program_knows_its_own_names() {
        for own in Program::ALL {
            for name in [own.installed_name(), own.workspace_name()] {
                let invocation = called(own, name, None);
                assert_eq!(invocation.program(own), name);
                assert_eq!(invocation.own_name(), name);
            }
            let by_path = called(own, &format!("/bin/{}", own.installed_name()), None);
            assert_eq!(by_path.own_name(), own.installed_name());
            assert_eq!(by_path.file_name(), own.installed_name());
        }
    }

    #[test]
    fn a_token_and_a_secret_come_from_one_recipe_of_just() {
        let by_just = called(Program::Server, "target/debug/server", Some("just"));
        assert_eq!(by_just.make_env_file(), "just token");
        assert_eq!(by_just.save_token(), "just token");
        assert_eq!(by_just.own_name(), "just server");
        assert_eq!(by_just.file_name(), "server");
        let installed = called(Program::Server, "bartizan-server", None);
        assert_eq!(installed.make_env_file(), "bartizan-server init");
        assert_eq!(installed.save_token(), "bartizan-token --save");
        assert_eq!(installed.command(Program::Client, ""), "bartizan");
    }
}
