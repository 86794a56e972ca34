//! The claims of a token that is a JWT. **Not verified**: they are shown, never trusted.

use auth_core::{AccessToken, NumericDate, ScopeSet, base64url};
use serde_json::Value;

/// The claims of a token; `None` if it is no JWT (RFC 7519 §3).
pub(crate) fn unverified_claims(token: &AccessToken) -> Option<Value> {
    let mut parts = token.expose().split('.');
    let payload = parts.nth(1)?;
    // The signature, and nothing after it.
    parts.next().filter(|_| parts.next().is_none())?;
    let claims = serde_json::from_slice(&base64url::decode(payload).ok()?).ok()?;
    Some(claims).filter(Value::is_object)
}

/// Whom a token is for, by its own claim.
pub(crate) fn unverified_subject(token: &AccessToken) -> Option<String> {
    unverified_claims(token)?.get("sub")?.as_str().map(str::to_owned)
}

/// The scopes that claims name: `scope` of RFC 9068 §2.2.3, or `scp`, which some other issuers
/// write.
pub(crate) fn scopes(claims: &Value) -> Option<ScopeSet> {
    let claim = claims.get("scope").or_else(|| claims.get("scp"))?;
    strings(Some(claim))?.join(" ").parse().ok()
}

/// When the token expires, by its own claim.
pub(crate) fn expiry(claims: &Value) -> Option<NumericDate> {
    NumericDate::from_json(claims.get("exp")?).ok()
}

/// The strings of a claim that is a string or an array of strings.
pub(crate) fn strings(claim: Option<&Value>) -> Option<Vec<&str>> {
    match claim? {
        Value::String(text) => Some(vec![text]),
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_names_its_scopes() {
        let set = |text: &str| Some(text.parse::<ScopeSet>().unwrap());
        let token = |claims: &str| {
            let payload = base64url::encode(claims);
            scopes(&unverified_claims(&format!("e30.{payload}.c2ln").parse().unwrap())?)
        };
        assert_eq!(token(r#"{"scope":"b a"}"#), set("a b"));
        assert_eq!(token(r#"{"scp":["a","b"]}"#), set("a b"));
        assert_eq!(token(r#"{"scope":7}"#), None);
        assert_eq!(token(r#"{"scope":["a",7]}"#), None);
        assert_eq!(token("{}"), None);
        assert_eq!(token("[]"), None);
        for other in ["opaque", "e30.e30", "e30.e30.a.b"] {
            assert_eq!(unverified_claims(&other.parse().unwrap()), None, "{other}");
        }
    }
}
