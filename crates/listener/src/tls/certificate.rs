//! The certificate of a server, with its chain and its key.

use std::{fmt, sync::Arc};

use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

use super::{CertificateError, Validity, provider, validity};

/// A certificate with its chain and its key, which belong together.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    validity: Validity,
}

impl Certificate {
    /// Reads the texts of two PEM files: the chain, the server's own certificate first, and the
    /// private key.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if one of them cannot be read, or if they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
        Self::new(certificates(chain)?, key)
    }

    /// The same of a chain and a key in DER.
    ///
    /// # Errors
    ///
    /// As for [`from_pem`](Self::from_pem).
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let first = chain.first().ok_or(CertificateError::Empty)?;
        ParsedCertificate::try_from(first).map_err(|_| CertificateError::Malformed)?;
        let validity = validity::read(first).ok_or(CertificateError::Malformed)?;
        let key = provider().key_provider.load_private_key(key).map_err(CertificateError::Key)?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|_| CertificateError::KeyMismatch)?;
        Ok(Self { key: Arc::new(key), validity })
    }

    /// From when until when it is valid.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether it is for `host`: a DNS name, or an IP address without brackets.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let (Ok(name), Ok(own)) = (ServerName::try_from(host), self.key.end_entity_cert()) else {
            return false;
        };
        ParsedCertificate::try_from(own).is_ok_and(|own| verify_server_name(&own, &name).is_ok())
    }

    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }
}

/// The certificate that answers the challenge of an authority (RFC 8737 §3), with its key. The
/// authority alone looks at it, so nothing of it is checked here.
#[derive(Clone)]
pub struct ChallengeCertificate(Arc<CertifiedKey>);

impl ChallengeCertificate {
    /// A certificate and its key in DER.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Key`] if the key cannot be used.
    pub fn new(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let key = provider().key_provider.load_private_key(key).map_err(CertificateError::Key)?;
        Ok(Self(Arc::new(CertifiedKey::new(vec![certificate], key))))
    }

    pub(super) fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for ChallengeCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChallengeCertificate(..)")
    }
}

/// The same chain.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("validity", &self.validity).finish_non_exhaustive()
    }
}

/// The certificates in the text of a PEM file, one at least.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = read.map_err(|_| CertificateError::Syntax)?;
    if found.is_empty() { Err(CertificateError::Empty) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn made(host: &str) -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([host.to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn fault(chain: &str, key: &str) -> CertificateError {
        Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_certificate_and_its_key_are_read_and_are_for_its_names() {
        let (chain, key) = made("mcp.example");
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(certificate.is_for("mcp.example"));
        assert!(!certificate.is_for("other.example") && !certificate.is_for("no name"));
        let printed = format!("{certificate:?}");
        assert!(printed.contains("not_after") && printed.len() < 150, "{printed}");
        let (chain, key) = made("127.0.0.1");
        let of_ip = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert!(of_ip.is_for("127.0.0.1") && of_ip != certificate);
    }

    #[test]
    fn files_that_are_empty_or_do_not_belong_together_are_refused() {
        let ((chain, key), (other, other_key)) = (made("mcp.example"), made("other.example"));
        assert!(matches!(fault("", &key), CertificateError::Empty));
        assert!(matches!(fault(&key, &key), CertificateError::Empty));
        let cut = &chain[..100];
        assert!(matches!(fault(cut, &key), CertificateError::Syntax));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(fault(garbage, &key), CertificateError::Malformed));
        assert!(matches!(fault(&chain, ""), CertificateError::NoKey));
        assert!(matches!(fault(&chain, &chain), CertificateError::NoKey));
        let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(fault(&chain, garbage), CertificateError::Key(_)));
        assert!(matches!(fault(&chain, &other_key), CertificateError::KeyMismatch));
        let wrong_order = format!("{other}{chain}");
        assert!(matches!(fault(&wrong_order, &key), CertificateError::KeyMismatch));
    }
}
