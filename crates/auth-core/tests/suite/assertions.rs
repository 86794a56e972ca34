//! Assertions, as they arrive at the token endpoint: nothing but what a key of their issuer signed
//! is verified.

use auth_core::{
    Algorithm, IssuerKeys, KeyLookupError, KeySet, ParseTokenError,
    oauth::{
        AccessTokenRequest, AssertionError, CLIENT_ASSERTION_TYPE, ClientCredential, Form, Grant,
        PresentedClient, VerifiedAssertion, encode,
    },
};
use serde_json::Value;
use testkit::{Forge, TestKey};

const ISSUER: &str = "https://idp.example";

fn keys(issuer: &str, keys: &[&TestKey]) -> IssuerKeys {
    let keys: KeySet = keys.iter().map(|key| key.verifying()).collect();
    IssuerKeys::new(issuer.parse().unwrap(), keys)
}

fn forge(key: &TestKey) -> Forge {
    Forge::valid(key).header("typ", "JWT").claim("iss", ISSUER)
}

/// As a grant, and as the credential of a client: both are verified alike.
fn verify(text: &str, keys: &IssuerKeys) -> Result<VerifiedAssertion, AssertionError> {
    let grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let form = encode([("grant_type", grant_type), ("assertion", text)]);
    let request = AccessTokenRequest::parse(&Form::parse(form.as_bytes()).unwrap()).unwrap();
    let Grant::JwtBearer { assertion, .. } = request.grant() else { panic!("not the grant") };
    let verified = assertion.unverified().and_then(|assertion| assertion.verify(keys));

    let form =
        encode([("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", text)]);
    let client = PresentedClient::parse([], &Form::parse(form.as_bytes()).unwrap()).unwrap();
    let ClientCredential::Assertion(assertion) = client.credential() else {
        panic!("no assertion")
    };
    let of_client = assertion.unverified().and_then(|assertion| assertion.verify(keys));
    assert_eq!(of_client.err(), verified.as_ref().err().copied());
    verified
}

#[test]
fn what_a_key_of_the_issuer_signed_is_verified() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = TestKey::shared(algorithm);
        let text = forge(key).claim("azp", Value::Null).sign(key);
        let verified = verify(&text, &keys(ISSUER, &[key])).unwrap();
        assert_eq!(verified.issuer().as_str(), ISSUER);
        let claims = verified.user_claims(&"u".parse().unwrap());
        assert_eq!(claims.display_name(), Some("User Userson"));
    }
}

#[test]
fn another_key_or_issuer_verifies_nothing() {
    use AssertionError::{Claim, Key, Mismatch, Signature};
    let (key, other) = (TestKey::shared(Algorithm::Es256), TestKey::generate(Algorithm::Es256));
    let id = key.signing().id().unwrap().as_str().to_owned();
    let good = forge(key);
    let own = keys(ISSUER, &[key]);
    let refused = |text: &str| verify(text, &own).unwrap_err();
    assert_eq!(refused(&forge(&other).sign(&other)), Key(KeyLookupError::UnknownKey));
    assert_eq!(refused(&good.clone().header("kid", id).sign(&other)), Signature);
    let foreign = good.clone().claim("iss", "https://other.example");
    assert_eq!(refused(&foreign.sign(key)), Mismatch("iss"));
    assert_eq!(refused(&good.clone().without_claim("iss").sign(key)), Claim("iss"));
    let others = keys("https://other.example", &[key]);
    assert_eq!(verify(&good.sign(key), &others).unwrap_err(), Mismatch("iss"));
    let two = keys(ISSUER, &[key, &other]);
    let nameless = good.without_header("kid").sign(key);
    assert_eq!(verify(&nameless, &two).unwrap_err(), Key(KeyLookupError::Ambiguous));
    assert!(verify(&nameless, &own).is_ok());
    assert!(refused(&forge(&other).sign(&other)).may_need_newer_keys());
    assert!(!refused(&foreign.sign(key)).may_need_newer_keys());
}

#[test]
fn no_algorithm_but_that_of_the_key_is_accepted() {
    use AssertionError::{Algorithm as Refused, Form, Key};
    let (key, secret) = (TestKey::shared(Algorithm::Es256), TestKey::shared(Algorithm::Hs256));
    let own = keys(ISSUER, &[key]);
    for none in ["none", "None", "HS512", "ES512"] {
        let text = forge(key).header("alg", none).sign(key);
        assert_eq!(verify(&text, &own).unwrap_err(), Form(ParseTokenError::Algorithm), "{none}");
    }
    // The public key's text as the secret of an HMAC, and a real secret among the keys.
    let public = key.public_pem().unwrap();
    let hmac = |message: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
        aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    };
    let confused = forge(key).header("alg", "HS256").sign_with(hmac);
    assert_eq!(verify(&confused, &own).unwrap_err(), Refused);
    let text = forge(secret).sign(secret);
    assert_eq!(verify(&text, &keys(ISSUER, &[secret])).unwrap_err(), Refused);
    let mismatch = forge(key).header("alg", "RS256").sign(key);
    assert_eq!(verify(&mismatch, &own).unwrap_err(), Key(KeyLookupError::AlgorithmMismatch));
    for member in ["jwk", "jku", "x5c", "x5u"] {
        let text = forge(key).header(member, "https://evil.example").sign(key);
        assert_eq!(verify(&text, &own).unwrap_err(), Form(ParseTokenError::ForeignKey));
    }
}
