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
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}
