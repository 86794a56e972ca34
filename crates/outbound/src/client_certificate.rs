//! A certificate that this side presents in TLS handshakes (RFC 8446 §4.4.2), with its private key.
//!
//! It is checked when it is read: a key of another certificate would fail each handshake, and the
//! other side would not say why.

use std::fmt;

use auth_core::CertificateThumbprint;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{ClientBuilder, Identity};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

/// What a private key that is encrypted with a passphrase has in its PEM text: PKCS #8, or the
/// older form of OpenSSL (RFC 1421 §4.6.1.1).
const ENCRYPTED: [&str; 2] = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];

/// A client's certificate with its chain and its key, which belong together.
#[derive(Clone)]
pub struct ClientCertificate {
    identity: Identity,
    thumbprint: CertificateThumbprint,
}

/// Why a client certificate cannot be used. No variant has a byte of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientCertificateError {
    /// Not PEM (RFC 7468).
    #[error("not a PEM file with certificates")]
    Syntax,
    /// No certificate.
    #[error("there is no certificate in it (PEM, `-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// The first certificate cannot be read.
    #[error("the first certificate in it cannot be read")]
    Malformed,
    /// No private key.
    #[error("there is no private key in it (PEM: PKCS #8, PKCS #1 or SEC 1)")]
    NoKey,
    /// The private key is encrypted with a passphrase.
    #[error("the private key is encrypted")]
    Encrypted,
    /// An algorithm or a size that is not supported.
    #[error("the private key cannot be used: it must be an RSA, ECDSA or Ed25519 key")]
    Key,
    /// The key belongs to another certificate.
    #[error("the private key is not that of the first certificate")]
    KeyMismatch,
}

impl ClientCertificateError {
    /// Whether the fault is in the file with the key, not in that with the certificate.
    #[must_use]
    pub const fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::Encrypted | Self::Key | Self::KeyMismatch)
    }
}

impl ClientCertificate {
    /// Reads the texts of two PEM files: the chain, the client's own certificate first, and the
    /// private key, which is not encrypted.
    ///
    /// # Errors
    ///
    /// [`ClientCertificateError`] if one of them cannot be read, or if they do not belong together.
    pub fn from_pem(chain: &[u8], key: &str) -> Result<Self, ClientCertificateError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = read.map_err(|_| ClientCertificateError::Syntax)?;
        let first = chain.first().ok_or(ClientCertificateError::NoCertificate)?;
        ParsedCertificate::try_from(first).map_err(|_| ClientCertificateError::Malformed)?;
        let thumbprint = CertificateThumbprint::of(first);
        if ENCRYPTED.iter().any(|mark| key.contains(mark)) {
            return Err(ClientCertificateError::Encrypted);
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| ClientCertificateError::NoKey)?;
        let loaded = aws_lc_rs::default_provider().key_provider.load_private_key(key.clone_key());
        let loaded = loaded.map_err(|_| ClientCertificateError::Key)?;
        let pair = CertifiedKey::new(chain, loaded);
        pair.keys_match().map_err(|_| ClientCertificateError::KeyMismatch)?;
        let identity = identity(&pair.cert, &key).ok_or(ClientCertificateError::Key)?;
        Ok(Self { identity, thumbprint })
    }

    /// What tokens that are bound to it name (RFC 8705 §3.1).
    #[must_use]
    pub const fn thumbprint(&self) -> CertificateThumbprint {
        self.thumbprint
    }

    pub(crate) fn presented_by(&self, builder: ClientBuilder) -> ClientBuilder {
        builder.identity(self.identity.clone())
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.thumbprint)
    }
}

/// The HTTP library takes PEM alone, and refuses sections that files may have besides.
fn identity(chain: &[CertificateDer<'_>], key: &PrivateKeyDer<'_>) -> Option<Identity> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let chain = chain.iter().map(|one| section("CERTIFICATE", one));
    let pem: String = chain.chain([section(label, key.secret_der())]).collect();
    Identity::from_pem(pem.as_bytes()).ok()
}

/// A section of a PEM file. Readers need no line breaks in it.
fn section(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey as Made, generate_simple_self_signed};

    use super::*;

    fn made() -> (String, String) {
        let Made { cert, signing_key } = generate_simple_self_signed(["me".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn fault(chain: &str, key: &str) -> ClientCertificateError {
        ClientCertificate::from_pem(chain.as_bytes(), key).unwrap_err()
    }

    #[test]
    fn a_certificate_and_its_key_may_be_in_one_file_and_no_byte_of_the_key_is_shown() {
        let (chain, key) = made();
        let both = format!("{key}{chain}");
        let (one, two) = (
            ClientCertificate::from_pem(both.as_bytes(), &both).unwrap(),
            ClientCertificate::from_pem(chain.as_bytes(), &key).unwrap(),
        );
        assert_eq!(one.thumbprint(), two.thumbprint());
        let der = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        assert_eq!(one.thumbprint(), CertificateThumbprint::of(&der));
        assert_eq!(format!("{one:?}"), format!("ClientCertificate({})", one.thumbprint()));
    }

    #[test]
    fn files_that_are_empty_or_do_not_belong_together_are_refused() {
        let ((chain, key), (_, other_key)) = (made(), made());
        let of = |label: &str| section(label, &[0, 1, 2]);
        assert_eq!(fault("", &key), ClientCertificateError::NoCertificate);
        assert_eq!(fault(&key, &key), ClientCertificateError::NoCertificate);
        assert_eq!(fault(&chain[..100], &key), ClientCertificateError::Syntax);
        assert_eq!(fault(&of("CERTIFICATE"), &key), ClientCertificateError::Malformed);
        assert_eq!(fault(&chain, &chain), ClientCertificateError::NoKey);
        assert_eq!(fault(&chain, &of("PRIVATE KEY")), ClientCertificateError::Key);
        assert_eq!(fault(&chain, &other_key), ClientCertificateError::KeyMismatch);
        let encrypted = of("ENCRYPTED PRIVATE KEY");
        assert_eq!(fault(&chain, &encrypted), ClientCertificateError::Encrypted);
        let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n";
        assert_eq!(fault(&chain, older), ClientCertificateError::Encrypted);
    }
}
