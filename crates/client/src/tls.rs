//! What connections to the server use of TLS, and what to say about certificates.

use std::path::PathBuf;

use outbound::{CertificateAuthorities, ClientCertificate};

/// What to do about a certificate of an unknown authority.
pub(crate) const UNKNOWN_AUTHORITY: &str = "if you trust its certificate authority: --ca-file FILE (or CA_FILE) names the authority's PEM file";

/// Whether the cause is an unknown certificate authority.
pub(crate) fn is_unknown_authority(cause: &str) -> bool {
    cause.contains("UnknownIssuer") || cause.contains("CaUsedAsEndEntity")
}

/// What connections use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tls<'a> {
    /// Certificate authorities that are trusted besides the system's.
    pub(crate) authorities: &'a CertificateAuthorities,
    /// The certificate that is presented to the server, if it asks for one.
    pub(crate) certificate: Option<&'a ClientCertificate>,
}

/// The client's own certificate, and where it is.
#[derive(Debug, Clone)]
pub(crate) struct OwnCertificate {
    pub(crate) path: PathBuf,
    pub(crate) certificate: ClientCertificate,
}
