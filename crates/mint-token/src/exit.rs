//! How the program ends.

use std::process::ExitCode;

/// How the program ended. The numbers are a promise to scripts, and stand in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: what was asked for is done.
    Done,
    /// 1: something unexpected, for example a file that cannot be written.
    Failed,
    /// 2: the command line or the configuration is at fault.
    Usage,
    /// 3: the token is not valid.
    Invalid,
    /// 4: the token is valid, and may not do this.
    Denied,
    /// 5: a server or an issuer could not be asked.
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
