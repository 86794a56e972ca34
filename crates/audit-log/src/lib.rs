//! The audit log of a process: the records of [`auth_core::audit`] in files.
//!
//! 1. A file is a chain of its own, and has one writer at a time: a lock is held as long as it is
//!    written. The server writes the configured file. Beside it commands that change something
//!    write `NAME-commands.EXT`, each for as long as it runs, and an authorization server that runs
//!    alone `NAME-issuer.EXT`.
//! 2. The chain goes on when a file has reached its size and is renamed, and when a process is
//!    started again. A record that was not written to its end, because the process or the machine
//!    stopped, is removed at the next start, and the record of the start says so. A log
//!    that is refused then is not changed.
//! 3. No call is passed on for whose record there is no room. Records wait in a bounded queue. A
//!    request waits for room for a bounded time, and is then refused with 503, at once while the
//!    file cannot be written. A failed write is tried again until it succeeds.
//! 4. A log that does not have a record that is known to have been in it is not continued.
//! 5. Standard output may have a copy of what is in the file. The file counts.
//! 6. What is refused without a decision (no token, a bad token, a malformed request) is recorded
//!    up to a number in each second. The rest is counted: a caller without a token cannot fill a
//!    disk.
//!
//! **Invariant:** this crate knows no database, no HTTP server and no setting. What it writes comes
//! from the guard's events, which have no token.

mod budget;
mod config;
mod disk;
mod error;
mod files;
mod follower;
mod lines;
mod log;
mod log_file;
mod queue;
mod records;
mod sink;
mod stdout_copy;
#[cfg(test)]
mod tests;
mod worker;

pub use budget::{Budget, Over};
pub use config::AuditConfig;
pub use error::AuditFileError;
pub use files::Files;
pub use follower::Follower;
pub use log::{AuditLog, WriteFailure};
pub use log_file::LogFile;
pub use sink::Sink;
