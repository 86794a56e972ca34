//! Token introspection, as the server answers it (RFC 7662 §2).
//!
//! 1. Every token that is not valid, unknown to this server, or not for the caller is `{"active":
//!    false}` and nothing else (RFC 7662 §2.2).
//! 2. `token_type_hint` is ignored: this server recognizes its tokens by their form.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    Audience, ClientId, Issuer, NumericDate, ScopeSet, Subject, TokenId,
    oauth::{ErrorCode, Form, OAuthError},
};

/// A request to describe a token (RFC 7662 §2.1).
#[derive(Clone)]
pub struct IntrospectionRequest(secrecy::SecretString);

/// What the server says about a token (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenDescription {
    /// Not valid, or none of the caller's business.
    Inactive,
    /// A valid access token or refresh token.
    Active {
        /// `iss`.
        issuer: Issuer,
        /// `sub`.
        subject: Subject,
        /// `aud`.
        audience: Audience,
        /// `client_id`.
        client_id: ClientId,
        /// `scope`.
        scopes: ScopeSet,
        /// `iat`.
        issued_at: NumericDate,
        /// `exp`.
        expires_at: NumericDate,
        /// `jti`; `None` for a refresh token, which has neither that nor a `token_type`.
        token_id: Option<TokenId>,
    },
}

impl IntrospectionRequest {
    /// Reads the body of a request.
    pub fn parse(form: &Form) -> Result<Self, OAuthError> {
        token(form).map(|token| Self(token.into()))
    }

    /// `token`, as it was sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.0)
    }
}

impl std::fmt::Debug for IntrospectionRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IntrospectionRequest(..)")
    }
}

impl Serialize for TokenDescription {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("active", &matches!(self, Self::Active { .. }))?;
        if let Self::Active {
            issuer,
            subject,
            audience,
            client_id,
            scopes,
            issued_at,
            expires_at,
            token_id,
        } = self
        {
            members.serialize_entry("iss", issuer)?;
            members.serialize_entry("sub", subject)?;
            members.serialize_entry("aud", audience)?;
            members.serialize_entry("client_id", client_id)?;
            members.serialize_entry("scope", scopes)?;
            members.serialize_entry("iat", issued_at)?;
            members.serialize_entry("exp", expires_at)?;
            if let Some(token_id) = token_id {
                members.serialize_entry("token_type", "Bearer")?;
                members.serialize_entry("jti", token_id)?;
            }
        }
        members.end()
    }
}

/// `token` of a request about a token.
pub(super) fn token(form: &Form) -> Result<&str, OAuthError> {
    let missing = || OAuthError::new(ErrorCode::InvalidRequest, "token is missing");
    form.get("token").ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_has_a_token() {
        let parse =
            |text: &str| IntrospectionRequest::parse(&Form::parse(text.as_bytes()).unwrap());
        let request = parse("token=topsecret&token_type_hint=access_token").unwrap();
        assert_eq!(request.expose(), "topsecret");
        assert_eq!(format!("{request:?}"), "IntrospectionRequest(..)");
        for bad in ["", "token=", "token_type_hint=access_token"] {
            assert_eq!(parse(bad).unwrap_err().code(), ErrorCode::InvalidRequest, "{bad}");
        }
    }

    #[test]
    fn a_token_that_is_not_valid_is_inactive_and_nothing_else() {
        let json = serde_json::to_value(TokenDescription::Inactive).unwrap();
        assert_eq!(json, json!({"active": false}));
        let date = |secs| NumericDate::from_secs(secs).unwrap();
        let active = TokenDescription::Active {
            issuer: "https://as.example".parse().unwrap(),
            subject: "alice".parse().unwrap(),
            audience: "https://mcp.example/mcp".parse().unwrap(),
            client_id: "c1".parse().unwrap(),
            scopes: "User.Read".parse().unwrap(),
            issued_at: date(1),
            expires_at: date(901),
            token_id: Some("t1".parse().unwrap()),
        };
        let expected = json!({
            "active": true, "iss": "https://as.example", "sub": "alice",
            "aud": "https://mcp.example/mcp", "client_id": "c1", "scope": "User.Read",
            "token_type": "Bearer", "iat": 1, "exp": 901, "jti": "t1",
        });
        assert_eq!(serde_json::to_value(active).unwrap(), expected);
    }
}
