//! Why there is no audit log.

use audit_log::AuditFileError;
use directory::{AuditTableError, DirectoryError};

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditSetupError {
    /// Its files, or the record that must be in them.
    #[error(transparent)]
    File(#[from] AuditFileError),
    /// The directory does not say which record must be there.
    #[error("the directory of users cannot be used: {0}")]
    Directory(#[from] DirectoryError),
    /// The database into which it is copied.
    #[error(transparent)]
    Table(#[from] AuditTableError),
}
