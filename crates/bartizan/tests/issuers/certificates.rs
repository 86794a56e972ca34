//! Tokens that are bound to client certificates, of issuers that are elsewhere.

use auth_core::{CertificateThumbprint, Issuer, VerifyError};
use bartizan::{Authenticate, AuthenticateError, Issuers, Presented, Trust};
use serde_json::json;
use testkit::{NOW, RESOURCE, Reply, TestIssuer};

use super::support::{asking, at_keys, clock, entry, es256, issuers, token};

const OWN: CertificateThumbprint = CertificateThumbprint::from_bytes([7; 32]);
const OTHER: CertificateThumbprint = CertificateThumbprint::from_bytes([8; 32]);

async fn present(
    issuers: &Issuers,
    token: &str,
    certificate: Option<CertificateThumbprint>,
) -> Result<Issuer, VerifyError> {
    let token = token.parse().unwrap();
    let presented = Presented { certificate, ..Presented::bare(&token) };
    match issuers.authenticate(presented).await {
        Ok(principal) => Ok(principal.issuer().clone()),
        Err(AuthenticateError::InvalidToken(error)) => Err(error.fault),
        Err(other) => panic!("{other:?}"),
    }
}

async fn holds(issuers: &Issuers, token: &str) {
    let name = issuers.names().first().unwrap().clone();
    for (certificate, expected) in [
        (Some(OWN), Ok(name.clone())),
        (None, Err(VerifyError::CertificateMissing)),
        (Some(OTHER), Err(VerifyError::OtherCertificate)),
        (Some(OWN), Ok(name)),
    ] {
        assert_eq!(present(issuers, token, certificate).await, expected, "{certificate:?}");
    }
    assert!(issuers.verify(&token.parse().unwrap()).await.is_err(), "without a certificate");
}

#[tokio::test]
async fn a_jwt_that_is_cached_still_needs_its_certificate() {
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[es256()]);
    let issuers = at_keys(&clock(), &issuer);
    let bound = token(&issuer.issuer(), es256());
    let bound = bound.claim("cnf", json!({ "x5t#S256": OWN.to_string() })).sign(es256());
    holds(&issuers, &bound).await;
    assert!(issuers.token_cache_use().hits >= 3);
}

#[tokio::test]
async fn an_answer_that_is_cached_still_needs_the_certificate() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let answer = json!({
        "active": true, "iss": issuer.issuer(), "aud": RESOURCE, "sub": "alice",
        "exp": NOW + 3600, "cnf": { "x5t#S256": OWN.to_string() },
    });
    issuer.serve("/introspect", Reply::json(&answer));
    let trust = Trust::new(entry(&issuer.issuer())).introspection(asking(&clock, &issuer));
    holds(&issuers(&clock, [trust]), "0paque").await;
    assert_eq!(issuer.asked().len(), 1, "it was asked about once");
}
