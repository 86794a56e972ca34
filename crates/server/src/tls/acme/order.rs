//! One order: from the name to the certificate (RFC 8555 §7.4).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, OrderStatus, RetryPolicy,
};
use listener::{Certificate, ChallengeCertificate, Tls};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::PrivateKeyDer;

use super::error::AcmeError;

/// How long an authority may take for its challenge, and for the certificate.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_mins(2));

/// A certificate with its chain, and its key: both PEM.
pub(super) struct Issued {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Issued {
    /// The certificate, once it is found to be good for `name`.
    pub(super) fn certificate(&self, name: &str) -> Result<Certificate, AcmeError> {
        let certificate = Certificate::from_pem(self.chain.as_bytes(), self.key.as_bytes())?;
        if certificate.is_for(name) {
            Ok(certificate)
        } else {
            Err(AcmeError::OtherName(name.to_owned()))
        }
    }
}

/// Orders a certificate for `name`. `tls` answers the challenge.
pub(super) async fn order(account: &Account, name: &str, tls: &Tls) -> Result<Issued, AcmeError> {
    let ordered = validated(account, name, tls).await;
    tls.answer_challenge(None)?;
    ordered
}

async fn validated(account: &Account, name: &str, tls: &Tls) -> Result<Issued, AcmeError> {
    let names = [Identifier::Dns(name.to_owned())];
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let mut challenge =
            authorization.challenge(ChallengeType::TlsAlpn01).ok_or(AcmeError::NoChallenge)?;
        let digest = challenge.key_authorization().digest();
        tls.answer_challenge(Some(&answer(name, digest.as_ref())?))?;
        challenge.set_ready().await?;
    }
    if order.poll_ready(&PATIENCE).await? != OrderStatus::Ready {
        return Err(AcmeError::NotValidated);
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(Issued { chain, key: key.serialize_pem() })
}

/// The certificate that answers a challenge (RFC 8737 §3).
fn answer(name: &str, digest: &[u8]) -> Result<ChallengeCertificate, AcmeError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok(ChallengeCertificate::new(certificate.der().clone(), key)?)
}
