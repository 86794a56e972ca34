//! Certificates by ACME (RFC 8555), with the challenge `tls-alpn-01` (RFC 8737).
//!
//! 1. Nothing is asked of an authority unless the operator names its directory, and says that its
//!    terms are agreed to.
//! 2. The account's key and the certificate with its key are kept in a folder (mode 0700), in files
//!    for their owner alone. A certificate that is kept is used at the start, whether the authority
//!    can be reached or not.
//! 3. Without one the server listens, and answers nothing but the challenge of the authority.
//! 4. A certificate is renewed after two thirds of its time. A failure is logged, `/readyz` says
//!    so, and it is tried again after a time that doubles, up to six hours. Meanwhile the old
//!    certificate serves.
//! 5. Requests go through the one outbound client of the project, with its rules and bounds.

mod error;
#[cfg(test)]
mod fake;
mod http;
mod job;
mod order;
mod schedule;
mod store;

use std::path::PathBuf;

use bartizan::CertificateAuthorities;

pub(crate) use self::job::AcmeJob;

/// What is asked of which authority.
#[derive(Debug, Clone)]
pub(crate) struct AcmeConfig {
    /// The URL of the authority's directory.
    pub(crate) directory: String,
    /// Where the authority writes to: an address of e-mail.
    pub(crate) contact: Option<String>,
    /// Where account and certificate are kept.
    pub(crate) folder: PathBuf,
    /// The name that the certificate is for.
    pub(crate) name: String,
    /// Authorities to trust besides the system's where the directory is asked.
    pub(crate) authorities: CertificateAuthorities,
}
