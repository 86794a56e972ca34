//! Why the files of a certificate cannot be used.

use std::path::PathBuf;

use listener::CertificateError;
use settings::InsecurePermissionsError;

/// Why the files of a certificate cannot be used. No variant has a byte of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// One of them cannot be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadableFileError),
    /// Other users can read the key.
    #[error(transparent)]
    Permissions(#[from] InsecurePermissionsError),
    /// One of them is not what it should be.
    #[error("{path}: {source}{}", cause(source))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// The new certificate has ended, and the old one has not.
    #[error(
        "{path}: the certificate has ended, at {ended}: put one that is valid in its place, the \
         old one serves until then"
    )]
    Ended {
        /// Which file.
        path: PathBuf,
        /// When.
        ended: String,
    },
    /// The new certificate is not valid yet.
    #[error(
        "{path}: the certificate is not valid before {begins}: the old one serves until then. \
         Check the clock of this machine if it should be valid now"
    )]
    Early {
        /// Which file.
        path: PathBuf,
        /// From when on it is.
        begins: String,
    },
    /// The new certificate is not for the host that clients call, and the old one is.
    #[error(
        "{path}: the certificate is for other names than {host}, the host of {setting}: put one \
         for that name in its place, the old one serves until then"
    )]
    OtherName {
        /// Which file.
        path: PathBuf,
        /// The host.
        host: String,
        /// The setting that has it.
        setting: &'static str,
    },
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct UnreadableFileError {
    /// Which file.
    pub path: PathBuf,
    /// What the file system said.
    pub reason: String,
}

impl TlsFileError {
    /// The same in a few words, without the name of a file.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "it cannot be read",
            Self::Permissions(_) => "other users can read its key",
            Self::Invalid { source: CertificateError::KeyMismatch, .. } => {
                "its key is that of another certificate"
            }
            Self::Invalid { .. } => "it is invalid",
            Self::Ended { .. } => "it has ended",
            Self::Early { .. } => "it is not valid yet",
            Self::OtherName { .. } => "it is for another name",
        }
    }
}

/// What the library says beside our own words.
fn cause(error: &CertificateError) -> String {
    let cause = std::error::Error::source(error);
    cause.map(|cause| format!(" ({cause})")).unwrap_or_default()
}
