//! What several of the tests need.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth_core::{
    AccessToken, Algorithm, Ceiling, Claims, KeySet, Leeway, NumericDate, Policy, PolicyDocument,
    PolicyError, Principal, RoleName, TokenVerifier, TrustedIssuer, VerifyError,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use testkit::{Forge, ISSUER, RESOURCE, TestKey};

pub(crate) fn secs(secs: i64) -> NumericDate {
    NumericDate::from_secs(secs).unwrap()
}

pub(crate) fn token(text: &str) -> AccessToken {
    text.parse().unwrap()
}

/// The entry of the issuer of all tokens, with this key alone.
pub(crate) fn trusted(key: &TestKey) -> TrustedIssuer {
    TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]))
}

pub(crate) fn verifier(entry: TrustedIssuer) -> TokenVerifier {
    TokenVerifier::new(RESOURCE.parse().unwrap()).trust(entry)
}

pub(crate) fn leeway(secs: u64) -> Leeway {
    Leeway::new(Duration::from_secs(secs)).unwrap()
}

pub(crate) fn judge(verifier: &TokenVerifier, text: &str, at: i64) -> Result<Claims, VerifyError> {
    verifier.verify(&token(text), secs(at))
}

/// One part of a compact token, as JSON.
pub(crate) fn part(text: &str, index: usize) -> Value {
    let part = text.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn roles<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<RoleName> {
    names.into_iter().map(|name| name.parse().unwrap()).collect()
}

/// A caller whose token has these scopes and (trusted) roles, and whom nothing but `ceiling`
/// bounds.
pub(crate) fn principal(scopes: &str, token_roles: &[&str], ceiling: Ceiling) -> Arc<Principal> {
    let key = TestKey::shared(Algorithm::Hs256);
    let forge = Forge::valid(key).claim("scope", scopes).claim("roles", token_roles.to_vec());
    let verifier = verifier(trusted(key).trust_roles(true));
    let claims = judge(&verifier, &forge.sign(key), testkit::NOW).unwrap();
    Arc::new(Principal::new(&claims, ceiling))
}

/// The policy that a document makes; JSON here, where a server reads TOML.
pub(crate) fn read_policy(document: Value) -> Result<Policy, PolicyError> {
    let document: PolicyDocument = serde_json::from_value(document).unwrap();
    Policy::try_from(document)
}
