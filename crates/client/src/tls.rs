//! Certificate authorities that are trusted besides the system's.
//!
//! Whoever names one can pretend to be any server, so it is named on the command line or in the process's
//! environment, never in a `.env` file.

use std::{fmt, fs, io, path::Path};

use reqwest::{Certificate, ClientBuilder};

/// What to do about a certificate of an authority that nobody knows.
pub(crate) const UNKNOWN_AUTHORITY: &str = "if you trust its certificate authority: --ca-file FILE (or CA_FILE) names the authority's PEM file";

/// Certificate authorities.
#[derive(Clone, Default)]
pub(crate) struct Authorities(Vec<Certificate>);

impl Authorities {
    /// The certificates in a PEM file.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let invalid = |words: String| io::Error::new(io::ErrorKind::InvalidData, words);
        let certificates = Certificate::from_pem_bundle(&fs::read(path)?);
        let certificates = certificates.map_err(|error| invalid(error.to_string()))?;
        if certificates.is_empty() {
            return Err(invalid("there is no certificate in it (PEM)".to_owned()));
        }
        Ok(Self(certificates))
    }

    /// A client that trusts them, too.
    pub(crate) fn trusted_by(&self, builder: ClientBuilder) -> ClientBuilder {
        if self.0.is_empty() { builder } else { builder.tls_certs_merge(self.0.clone()) }
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} authorities", self.0.len())
    }
}

/// Whether the cause of a fault is that nobody knows the certificate's authority.
pub(crate) fn is_unknown_authority(cause: &str) -> bool {
    cause.contains("UnknownIssuer") || cause.contains("CaUsedAsEndEntity")
}

/// Whether the cause of a fault is that the other side does not speak TLS.
pub(crate) fn is_plain_text(cause: &str) -> bool {
    cause.contains("InvalidContentType") || cause.contains("wrong version number")
}
