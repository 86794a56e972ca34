//! The provider's answer at its token endpoint (RFC 6749 §5, OpenID Connect Core §3.1.3.3).
//!
//! 1. JSON, in which no object has a member twice.
//! 2. `error` is an error, whatever the status: GitHub answers errors with 200.
//! 3. `id_token` must be there for OpenID Connect, `access_token` of the type `Bearer` for GitHub.
//! 4. What else is there, a refresh token for example, is not read and not kept.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::callback::shown;
use crate::{AccessToken, parse_strict};

/// What is used of the answer. Nothing of it is stored, or given to anyone but the provider.
#[derive(Clone)]
pub struct TokenResponse {
    id_token: Option<SecretString>,
    access_token: Option<AccessToken>,
}

/// Why the answer has no tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenResponseError {
    /// The provider refuses the code, or this server.
    #[error("the provider's token endpoint answers {0}")]
    Refused(String),
    /// Not what a token endpoint answers.
    #[error("the answer of the provider's token endpoint has the status {0} and no tokens")]
    Malformed(u16),
}

impl TokenResponse {
    /// Reads an answer.
    pub fn parse(status: u16, body: &[u8]) -> Result<Self, TokenResponseError> {
        let malformed = || TokenResponseError::Malformed(status);
        let Ok(Value::Object(mut members)) = parse_strict(body) else { return Err(malformed()) };
        if let Some(error) = members.get("error").filter(|error| !error.is_null()) {
            let code = error.as_str().unwrap_or("an error without a name");
            return Err(TokenResponseError::Refused(shown(code)));
        }
        if status != 200 {
            return Err(malformed());
        }
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let is_bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        let access_token = text("access_token").filter(|_| is_bearer);
        let access_token = access_token.and_then(|text| text.parse().ok());
        let id_token = text("id_token").map(SecretString::from);
        if id_token.is_none() && access_token.is_none() {
            return Err(malformed());
        }
        Ok(Self { id_token, access_token })
    }

    /// The ID token, which is to be verified.
    #[must_use]
    pub fn id_token(&self) -> Option<&str> {
        self.id_token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The access token, with which the provider is asked about the user.
    #[must_use]
    pub const fn access_token(&self) -> Option<&AccessToken> {
        self.access_token.as_ref()
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenResponse(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(status: u16, body: &str) -> Result<(Option<String>, bool), TokenResponseError> {
        let response = TokenResponse::parse(status, body.as_bytes())?;
        assert_eq!(format!("{response:?}"), "TokenResponse(..)");
        Ok((response.id_token().map(str::to_owned), response.access_token().is_some()))
    }

    #[test]
    fn tokens_are_read() {
        let both = r#"{"id_token":"a.b.c","access_token":"t","token_type":"bearer","x":1}"#;
        assert_eq!(parse(200, both), Ok((Some("a.b.c".into()), true)));
        let other_type = r#"{"id_token":"a.b.c","access_token":"t","token_type":"DPoP"}"#;
        assert_eq!(parse(200, other_type), Ok((Some("a.b.c".into()), false)));
        let github = r#"{"access_token":"gho_x","token_type":"bearer","scope":""}"#;
        assert_eq!(parse(200, github), Ok((None, true)));
    }

    #[test]
    fn errors_are_errors_whatever_the_status() {
        let refused = |code: &str| Err(TokenResponseError::Refused(code.into()));
        for status in [200, 400, 401] {
            assert_eq!(parse(status, r#"{"error":"invalid_grant"}"#), refused("invalid_grant"));
        }
        let both = r#"{"error":"a\nb","access_token":"t","token_type":"bearer"}"#;
        assert_eq!(parse(200, both), refused("a\\nb"));
        assert_eq!(parse(200, r#"{"error":7}"#), refused("an error without a name"));
        for body in [
            "",
            "[]",
            "{}",
            "<html>",
            r#"{"id_token":7}"#,
            r#"{"access_token":"t"}"#,
            r#"{"id_token":"a","id_token":"b"}"#,
        ] {
            assert_eq!(parse(200, body), Err(TokenResponseError::Malformed(200)), "{body}");
        }
        let moved = parse(302, r#"{"id_token":"a.b.c"}"#);
        assert_eq!(moved, Err(TokenResponseError::Malformed(302)));
    }
}
