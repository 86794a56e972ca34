//! A server as a child process: how it is started, what it is given, what it may use, and how it
//! is ended.
//!
//! 1. **Its own process group.** Signals go to the group, so what the server started ends with it
//!    (`npx` alone is three processes). A process that leaves the group is out of reach.
//! 2. **An empty environment** but for what [`Environment`] names.
//! 3. **What it writes to stderr** is in the log, escaped and within a budget ([`OutputLimits`]).
//! 4. **Ended in steps**: its stdin is closed, then SIGTERM, then SIGKILL. Each step has
//!    [`ChildLimits::grace`].
//! 5. **No orphans**: the [warden](crate::warden) knows every group.
//!
//! Linux and macOS. Elsewhere a server over stdio is refused when it is opened.
//!
//! **Invariant:** a process that was started is ended and reaped, whatever is dropped when.

mod config;
mod environment;
#[cfg(unix)]
pub(crate) mod memory;
#[cfg(unix)]
mod output_log;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod start;

pub use config::{ChildConfig, ChildLimits, OutputLimits};
pub use environment::{Environment, EnvironmentError, UnreadableError};
#[cfg(unix)]
pub(crate) use output_log::OutputLog;
#[cfg(unix)]
pub(crate) use process::Process;
#[cfg(unix)]
pub(crate) use start::{Started, start};
