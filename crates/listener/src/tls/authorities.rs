//! The authorities by which certificates of clients are verified, and what they have revoked.

use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateRevocationListDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{CertificateError, certificate::certificates, provider};

/// The authorities by which certificates of clients are verified: these alone, not the system's.
/// And their revocation lists (RFC 5280 §5): a certificate on the list of its authority is refused.
/// One whose authority has no list is not. A list counts also after its next update was due.
#[derive(Clone)]
pub struct ClientAuthorities {
    roots: Arc<RootCertStore>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    /// Those in the text of a PEM file, one at least, with the revocation lists (`X509 CRL`) in it.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if there is none, or if one or a list cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(CertificateError::Authority)?;
        }
        let roots = Arc::new(roots);
        let revoked: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(pem).collect();
        let revoked = revoked.map_err(|_| CertificateError::Syntax)?;
        // This reads the lists, so that one that is broken is found here and not in a handshake.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .allow_unauthenticated()
            .with_crls(revoked.clone())
            .allow_unknown_revocation_status()
            .build()
            .map_err(CertificateError::RevocationList)?;
        Ok(Self { roots, revoked, verifier })
    }

    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
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

    #[test]
    fn a_revocation_list_that_is_broken_is_refused_when_it_is_read() {
        let made = rcgen::generate_simple_self_signed(["clients".to_owned()]).unwrap();
        let authority = made.cert.pem();
        let broken = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        let read = ClientAuthorities::from_pem(format!("{authority}{broken}").as_bytes());
        let fault = read.unwrap_err();
        assert!(matches!(fault, CertificateError::RevocationList(_)), "{fault}");
        assert!(fault.to_string().contains("X509 CRL"), "{fault}");
        let cut = ClientAuthorities::from_pem(format!("{authority}{}", &broken[..30]).as_bytes());
        assert!(matches!(cut, Err(CertificateError::Syntax)), "{cut:?}");
    }
}
