//! Why there is no new certificate.

use std::{io, path::PathBuf};

use listener::CertificateError;

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcmeError {
    /// The authority cannot be reached, or refuses.
    #[error("the authority: {0}")]
    Authority(#[from] instant_acme::Error),
    /// It offers no challenge that is answered here.
    #[error("the authority does not offer the challenge tls-alpn-01")]
    NoChallenge,
    /// It did not find the answer to its challenge.
    #[error(
        "the authority did not find this server by its name: it has to reach port 443 of the host \
         of MCP_RESOURCE, and find this server there"
    )]
    NotValidated,
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
        "{path}: {source}: the server has to be able to write to this folder (TLS_ACME_FOLDER), and \
         no certificate is ordered until it can"
    )]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate is in force that the next start will not have.
    #[error(
        "{path}: {source}: the new certificate is in force and cannot be kept. It is tried again; a \
         start before it succeeds orders another one"
    )]
    NotKept {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
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
