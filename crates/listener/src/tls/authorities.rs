//! The authorities by which certificates of clients are verified, and what they have revoked.

use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateRevocationListDer, pem::PemObject},
};

use super::{CertificateError, certificate::certificates};

/// The authorities by which certificates of clients are verified: these alone, not the system's.
/// And their revocation lists (RFC 5280 §5): a certificate on the list of its authority is refused.
/// One whose authority has no list is not. A list counts also after its next update was due.
#[derive(Clone)]
pub struct ClientAuthorities {
    roots: Arc<RootCertStore>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
}

impl ClientAuthorities {
    /// Those in the text of a PEM file, one at least, with the revocation lists (`X509 CRL`) in it.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if there is none, or one that cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(CertificateError::Authority)?;
        }
        let revoked = CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<_, _>>();
        let revoked = revoked.map_err(|_| CertificateError::Syntax)?;
        Ok(Self { roots: Arc::new(roots), revoked })
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }

    pub(super) fn revoked(&self) -> Vec<CertificateRevocationListDer<'static>> {
        self.revoked.clone()
    }
}

impl PartialEq for ClientAuthorities {
    fn eq(&self, other: &Self) -> bool {
        self.roots.roots == other.roots.roots && self.revoked == other.revoked
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAuthorities({}, {} lists)", self.roots.len(), self.revoked.len())
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
