//! The audit log of this process ([`audit_log`]) as the settings describe it, for the programs that
//! write one: the server, and the authorization server that runs alone.
//!
//! 1. The head of the log, once the disk has it, is kept in the database of the directory
//!    ([`KeptHead`]). A log that does not have the record that is kept there is not continued.
//! 2. A PostgreSQL database may have a copy of the records ([`AuditCopy`]).
//! 3. What users and clients change at the authorization server is recorded ([`SignInRecords`]).
//!
//! **Invariant:** both programs have the same settings, the same records and the same checks at the
//! start, as they have this code.

mod changes;
mod config;
mod copy;
mod error;
mod kept;
mod opened;

pub use self::{
    changes::SignInRecords,
    config::{AuditSettings, log_config},
    copy::{AuditCopy, CopyError},
    error::AuditSetupError,
    kept::{KeptHead, KeptLog, log_name},
    opened::{OpenAudit, Writer},
};
