//! Private certificate authorities, trusted besides those of the system.
//!
//! The one parser of such files (`CA_FILE`, `--ca-file`); the caller reads them. `SSL_CERT_FILE`
//! replaces the system's authorities and is read by the TLS library. A file without a certificate
//! is an error: otherwise a wrong path would look like a certificate that is not trusted.

use std::{fmt, io};

use reqwest::{Certificate, ClientBuilder};

/// Certificate authorities that are trusted besides the system's.
#[derive(Clone, Default)]
pub struct CertificateAuthorities(Vec<Certificate>);

/// Why there are no certificate authorities in a file.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Not PEM, or a certificate that cannot be read.
    #[error("not a PEM file with certificates")]
    Syntax,
    /// A PEM file without a certificate.
    #[error("there is no certificate in it (PEM)")]
    Empty,
}

impl CertificateAuthorities {
    /// The certificates in the text of a PEM file (RFC 7468 §5).
    pub fn from_pem(pem: &[u8]) -> Result<Self, AuthoritiesError> {
        let found = Certificate::from_pem_bundle(pem).map_err(|_| AuthoritiesError::Syntax)?;
        if found.is_empty() { Err(AuthoritiesError::Empty) } else { Ok(Self(found)) }
    }

    /// Whether there are none besides the system's.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn trusted_by(&self, builder: ClientBuilder) -> ClientBuilder {
        if self.0.is_empty() { builder } else { builder.tls_certs_merge(self.0.clone()) }
    }
}

impl fmt::Debug for CertificateAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateAuthorities({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_an_error() {
        for text in ["", "nothing", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
        {
            let fault = CertificateAuthorities::from_pem(text.as_bytes()).unwrap_err();
            assert!(matches!(fault, AuthoritiesError::Empty), "{text}");
        }
    }
}
