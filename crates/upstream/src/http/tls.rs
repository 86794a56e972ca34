//! Whose certificates are accepted: those that the system's authorities have signed, and those of
//! the operator's file. The same library, provider and verifier as in `outbound`.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// The authorities that servers' certificates are verified by. A clone shares what was read: the
/// system's are read once, at the first `https` URL.
#[derive(Clone, Default)]
pub struct TlsRoots(Arc<Inner>);

#[derive(Default)]
struct Inner {
    extra: Vec<CertificateDer<'static>>,
    config: OnceLock<ClientConfig>,
}

/// Why there are no authorities.
#[derive(Debug, thiserror::Error)]
pub enum TlsRootsError {
    /// Not PEM (RFC 7468).
    #[error("not a PEM file with certificates")]
    Syntax,
    /// A PEM file without a certificate.
    #[error("there is no certificate in it (PEM)")]
    Empty,
    /// The system's authorities or those of the file cannot be used.
    #[error("the certificate authorities cannot be used")]
    Setup(#[source] rustls::Error),
}

impl TlsRoots {
    /// The system's authorities.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The system's authorities, and those in the text of a PEM file.
    pub fn with_pem(pem: &[u8]) -> Result<Self, TlsRootsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let extra = read.map_err(|_| TlsRootsError::Syntax)?;
        if extra.is_empty() {
            return Err(TlsRootsError::Empty);
        }
        Ok(Self(Arc::new(Inner { extra, config: OnceLock::new() })))
    }

    /// How connections to `https` URLs are made.
    pub(super) fn config(&self) -> Result<ClientConfig, TlsRootsError> {
        if let Some(config) = self.0.config.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            Verifier::new_with_extra_roots(self.0.extra.iter().cloned(), Arc::clone(&provider))
                .map_err(TlsRootsError::Setup)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsRootsError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(self.0.config.get_or_init(|| config).clone())
    }

    /// How no `https` connection can be made: no certificate is accepted. For `http` URLs, which
    /// need no authorities.
    pub(super) fn none() -> Result<ClientConfig, TlsRootsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsRootsError::Setup)?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Ok(config)
    }
}

impl fmt::Debug for TlsRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsRoots(the system's and {})", self.0.extra.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_an_error() {
        for text in ["", "nothing", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
        {
            let fault = TlsRoots::with_pem(text.as_bytes()).unwrap_err();
            assert!(matches!(fault, TlsRootsError::Empty), "{text}");
        }
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(TlsRoots::with_pem(cut.as_bytes()), Err(TlsRootsError::Syntax)));
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_an_error() {
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let roots = TlsRoots::with_pem(garbage.as_bytes()).unwrap();
        assert!(matches!(roots.config(), Err(TlsRootsError::Setup(_))));
    }
}
