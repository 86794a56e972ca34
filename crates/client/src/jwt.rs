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

/// What a token is bound to, by its claim `cnf` (RFC 7800 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Binding {
    /// A client certificate, by its thumbprint (RFC 8705 §3.1).
    Certificate(String),
    /// Anything else.
    Other,
}

/// What the token with these claims is bound to. `None` for a bearer token.
pub(crate) fn binding(claims: &Value) -> Option<Binding> {
    let thumbprint = claims.get("cnf")?.get("x5t#S256").and_then(Value::as_str);
    let is_plain = |text: &&str| {
        text.len() == 43 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let certificate = thumbprint.filter(is_plain);
    Some(certificate.map_or(Binding::Other, |text| Binding::Certificate(text.to_owned())))
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
    fn a_jwt_says_what_it_is_bound_to() {
        let of = |text: &str| binding(&serde_json::from_str(text).unwrap());
        let thumbprint = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0";
        let bound = of(&format!(r#"{{"cnf":{{"x5t#S256":"{thumbprint}"}}}}"#));
        assert_eq!(bound, Some(Binding::Certificate(thumbprint.to_owned())));
        assert_eq!(of("{}"), None);
        let odd = thumbprint.replace('-', "$");
        for other in [r#"{"jkt":"x"}"#, "7", &format!(r#"{{"x5t#S256":"{odd}"}}"#)] {
            assert_eq!(of(&format!(r#"{{"cnf":{other}}}"#)), Some(Binding::Other), "{other}");
        }
    }

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
