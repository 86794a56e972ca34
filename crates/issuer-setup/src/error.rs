//! Why there is no authorization server.

use directory::DirectoryError;
use issuer::OpenError;

/// Why there is no authorization server.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Settings that are wrong, one a line.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// The folder of keys cannot be used, and what to do.
    #[error("{0}")]
    Keys(String),
    /// The directory cannot be asked.
    #[error("the directory of users cannot be used: {0}")]
    Directory(#[from] DirectoryError),
    /// It cannot be opened.
    #[error("the authorization server cannot be used: {0}")]
    Open(#[from] OpenError),
}
