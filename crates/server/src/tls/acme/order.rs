//! One order: from the name to the certificate (RFC 8555 §7.4).

use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use listener::{Certificate, ChallengeCertificate, Tls};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::error::{AcmeError, shown};

/// How long an authority may take for its challenge, and for the certificate.
const PATIENCE: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(500)).timeout(Duration::from_mins(2));

/// A certificate with its chain, and its key: both PEM.
pub(super) struct Issued {
    pub(super) chain: String,
    pub(super) key: Zeroizing<String>,
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

/// Orders a certificate for `name`. `tls` answers the challenge, until this ends or is given up.
pub(super) async fn order(account: &Account, name: &str, tls: &Tls) -> Result<Issued, AcmeError> {
    let _answers = Answers(tls);
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
    let polled = order.poll_ready(&PATIENCE).await;
    if order.state().status == OrderStatus::Invalid {
        return Err(AcmeError::NotValidated(reason(&mut order).await));
    }
    polled?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    order.finalize_csr(params.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(Issued { chain, key: Zeroizing::new(key.serialize_pem()) })
}

/// The end of the answers to challenges.
struct Answers<'a>(&'a Tls);

impl Drop for Answers<'_> {
    fn drop(&mut self) {
        // To take an answer away needs nothing that could fail.
        let _ = self.0.answer_challenge(None);
    }
}

/// Why the authority did not validate a name: what it says of the challenge (RFC 8555 §8.2), or of
/// the order.
async fn reason(order: &mut Order) -> String {
    let mut found = None;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let Ok(mut authorization) = authorization else { break };
        let Ok(state) = authorization.refresh().await else { break };
        found = found.or(state.challenges.iter().find_map(|challenge| challenge.error.clone()));
    }
    let found = found.or_else(|| order.state().error.clone());
    let detail = found.and_then(|problem| problem.detail.or(problem.r#type));
    detail.map_or_else(|| "it gives no reason".to_owned(), |detail| shown(&detail))
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

#[cfg(test)]
mod tests {
    use bartizan::CertificateAuthorities;
    use instant_acme::NewAccount;

    use super::{
        super::{
            fake::{Authority, Outcome},
            http::Client,
        },
        *,
    };

    async fn account(authority: &Authority) -> Account {
        let client = Client::new(CertificateAuthorities::default()).unwrap();
        let new =
            NewAccount { contact: &[], terms_of_service_agreed: true, only_return_existing: false };
        let builder = Account::builder_with_http(Box::new(client));
        builder.create(&new, authority.directory(), None).await.unwrap().0
    }

    async fn refused(outcome: Outcome) -> AcmeError {
        let (authority, tls) = (Authority::start(outcome).await, Tls::without_certificate());
        let ordered = order(&account(&authority).await, "mcp.example", &tls).await;
        assert!(format!("{tls:?}").contains("answers_challenge: false"), "{tls:?}");
        ordered.map(|_| ()).unwrap_err()
    }

    #[tokio::test]
    async fn why_a_name_is_not_validated_is_what_the_authority_says_without_its_controls() {
        let said = "Connection refused\u{1b}[2J by 192.0.2.7";
        for outcome in [Outcome::RefusesChallenge(said), Outcome::RefusesOrder(said)] {
            let fault = refused(outcome).await;
            assert!(matches!(fault, AcmeError::NotValidated(_)), "{fault}");
            let text = fault.to_string();
            assert!(text.contains("Connection refused\\u{1b}[2J by 192.0.2.7"), "{text}");
            assert!(text.contains("port 443"), "{text}");
        }
    }

    #[tokio::test]
    async fn what_an_authority_says_beside_an_order_is_escaped() {
        let fault = refused(Outcome::RefusesRequest("too many\u{202e} orders")).await.to_string();
        assert!(fault.contains("too many\\u{202e} orders"), "{fault}");
    }

    #[tokio::test]
    async fn an_authority_without_this_challenge_is_said() {
        let fault = refused(Outcome::OtherChallenge).await;
        assert!(matches!(fault, AcmeError::NoChallenge), "{fault}");
    }

    #[tokio::test]
    async fn an_order_that_is_given_up_leaves_no_answer_to_its_challenge() {
        let (authority, tls) =
            (Authority::start(Outcome::NeverReady).await, Tls::without_certificate());
        let account = account(&authority).await;
        let answers = || format!("{tls:?}").contains("answers_challenge: true");
        let answered = async {
            while !(answers() && authority.was_asked("/challenge")) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ordered = order(&account, "mcp.example", &tls) => panic!("{:?}", ordered.err()),
            () = answered => {}
        }
        assert!(!answers());
    }
}
