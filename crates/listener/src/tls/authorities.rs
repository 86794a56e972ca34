//! The authorities by which certificates of clients are verified.

use std::{fmt, sync::Arc};

use rustls::RootCertStore;

use super::{CertificateError, certificate::certificates};

/// The authorities by which certificates of clients are verified: these alone, not the system's.
#[derive(Clone)]
pub struct ClientAuthorities(Arc<RootCertStore>);

impl ClientAuthorities {
    /// Those in the text of a PEM file, one at least.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if there is none, or one that cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(CertificateError::Authority)?;
        }
        Ok(Self(Arc::new(roots)))
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.0)
    }
}

impl PartialEq for ClientAuthorities {
    fn eq(&self, other: &Self) -> bool {
        self.0.roots == other.0.roots
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAuthorities({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_usable_authority_is_refused() {
        let read = |text: &str| ClientAuthorities::from_pem(text.as_bytes()).unwrap_err();
        assert!(matches!(read(""), CertificateError::Empty));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(read(garbage), CertificateError::Authority(_)));
    }
}
