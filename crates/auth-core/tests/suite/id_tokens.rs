//! The negative matrix of ID tokens (OpenID Connect Core §3.1.3.7), and what is accepted.

use auth_core::{
    Algorithm, KeyLookupError, KeySet, Leeway, NumericDate, ParseTokenError,
    openid::{ExpectedIdToken, IdTokenError, MAX_ID_TOKEN_BYTES, UserClaims, verify_id_token},
};
use serde_json::{Value, json};
use testkit::{Forge, NOW, TestKey};

const PROVIDER: &str = "https://idp.example/realms/a";
const CLIENT: &str = "bartizan";
const NONCE: &str = "nonce-of-this-sign-in";

/// An ID token that is accepted.
fn good(key: &TestKey) -> Forge {
    let mut token = Forge::valid(key).header("typ", "JWT");
    token.claims.clear();
    for (name, value) in [
        ("iss", json!(PROVIDER)),
        ("sub", json!("248289761001")),
        ("aud", json!(CLIENT)),
        ("exp", json!(NOW + 300)),
        ("iat", json!(NOW)),
        ("nonce", json!(NONCE)),
        ("name", json!("Alice")),
        ("email", json!("alice@example.com")),
        ("email_verified", json!(true)),
    ] {
        token = token.claim(name, value);
    }
    token
}

fn judge_with(token: &str, keys: &KeySet) -> Result<UserClaims, IdTokenError> {
    let expected = ExpectedIdToken {
        issuer: &PROVIDER.parse().unwrap(),
        client_id: &CLIENT.parse().unwrap(),
        nonce: NONCE,
    };
    let now = NumericDate::from_secs(NOW).unwrap();
    verify_id_token(token, &expected, keys, (now, Leeway::default()))
}

fn judge(key: &TestKey, token: &Forge) -> Result<UserClaims, IdTokenError> {
    judge_with(&token.sign(key), &KeySet::from_iter([key.verifying()]))
}

#[test]
fn a_good_token_names_its_user() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = TestKey::shared(algorithm);
        let claims = judge(key, &good(key)).unwrap();
        assert_eq!(claims.subject().as_str(), "248289761001");
        assert_eq!(claims.email(), Some("alice@example.com"));
        assert!(claims.is_email_verified());
        for variant in [
            good(key).without_header("typ"),
            good(key).header("typ", "application/jwt"),
            good(key).claim("aud", json!([CLIENT])),
            good(key).claim("aud", json!([CLIENT, "other"])).claim("azp", CLIENT),
            good(key).claim("azp", CLIENT),
            good(key).claim("azp", Value::Null),
            good(key).claim("exp", NOW - 29),
            good(key).claim("iat", NOW + 30),
            good(key).claim("iat", NOW - 100_000),
            good(key).claim("nbf", NOW + 30),
            good(key).claim("at_hash", "anything"),
            good(key).claim("sub", "s".repeat(255)),
            good(key).claim("groups", json!(vec!["g"; 5000])),
        ] {
            assert!(judge(key, &variant).is_ok(), "{}", variant.claims_json());
        }
    }
}

#[test]
fn each_check_refuses_what_it_is_there_for() {
    use IdTokenError::{Claim, Expired, Form, Future, Mismatch, TokenType};
    let key = TestKey::shared(Algorithm::Es256);
    for (token, expected) in [
        (good(key).header("typ", "at+jwt"), TokenType),
        (good(key).header("typ", "logout+jwt"), TokenType),
        (good(key).header("typ", "secevent+jwt"), TokenType),
        (good(key).without_claim("iss"), Claim("iss")),
        (good(key).claim("iss", "https://evil.example"), Mismatch("iss")),
        (good(key).claim("iss", format!("{PROVIDER}/")), Mismatch("iss")),
        (good(key).claim("iss", "https://IDP.example/realms/a"), Mismatch("iss")),
        (good(key).claim("iss", json!([PROVIDER])), Claim("iss")),
        (good(key).without_claim("aud"), Claim("aud")),
        (good(key).claim("aud", "another-client"), Mismatch("aud")),
        (good(key).claim("aud", ""), Mismatch("aud")),
        (good(key).claim("aud", json!([])), Mismatch("aud")),
        (good(key).claim("aud", json!([CLIENT, 7])), Claim("aud")),
        (good(key).claim("aud", json!({ CLIENT: 1 })), Claim("aud")),
        (good(key).claim("aud", json!([CLIENT, "other"])), Claim("azp")),
        (good(key).claim("aud", json!([CLIENT, "x"])).claim("azp", "x"), Mismatch("azp")),
        (good(key).claim("azp", "another-client"), Mismatch("azp")),
        (good(key).without_claim("exp"), Claim("exp")),
        (good(key).claim("exp", "soon"), Claim("exp")),
        (good(key).claim("exp", NOW - 30), Expired),
        (good(key).without_claim("iat"), Claim("iat")),
        (good(key).claim("iat", NOW + 31), Future("iat")),
        (good(key).claim("nbf", NOW + 31), Future("nbf")),
        (good(key).claim("nbf", json!([])), Claim("nbf")),
        (good(key).without_claim("nonce"), Claim("nonce")),
        (good(key).claim("nonce", Value::Null), Claim("nonce")),
        (good(key).claim("nonce", "nonce-of-another"), Mismatch("nonce")),
        (good(key).claim("nonce", format!("{NONCE}x")), Mismatch("nonce")),
        (good(key).without_claim("sub"), Claim("sub")),
        (good(key).claim("sub", ""), Claim("sub")),
        (good(key).claim("sub", 7), Claim("sub")),
        (good(key).claim("sub", "s".repeat(256)), Claim("sub")),
        (good(key).claim("sub", "a\nb"), Claim("sub")),
        (good(key).header("crit", json!(["x"])), Form(ParseTokenError::Critical)),
        (good(key).header("jwk", json!({})), Form(ParseTokenError::ForeignKey)),
        (good(key).header("jku", "https://evil.example"), Form(ParseTokenError::ForeignKey)),
        (good(key).header("x5c", json!([])), Form(ParseTokenError::ForeignKey)),
        (good(key).header("alg", "none"), Form(ParseTokenError::Algorithm)),
        (good(key).header("alg", "PS256"), Form(ParseTokenError::Algorithm)),
        (good(key).header("kid", "another"), IdTokenError::Key(KeyLookupError::UnknownKey)),
        (good(key).header("alg", "RS256"), IdTokenError::Key(KeyLookupError::AlgorithmMismatch)),
        (good(key).claim("pad", "x".repeat(MAX_ID_TOKEN_BYTES)), IdTokenError::TooLong),
    ] {
        let found = judge(key, &token).unwrap_err();
        assert_eq!(found, expected, "{} {}", token.header_json(), token.claims_json());
    }
}

#[test]
fn a_token_that_is_not_signed_by_the_provider_is_refused() {
    let (key, other) = (TestKey::shared(Algorithm::Es256), TestKey::generate(Algorithm::Es256));
    let keys = KeySet::from_iter([key.verifying()]);
    let refused = |token: &str| judge_with(token, &keys).unwrap_err();
    assert_eq!(refused(&good(key).sign(&other)), IdTokenError::Signature);
    let unsigned = good(key).sign_with(|_| Vec::new());
    assert_eq!(refused(&unsigned), IdTokenError::Signature);
    let none = good(key).header("alg", "none").sign_with(|_| Vec::new());
    assert_eq!(refused(&none), IdTokenError::Form(ParseTokenError::Algorithm));
    for bad in ["", "a.b", "a.b.c", "..", "{}"] {
        assert!(matches!(refused(bad), IdTokenError::Form(_)), "{bad}");
    }
}

/// The client knows its secret, and a thief of it could sign; OpenID Connect permits it.
#[test]
fn the_clients_secret_signs_nothing() {
    let key = TestKey::shared(Algorithm::Hs256);
    assert_eq!(judge(key, &good(key)).unwrap_err(), IdTokenError::SharedSecret);
    // Nor does the text of a public key.
    let public = TestKey::shared(Algorithm::Rs256);
    let keys = KeySet::from_iter([public.verifying()]);
    let confused = good(public).header("alg", "HS256").sign(key);
    assert_eq!(judge_with(&confused, &keys).unwrap_err(), IdTokenError::SharedSecret);
}

#[test]
fn only_a_missing_or_an_old_key_may_be_cured_by_newer_keys() {
    let key = TestKey::shared(Algorithm::Es256);
    for (fault, expected) in [
        (judge(key, &good(key).header("kid", "new")).unwrap_err(), true),
        (judge_with(&good(key).sign(key), &KeySet::default()).unwrap_err(), true),
        (judge(key, &good(key).claim("nonce", "x")).unwrap_err(), false),
        (judge(key, &good(key).claim("exp", NOW - 300)).unwrap_err(), false),
    ] {
        assert_eq!(fault.may_need_newer_keys(), expected, "{fault}");
    }
    let other = TestKey::generate(Algorithm::Es256);
    let keys = KeySet::from_iter([key.verifying()]);
    let signature = judge_with(&good(key).sign(&other), &keys).unwrap_err();
    assert!(signature.may_need_newer_keys());
}
