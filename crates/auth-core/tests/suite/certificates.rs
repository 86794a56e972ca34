//! Tokens that are bound to client certificates (RFC 8705 §3).

use auth_core::{
    Algorithm, CertificateThumbprint, Claims, IntrospectionResponse, Trace, UnverifiedToken,
    VerifyError,
};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};

use crate::support::{judge, secs, token, trusted, verifier};

const OWN: CertificateThumbprint = CertificateThumbprint::from_bytes([7; 32]);
const OTHER: CertificateThumbprint = CertificateThumbprint::from_bytes([8; 32]);

/// What becomes of a token with this `cnf` that is presented with `certificate`: as a JWT, and as
/// its issuer's answer, which must be the same.
fn verdict(
    confirmation: &Value,
    certificate: Option<CertificateThumbprint>,
) -> Result<Claims, VerifyError> {
    let key = TestKey::shared(Algorithm::Hs256);
    let text = token(&Forge::valid(key).claim("cnf", confirmation.clone()).sign(key));
    let parsed = UnverifiedToken::parse(&text).unwrap().presented_with(certificate);
    let verifier = verifier(trusted(key));
    let signed = verifier.verify_parsed(&parsed, None, secs(NOW), None);
    let answer = json!({
        "active": true, "aud": RESOURCE, "sub": "alice", "exp": NOW + 60, "cnf": confirmation,
    });
    let answer = IntrospectionResponse::parse(answer.to_string().as_bytes()).unwrap();
    let issuer = ISSUER.parse().unwrap();
    let asked = verifier.verify_introspected(&issuer, &answer, certificate, secs(NOW), None);
    assert_eq!(asked.as_ref().err(), signed.as_ref().err());
    signed
}

#[test]
fn a_bound_token_is_good_with_its_certificate_alone() {
    let bound = json!({ "x5t#S256": OWN.to_string() });
    let claims = verdict(&bound, Some(OWN)).unwrap();
    assert_eq!(claims.certificate(), Some(OWN));
    assert_eq!(verdict(&bound, Some(OTHER)), Err(VerifyError::OtherCertificate));
    assert_eq!(verdict(&bound, None), Err(VerifyError::CertificateMissing));
    // What was verified once is not good with another certificate later.
    assert_eq!(claims.check_certificate(Some(OWN)), Ok(()));
    assert_eq!(claims.check_certificate(Some(OTHER)), Err(VerifyError::OtherCertificate));
    assert_eq!(claims.check_certificate(None), Err(VerifyError::CertificateMissing));
}

#[test]
fn a_bearer_token_is_good_with_any_certificate() {
    let claims = verdict(&Value::Null, Some(OWN)).unwrap();
    assert_eq!(claims.certificate(), None);
    for presented in [None, Some(OWN), Some(OTHER)] {
        assert_eq!(claims.check_certificate(presented), Ok(()));
    }
}

#[test]
fn every_other_binding_is_refused_also_with_the_certificate() {
    let own = OWN.to_string();
    for confirmation in [
        json!({}),
        json!({ "jkt": own }),
        json!({ "x5t": own }),
        json!({ "x5t#s256": own }),
        json!({ "x5t#S256": own, "jkt": own }),
        json!({ "jkt": own, "x5t#S256": own }),
        json!({ "x5t#S256": own, "x5t#S256 ": null }),
        json!({ "x5t#S256": null }),
        json!({ "x5t#S256": [own] }),
        json!({ "x5t#S256": format!("{own}=") }),
        json!({ "x5t#S256": own[..42] }),
        json!({ "x5t#S256": "" }),
        json!([{ "x5t#S256": own }]),
        json!(own),
        json!(true),
    ] {
        let verdict = verdict(&confirmation, Some(OWN));
        assert_eq!(verdict, Err(VerifyError::SenderConstrained), "{confirmation}");
    }
}

#[test]
fn who_verifies_without_a_certificate_accepts_no_bound_token() {
    let key = TestKey::shared(Algorithm::Hs256);
    let bound = json!({ "x5t#S256": OWN.to_string() });
    let text = Forge::valid(key).claim("cnf", bound).sign(key);
    let refused = judge(&verifier(trusted(key)), &text, NOW);
    assert_eq!(refused, Err(VerifyError::CertificateMissing));
}

#[test]
fn a_trace_names_both_certificates() {
    let key = TestKey::shared(Algorithm::Hs256);
    let bound = json!({ "x5t#S256": OWN.to_string() });
    let text = token(&Forge::valid(key).claim("cnf", bound).sign(key));
    let parsed = UnverifiedToken::parse(&text).unwrap().presented_with(Some(OTHER));
    let mut trace = Trace::default();
    let verifier = verifier(trusted(key));
    let verdict = verifier.verify_parsed(&parsed, None, secs(NOW), Some(&mut trace));
    let steps = trace.steps(&verdict.map_err(|fault| fault.to_string()));
    let last = steps.iter().find(|step| step.name == "cnf").unwrap();
    assert!(last.expected.contains(&OTHER.to_string()), "{}", last.expected);
    assert!(last.found.contains(&OWN.to_string()), "{}", last.found);
}
