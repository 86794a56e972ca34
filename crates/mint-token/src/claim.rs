//! Additional claims and header members on the command line.
//!
//! 1. `name=value` is a string; `name:=json` is any JSON, for example `level:=3`.
//! 2. The first `=` counts, so a value may have more of them, and a name may be a URL.
//! 3. Claims that have a flag of their own, or are set for every token, are refused.

use std::str::FromStr;

use auth_core::parse_strict;
use serde_json::Value;

/// A claim that the user chooses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExtraClaim {
    /// The claim's name.
    pub(crate) name: String,
    /// The claim's value.
    pub(crate) value: Value,
}

/// A header member that the user chooses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExtraHeader {
    /// The member's name.
    pub(crate) name: String,
    /// The member's value.
    pub(crate) value: Value,
}

/// Why a text is not a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    /// No `=` or no name.
    #[error("not a claim: write it as name=text or as name:=json")]
    Form,
    /// `:=` and something that is not JSON.
    #[error("what follows := is not JSON, or has a duplicate member; for text write {0}=text")]
    Json(String),
    /// A claim that has a flag.
    #[error("the claim {name} has a flag of its own: use {flag}")]
    Flag {
        /// The claim's name.
        name: String,
        /// Its flag.
        flag: &'static str,
    },
    /// A header member that the key sets.
    #[error("the key sets {0}: choose another key with --key")]
    Key(String),
    /// A claim that is set for every token.
    #[error("the claim {0} is set for every token and cannot be chosen")]
    Fixed(String),
}

impl FromStr for ExtraClaim {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let (name, value) = named(text, check_free)?;
        Ok(Self { name, value })
    }
}

impl FromStr for ExtraHeader {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let free = |name: &str| match name {
            "alg" | "kid" => Err(ClaimError::Key(name.to_owned())),
            _ => Ok(()),
        };
        let (name, value) = named(text, free)?;
        Ok(Self { name, value })
    }
}

/// A name that `check` accepts, and its value.
fn named(
    text: &str,
    check: impl FnOnce(&str) -> Result<(), ClaimError>,
) -> Result<(String, Value), ClaimError> {
    let (left, right) = text.split_once('=').ok_or(ClaimError::Form)?;
    let (name, is_json) = match left.strip_suffix(':') {
        Some(name) => (name, true),
        None => (left, false),
    };
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(ClaimError::Form);
    }
    check(name)?;
    let value = if is_json {
        parse_strict(right.as_bytes()).map_err(|_| ClaimError::Json(name.to_owned()))?
    } else {
        Value::from(right)
    };
    Ok((name.to_owned(), value))
}

/// Whether the user may choose the claim `name`.
fn check_free(name: &str) -> Result<(), ClaimError> {
    let flag = match name {
        "iss" => "--issuer",
        "sub" => "--sub",
        "aud" => "--resource",
        "exp" => "--ttl",
        "client_id" => "--client-id",
        "scope" => "--scope",
        "roles" => "--role",
        "name" => "--name",
        "nbf" => "--not-before",
        "iat" | "jti" => return Err(ClaimError::Fixed(name.to_owned())),
        _ => return Ok(()),
    };
    Err(ClaimError::Flag { name: name.to_owned(), flag })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<(String, Value), ClaimError> {
        text.parse().map(|claim: ExtraClaim| (claim.name, claim.value))
    }

    #[test]
    fn text_and_json_are_distinguished() {
        for (text, name, value) in [
            ("tenant=acme", "tenant", json!("acme")),
            ("level=3", "level", json!("3")),
            ("level:=3", "level", json!(3)),
            ("ok:=true", "ok", json!(true)),
            ("none:=null", "none", json!(null)),
            ("address:={\"city\":\"Bern\"}", "address", json!({"city": "Bern"})),
            ("empty=", "empty", json!("")),
            ("a=b:=c=d", "a", json!("b:=c=d")),
            ("https://claims.example/team=x y", "https://claims.example/team", json!("x y")),
        ] {
            assert_eq!(read(text), Ok((name.into(), value)), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "tenant", "=x", ":=1", "a\nb=x"] {
            assert_eq!(read(text), Err(ClaimError::Form), "{text:?}");
        }
        for text in ["a:=", "a:=x", "a:=1 2", r#"a:={"b":1,"b":2}"#] {
            assert_eq!(read(text), Err(ClaimError::Json("a".into())), "{text:?}");
        }
    }

    #[test]
    fn every_claim_that_the_core_sets_itself_is_refused_here() {
        use auth_core::{TokenId, TokenRequest};
        for name in
            ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "roles", "name"]
        {
            assert!(read(&format!("{name}=x")).is_err(), "{name}");
            let request = TokenRequest::new(
                "s".parse().unwrap(),
                "a".parse().unwrap(),
                TokenId::from_random([0; 16]),
            );
            assert!(request.claim(name, json!(1)).is_err(), "{name}");
        }
    }

    #[test]
    fn the_flag_is_named() {
        assert_eq!(
            read("exp:=1").unwrap_err().to_string(),
            "the claim exp has a flag of its own: use --ttl"
        );
        assert_eq!(
            read("jti=1").unwrap_err().to_string(),
            "the claim jti is set for every token and cannot be chosen"
        );
    }
}
