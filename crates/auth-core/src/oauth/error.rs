//! The errors that an authorization server answers with, each with the document that defines it.
//!
//! ```text
//! error             = 1*NQSCHAR        ; RFC 6749 appendix A.7
//! error_description = 1*NQSCHAR        ; RFC 6749 appendix A.8
//! NQSCHAR           = %x20-21 / %x23-5B / %x5D-7E
//! ```
//!
//! 1. A description is at most 200 characters of NQSCHAR without `'`, `<`, `>` and `&`: several
//!    clients show it on a page or in a terminal without escaping it.
//! 2. The HTTP status is chosen by the HTTP layer, from the code and the endpoint.
//!
//! **Invariant:** an [`OAuthError`] can be written into a query, a header or JSON as it is.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// The longest `error_description`, in characters.
const MAX_DESCRIPTION: usize = 200;

/// The value of `error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A parameter is missing, malformed or repeated (RFC 6749 §4.1.2.1, §5.2).
    InvalidRequest,
    /// Unknown client, or client authentication failed (RFC 6749 §5.2).
    InvalidClient,
    /// The code, refresh token, device code or assertion is not valid for this client (RFC 6749
    /// §5.2).
    InvalidGrant,
    /// This client may not use this grant (RFC 6749 §4.1.2.1, §5.2).
    UnauthorizedClient,
    /// The server does not have this grant (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// The server does not have this response type (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// The scope is malformed, or more than was granted (RFC 6749 §4.1.2.1, §5.2).
    InvalidScope,
    /// The user or the server refused (RFC 6749 §4.1.2.1, RFC 8628 §3.5).
    AccessDenied,
    /// An unexpected fault (RFC 6749 §4.1.2.1).
    ServerError,
    /// The server cannot answer now (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// The resource is unknown, or more than one was asked for (RFC 8707 §2).
    InvalidTarget,
    /// No redirect URI of a registration is valid (RFC 7591 §3.2.2).
    InvalidRedirectUri,
    /// Another member of a registration is not valid (RFC 7591 §3.2.2).
    InvalidClientMetadata,
    /// The user has not decided yet (RFC 8628 §3.5).
    AuthorizationPending,
    /// The user has not decided yet, and the client polls too often (RFC 8628 §3.5).
    SlowDown,
    /// The device code has expired (RFC 8628 §3.5).
    ExpiredToken,
    /// The server cannot revoke tokens of this type (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// `prompt=none`, and no user is signed in (OpenID Connect Core §3.1.2.6).
    LoginRequired,
    /// `prompt=none`, and the user has not consented (OpenID Connect Core §3.1.2.6).
    ConsentRequired,
    /// `request` is not supported (OpenID Connect Core §3.1.2.6).
    RequestNotSupported,
    /// `request_uri` is not supported (OpenID Connect Core §3.1.2.6).
    RequestUriNotSupported,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 21] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InvalidTarget,
        Self::InvalidRedirectUri,
        Self::InvalidClientMetadata,
        Self::AuthorizationPending,
        Self::SlowDown,
        Self::ExpiredToken,
        Self::UnsupportedTokenType,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
    ];

    /// The code as it is written in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error answer: a code, and a text that says what to do about it.
///
/// In JSON it is the object of RFC 6749 §5.2.
///
/// ```
/// use auth_core::oauth::{ErrorCode, OAuthError};
///
/// let error = OAuthError::new(ErrorCode::InvalidGrant, "the code has expired: sign in again");
/// assert_eq!(
///     serde_json::to_string(&error)?,
///     r#"{"error":"invalid_grant","error_description":"the code has expired: sign in again"}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    code: ErrorCode,
    description: Cow<'static, str>,
}

impl OAuthError {
    /// An error with a description. A character that rule 1 does not permit becomes `?`, and what
    /// is too long is cut.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = description.into();
        let is_clean =
            description.len() <= MAX_DESCRIPTION && description.chars().all(is_permitted);
        let description = if is_clean { description } else { clean(&description).into() };
        Self { code, description }
    }

    /// `error`.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// `error_description`.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }
}

impl Serialize for OAuthError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("OAuthError", 2)?;
        members.serialize_field("error", self.code.as_str())?;
        members.serialize_field("error_description", &*self.description)?;
        members.end()
    }
}

const fn is_permitted(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '\'' | '<' | '>' | '&')
}

fn clean(text: &str) -> String {
    let shown = text.chars().take(MAX_DESCRIPTION);
    shown.map(|c| if is_permitted(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_distinct_and_within_the_grammar() {
        let names: std::collections::BTreeSet<_> =
            ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for name in names {
            assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')), "{name}");
        }
    }

    #[test]
    fn a_description_cannot_leave_its_place() {
        let text = |text: &'static str| OAuthError::new(ErrorCode::InvalidRequest, text);
        assert_eq!(text("a: b, c.").description(), "a: b, c.");
        assert_eq!(text("a\"b\\c<d>e&f'g\nh\u{7f}é").description(), "a?b?c?d?e?f?g?h??");
        let long = OAuthError::new(ErrorCode::InvalidRequest, "é".repeat(500));
        assert_eq!(long.description(), "?".repeat(200));
        let long = OAuthError::new(ErrorCode::InvalidRequest, "a".repeat(201));
        assert_eq!(long.description(), "a".repeat(200));
        assert_eq!(text("a").to_string(), "invalid_request: a");
    }
}
