//! Which scopes a token has, as far as anybody says.

use auth_core::{AccessToken, ScopeSet};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

const REQUIRED: &str = "required:";
const GRANTED: &str = "granted:";
const NONE: &str = "(none)";

/// The scopes in a description such as `required: A B; granted: C D`: what is needed, and what the
/// token has where the description says that too. `(none)` stands for no scopes.
pub(super) fn described(description: &str) -> Option<(ScopeSet, Option<ScopeSet>)> {
    let (_, rest) = description.split_once(REQUIRED)?;
    let (required, rest) = rest.split_once(';')?;
    let granted = rest.trim_start().strip_prefix(GRANTED).and_then(read);
    Some((read(required)?, granted))
}

fn read(scopes: &str) -> Option<ScopeSet> {
    match scopes.trim() {
        NONE => Some(ScopeSet::empty()),
        scopes => scopes.parse().ok(),
    }
}

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
    fn our_servers_description_is_read() {
        for (text, required, granted) in [
            ("required: A.B C; granted: D", "A.B C", Some("D")),
            ("Not enough. required: A; granted: ", "A", Some("")),
            ("required: A; granted: (none)", "A", Some("")),
            ("required: A; the user's roles do not allow it", "A", None),
        ] {
            assert_eq!(described(text), Some((set(required), granted.map(set))), "{text}");
        }
        assert_eq!(described("required: A"), None);
        assert_eq!(described("The token lacks a scope"), None);
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
