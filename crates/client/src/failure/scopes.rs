//! Which scopes a token has, as far as it says so itself.

use auth_core::{AccessToken, ScopeSet};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// The scopes that a token itself names, if it is a JWT. **Not verified**: to be shown, not believed.
///
/// `scope` is RFC 9068's; `scp`, a text or a list, is what some other issuers write.
pub(super) fn in_token(token: &AccessToken) -> Option<ScopeSet> {
    let claims = claims(token)?;
    match claims.get("scope").or_else(|| claims.get("scp"))? {
        Value::String(text) => text.parse().ok(),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items?.join(" ").parse().ok()
        }
        _ => None,
    }
}

/// The claims of a token, if it is a JWT. **Not verified**: to be shown, not believed.
pub(super) fn claims(token: &AccessToken) -> Option<Value> {
    let mut parts = token.expose().split('.');
    let payload = parts.nth(1)?;
    // The signature, and nothing after it.
    if parts.next().is_none() || parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        text.parse().unwrap()
    }

    #[test]
    fn a_jwt_tells_its_scopes() {
        let token = |claims: &str| {
            let payload = URL_SAFE_NO_PAD.encode(claims);
            in_token(&format!("e30.{payload}.c2ln").parse().unwrap())
        };
        assert_eq!(token(r#"{"scope":"b a"}"#), Some(set("a b")));
        assert_eq!(token(r#"{"scp":["a","b"]}"#), Some(set("a b")));
        assert_eq!(token(r#"{"scope":7}"#), None);
        assert_eq!(token("{}"), None);
        assert_eq!(in_token(&"opaque".parse().unwrap()), None);
    }
}
