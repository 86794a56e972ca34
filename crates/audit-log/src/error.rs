//! Why an audit log cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
};

use auth_core::audit::InvalidHeadError;

/// Why an audit log cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditFileError {
    /// The file system refused.
    #[error("the audit log {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The folder of the log is not there.
    #[error(
        "the folder {} of the audit log is not there: make it, for the account that writes the log",
        folder.display()
    )]
    NoFolder {
        /// Which folder.
        folder: PathBuf,
    },
    /// Another process writes it.
    #[error(
        "the audit log {} is written by another process: give each server a file of its own",
        path.display()
    )]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// A change was made, and could not be recorded.
    #[error("the change was made, and could not be recorded in {}: {source}", path.display())]
    NotRecorded {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// Its last record is not as it was written.
    #[error(
        "the audit log {} does not end with a record as it was written: name another file in \
         AUDIT_FILE to begin a new log",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// One of its records is not as it was written, or is longer than any that is written.
    #[error(
        "the audit log {} has something that is no record as it was written: `audit verify` says \
         which",
        path.display()
    )]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// A record is not in it that was.
    #[error(
        "the audit log {} was cut off or replaced: the database knows its record {sequence}, which \
         is not there. Restore its files, or name another file in AUDIT_FILE to begin a new log",
        path.display()
    )]
    CutOff {
        /// Which file.
        path: PathBuf,
        /// The number of the record.
        sequence: u64,
    },
    /// What the database has is no record of it.
    #[error(
        "the database has no head of the audit log {} where one should be: {source}. Name another \
         file in AUDIT_FILE to begin a new log",
        path.display()
    )]
    KeptHead {
        /// Which file.
        path: PathBuf,
        /// Why it is none.
        source: InvalidHeadError,
    },
}

impl AuditFileError {
    /// What the file system said of `path`.
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}
