//! Why there is no new certificate.

use std::{io, path::PathBuf};

use auth_core::display::escape;
use listener::CertificateError;

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcmeError {
    /// The authority cannot be reached, or refuses.
    #[error("the authority: {}", shown(&.0.to_string()))]
    Authority(#[from] instant_acme::Error),
    /// It offers no challenge that is answered here.
    #[error(
        "the authority does not offer the challenge tls-alpn-01: use another authority, or a \
         certificate in files (TLS_CERTIFICATE_FILE)"
    )]
    NoChallenge,
    /// It did not find the answer to its challenge, or refuses the name for another reason, which
    /// is escaped.
    #[error(
        "the authority did not validate the name: {0} (it has to reach port 443 of the host of \
         MCP_RESOURCE, and find this server there)"
    )]
    NotValidated(String),
    /// A key or a request for a certificate cannot be made.
    #[error("a request for a certificate cannot be made: {0}")]
    Request(#[from] rcgen::Error),
    /// What the authority issued cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(#[from] CertificateError),
    /// The new certificate should have been renewed already.
    #[error(
        "the new certificate is valid from {begins} to {ends}, so it would have to be renewed at \
         once: check the clock of this machine, and for how long the authority issues certificates"
    )]
    DueAtOnce {
        /// From when on it is valid.
        begins: String,
        /// Until when.
        ends: String,
    },
    /// What the authority issued is for another name.
    #[error(
        "the authority issued a certificate for other names than {0}: use another authority, or a \
         certificate in files (TLS_CERTIFICATE_FILE)"
    )]
    OtherName(String),
    /// Nothing can be kept, so nothing is asked for.
    #[error(
        "{path}: {source}: the server has to be able to write to this folder (TLS_ACME_FOLDER): no \
         certificate is ordered until it can"
    )]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate is in force that the next start will not have.
    #[error(
        "{path}: {source}: the new certificate is in force and cannot be kept. It is tried again; \
         a start before it succeeds orders another one"
    )]
    NotKept {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of an account has none.
    #[error(
        "{0}: this is no account that can be used: remove it, and another account is made at the \
         authority"
    )]
    Account(PathBuf),
    /// The certificate that is kept cannot be used.
    #[error("{path}: {source}")]
    Kept {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl AcmeError {
    /// What became of an attempt that ended so.
    pub(super) const fn summary(&self) -> &'static str {
        match self {
            Self::DueAtOnce { .. } => "A new certificate is in force, and is due already",
            Self::NotKept { .. } => "A new certificate is in force, and could not be kept",
            _ => "No certificate could be ordered",
        }
    }
}

/// How many characters of what an authority says are shown.
const MAX_SHOWN: usize = 1000;

/// What an authority says, on one line.
pub(super) fn shown(text: &str) -> String {
    let end = text.char_indices().nth(MAX_SHOWN).map_or(text.len(), |(end, _)| end);
    escape(text.get(..end).unwrap_or_default()).into_owned()
}
