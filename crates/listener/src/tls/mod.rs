//! TLS on a listening socket: certificates that can be replaced, and client certificates.
//!
//! 1. A handshake has a time ([`Limits::handshake_timeout`](crate::Limits)), and takes place in the
//!    task of its connection, which is counted like any other.
//! 2. TLS 1.3 and 1.2. HTTP/2 and HTTP/1.1 are negotiated by ALPN (RFC 7301); without ALPN it is
//!    HTTP/1.1. In the reserve it is HTTP/1.1.
//! 3. A new certificate is in force for every handshake that begins later. Connections stay as they
//!    are.
//! 4. Where client certificates are accepted, they are optional: a handshake without one succeeds,
//!    one with a certificate that is not valid fails. Sessions are resumed within the same
//!    configuration alone, so that no session outlives the authorities that its client was verified
//!    by.
//! 5. A handshake that asks for `acme-tls/1` alone (RFC 8737) gets the certificate of a challenge,
//!    and ends after it.
//!
//! The process-wide cryptographic provider is neither read nor installed.

mod accept;
mod authorities;
mod certificate;
mod error;
mod revocation;
mod validity;

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::{CertifiedKey, SingleCertAndKey},
};

pub(crate) use self::accept::accept;
pub use self::{
    authorities::ClientAuthorities,
    certificate::{Certificate, ChallengeCertificate},
    error::CertificateError,
    validity::Validity,
};
use crate::kind::Kind;

/// The protocol of the challenge by which an authority verifies that a name is served here
/// (RFC 8737 §4).
pub(crate) const CHALLENGE_PROTOCOL: &[u8] = b"acme-tls/1";
const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// How TLS is spoken on a socket. Clones share it, so that one can replace the certificate.
#[derive(Clone, Default)]
pub struct Tls(Arc<Current>);

#[derive(Default)]
struct Current {
    configs: ArcSwapOption<Configs>,
    challenge: ArcSwapOption<ServerConfig>,
}

/// The same certificate for both kinds of connections.
struct Configs {
    ordinary: Arc<ServerConfig>,
    reserve: Arc<ServerConfig>,
}

impl Tls {
    /// TLS without a certificate: each handshake fails, except that of a challenge.
    #[must_use]
    pub fn without_certificate() -> Self {
        Self::default()
    }

    /// Uses `certificate` from now on. Clients may present a certificate if there are
    /// `authorities`, which it must be signed by.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Setup`] if TLS cannot be set up, whatever the certificate.
    pub fn replace(
        &self,
        certificate: &Certificate,
        authorities: Option<&ClientAuthorities>,
    ) -> Result<(), CertificateError> {
        let mut ordinary = config(certificate.certified_key(), authorities)?;
        let mut reserve = ordinary.clone();
        ordinary.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        reserve.alpn_protocols = vec![HTTP1.to_vec()];
        let (ordinary, reserve) = (Arc::new(ordinary), Arc::new(reserve));
        self.0.configs.store(Some(Arc::new(Configs { ordinary, reserve })));
        Ok(())
    }

    /// Answers the challenge of an authority with `certificate`, or no longer.
    ///
    /// # Errors
    ///
    /// As for [`replace`](Self::replace).
    pub fn answer_challenge(
        &self,
        certificate: Option<&ChallengeCertificate>,
    ) -> Result<(), CertificateError> {
        let answer = certificate.map(|certificate| {
            let mut answer = config(certificate.certified_key(), None)?;
            answer.alpn_protocols = vec![CHALLENGE_PROTOCOL.to_vec()];
            Ok::<_, CertificateError>(Arc::new(answer))
        });
        self.0.challenge.store(answer.transpose()?);
        Ok(())
    }

    /// The configuration for a handshake.
    fn current(&self, kind: Kind) -> Option<Arc<ServerConfig>> {
        let configs = self.0.configs.load();
        configs.as_ref().map(|configs| match kind {
            Kind::Ordinary => Arc::clone(&configs.ordinary),
            Kind::Reserve => Arc::clone(&configs.reserve),
        })
    }

    fn challenge(&self) -> Option<Arc<ServerConfig>> {
        self.0.challenge.load_full()
    }
}

/// What it answers with, without the configurations.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("has_certificate", &self.0.configs.load().is_some())
            .field("answers_challenge", &self.0.challenge.load().is_some())
            .finish()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn config(
    certificate: Arc<CertifiedKey>,
    authorities: Option<&ClientAuthorities>,
) -> Result<ServerConfig, CertificateError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(CertificateError::Setup)?;
    let builder = match authorities {
        Some(authorities) => builder.with_client_cert_verifier(authorities.verifier()),
        None => builder.with_no_client_auth(),
    };
    let resolver = SingleCertAndKey::from(certificate);
    Ok(builder.with_cert_resolver(Arc::new(resolver)))
}
