//! Token revocation (RFC 7009 §2).
//!
//! 1. A token that is unknown, expired or already revoked is answered like one that was revoked
//!    (RFC 7009 §2.2): the answer says nothing about it.
//! 2. A hint that is not known is ignored (RFC 7009 §2.1).

use super::introspection::token;
use crate::oauth::{Form, OAuthError};

/// A request to revoke a token. `Debug` prints no part of the token.
#[derive(Clone)]
pub struct RevocationRequest {
    token: secrecy::SecretString,
    hint: Option<TokenTypeHint>,
}

/// Which kind of token the client says it is (RFC 7009 §2.1): where to look first, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// `access_token`.
    AccessToken,
    /// `refresh_token`.
    RefreshToken,
}

impl RevocationRequest {
    /// Reads the body of a request.
    pub fn parse(form: &Form) -> Result<Self, OAuthError> {
        let hint = match form.get("token_type_hint") {
            Some("access_token") => Some(TokenTypeHint::AccessToken),
            Some("refresh_token") => Some(TokenTypeHint::RefreshToken),
            _ => None,
        };
        Ok(Self { token: token(form)?.into(), hint })
    }

    /// `token`, as it was sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(&self.token)
    }

    /// `token_type_hint`.
    #[must_use]
    pub const fn hint(&self) -> Option<TokenTypeHint> {
        self.hint
    }
}

impl std::fmt::Debug for RevocationRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevocationRequest(.., {:?})", self.hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    #[test]
    fn a_request_has_a_token_and_maybe_a_hint() {
        let parse = |text: &str| RevocationRequest::parse(&Form::parse(text.as_bytes()).unwrap());
        for (text, hint) in [
            ("token=topsecret", None),
            ("token=topsecret&token_type_hint=refresh_token", Some(TokenTypeHint::RefreshToken)),
            ("token=topsecret&token_type_hint=access_token", Some(TokenTypeHint::AccessToken)),
            ("token=topsecret&token_type_hint=id_token", None),
        ] {
            let request = parse(text).unwrap();
            assert_eq!((request.expose(), request.hint()), ("topsecret", hint));
            assert!(!format!("{request:?}").contains("topsecret"));
        }
        assert_eq!(parse("token=").unwrap_err().code(), ErrorCode::InvalidRequest);
    }
}
