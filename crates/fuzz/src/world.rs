//! What the targets share: one verifier, one policy, one time, and a good token.

use std::sync::OnceLock;

use auth_core::{
    AccessToken, Claims, Issuer, IssuerKeys, Jwks, KeySet, NumericDate, Policy, PolicyDocument,
    TokenVerifier, TrustedIssuer, VerifyingKey,
};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use testkit::{ISSUER, NOW, RESOURCE};

/// Is replaced by the good token, so that no fuzzer needs to find it.
pub(crate) const TOKEN: &str = "$TOKEN";
/// The secret of the tokens under `seeds/`. Nothing else uses it.
const SECRET: &[u8; 32] = b"fuzz targets share this secret..";
/// The public keys of RFC 7515 appendix A and RFC 8037 appendix A: no one can sign with them here.
const OTHER_KEYS: &[u8] = include_bytes!("../seeds/jwks/good-rfc-keys");

/// A verifier that trusts the secret, and the keys of the other algorithms.
pub(crate) fn verifier() -> &'static TokenVerifier {
    static VERIFIER: OnceLock<TokenVerifier> = OnceLock::new();
    VERIFIER.get_or_init(|| {
        let others = Jwks::parse(std::str::from_utf8(OTHER_KEYS).unwrap()).unwrap();
        assert_eq!((others.keys.len(), others.unusable.len()), (3, 0));
        let secret = VerifyingKey::from_secret(SECRET).unwrap();
        let keys: KeySet = others.keys.into_iter().chain([secret]).collect();
        let issuer = TrustedIssuer::new(ISSUER.parse().unwrap(), keys).trust_roles(true);
        TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer)
    })
}

/// The public keys that no one can sign with, as those of any `issuer`.
pub(crate) fn jwks_of(issuer: Option<&Issuer>) -> IssuerKeys {
    let others = Jwks::parse(std::str::from_utf8(OTHER_KEYS).unwrap()).unwrap();
    let issuer = issuer.cloned().unwrap_or_else(|| ISSUER.parse().unwrap());
    IssuerKeys::new(issuer, others.keys.into_iter().collect())
}

pub(crate) fn now() -> NumericDate {
    NumericDate::from_secs(NOW).unwrap()
}

/// The secret's HMAC, by another way than the verifier's.
pub(crate) fn mac(signing_input: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    hmac::sign(&key, signing_input.as_bytes()).as_ref().to_vec()
}

/// The compact form of two texts, signed with the secret.
pub(crate) fn sign(header: &str, claims: &str) -> String {
    let [header, claims] = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text));
    let signing_input = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(mac(&signing_input));
    format!("{signing_input}.{signature}")
}

/// A good token with `scope`.
pub(crate) fn good_token(scope: &str) -> String {
    let claims =
        json!({ "iss": ISSUER, "aud": RESOURCE, "sub": "a", "exp": NOW + 60, "scope": scope });
    sign(r#"{"alg":"HS256","typ":"at+jwt"}"#, &claims.to_string())
}

/// The claims of a good token with `scope`; `None` if that is too long for one.
pub(crate) fn good_claims(scope: &str) -> Option<Claims> {
    let token: AccessToken = good_token(scope).parse().ok()?;
    Some(verifier().verify(&token, now()).expect("a good token"))
}

/// A policy with one of each, of which scope `A` opens a half.
pub(crate) fn small_policy() -> Policy {
    let document: PolicyDocument = serde_json::from_value(json!({
        "scopes": { "A": "", "B": "" },
        "tools": { "a": "A", "b": "B", "free": [] },
        "resources": { "a://a": "A", "b://b": "B", "t://{id}": "A", "t://secret": "B" },
        "prompts": { "a": "A", "b": "B" },
        "methods": { "x/a": "A", "x/b": "B", "ping": "B" },
    }))
    .unwrap();
    Policy::try_from(document).unwrap()
}

/// The good token, which holds scope `A`.
pub(crate) fn token() -> &'static str {
    static GOOD: OnceLock<String> = OnceLock::new();
    GOOD.get_or_init(|| good_token("A"))
}

/// `text` with the good token in place of each `$TOKEN`, up to a length that a server would read.
pub(crate) fn with_token(text: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(TOKEN.len()).position(|part| part == TOKEN.as_bytes()) {
        whole.extend_from_slice(&rest[..at]);
        whole.extend_from_slice(token().as_bytes());
        rest = &rest[at + TOKEN.len()..];
    }
    whole.extend_from_slice(rest);
    whole.truncate(64 * 1024);
    whole
}
