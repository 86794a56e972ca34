//! Exit codes.

use std::process::ExitCode;

/// How the program ended. Scripts rely on the codes; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: success.
    Done,
    /// 1: something unexpected, for example a file that cannot be written.
    Failed,
    /// 2: the command line or the configuration is invalid.
    Usage,
    /// 3: the token is not valid.
    Invalid,
    /// 4: the token is valid, and the call is not allowed.
    Denied,
    /// 5: a server or an issuer could not be reached.
    Unreachable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Invalid => 3,
            Exit::Denied => 4,
            Exit::Unreachable => 5,
        })
    }
}
