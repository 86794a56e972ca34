//! The authorization response: what the redirect carries (RFC 6749 §4.1.2, RFC 9207 §2).
//!
//! 1. `iss` is in every answer, also in errors (RFC 9207 §2).
//! 2. `state` is in every answer to a request that had one, byte for byte.
//! 3. The answer is added to the query that the redirect URI has (RFC 6749 §4.1.2).
//! 4. Everything but unreserved characters is percent-encoded; a space is `%20`.

use super::State;
use crate::{
    Issuer,
    oauth::{AuthorizationCode, OAuthError, RedirectUri, encode},
};

/// The parts that all answers to one request share.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationResponse<'a> {
    /// Where the answer goes. It has to come from a checked request.
    pub redirect_uri: &'a RedirectUri,
    /// `state` of the request.
    pub state: Option<&'a State>,
    /// `iss`: this server.
    pub issuer: &'a Issuer,
}

/// An error of a request, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RedirectedError {
    redirect_uri: RedirectUri,
    state: Option<State>,
    error: OAuthError,
}

impl AuthorizationResponse<'_> {
    /// The `Location` that brings the client its code.
    #[must_use]
    pub fn granted(&self, code: &AuthorizationCode) -> String {
        self.location(&[("code", code.expose())])
    }

    /// The `Location` that brings the client an error.
    #[must_use]
    pub fn refused(&self, error: &OAuthError) -> String {
        let description = error.description();
        self.location(&[("error", error.code().as_str()), ("error_description", description)])
    }

    fn location(&self, own: &[(&str, &str)]) -> String {
        let state = self.state.map(|state| ("state", state.as_str()));
        let shared = state.into_iter().chain([("iss", self.issuer.as_str())]);
        self.redirect_uri.with_query(&encode(own.iter().copied().chain(shared)))
    }
}

impl RedirectedError {
    pub(super) const fn new(
        redirect_uri: RedirectUri,
        state: Option<State>,
        error: OAuthError,
    ) -> Self {
        Self { redirect_uri, state, error }
    }

    /// What is wrong.
    #[must_use]
    pub const fn error(&self) -> &OAuthError {
        &self.error
    }

    /// Where the error goes.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// `state` of the request, if it can be sent back.
    #[must_use]
    pub const fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// The `Location` that brings the client the error; `issuer` is this server.
    #[must_use]
    pub fn location(&self, issuer: &Issuer) -> String {
        let (redirect_uri, state) = (&self.redirect_uri, self.state());
        AuthorizationResponse { redirect_uri, state, issuer }.refused(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    #[test]
    fn answers_name_the_issuer_and_give_the_state_back() {
        let (redirect_uri, issuer) =
            ("app:/cb?a=b".parse().unwrap(), "https://as.example".parse().unwrap());
        let state = "a+/= %&\"<".parse().unwrap();
        let response = AuthorizationResponse {
            redirect_uri: &redirect_uri,
            state: Some(&state),
            issuer: &issuer,
        };
        assert_eq!(
            response.granted(&"c-1".parse().unwrap()),
            "app:/cb?a=b&code=c-1&state=a%2B%2F%3D%20%25%26%22%3C&iss=https%3A%2F%2Fas.example"
        );
        let error = OAuthError::new(ErrorCode::AccessDenied, "alice said no");
        assert_eq!(
            AuthorizationResponse { state: None, ..response }.refused(&error),
            "app:/cb?a=b&error=access_denied&error_description=alice%20said%20no\
             &iss=https%3A%2F%2Fas.example"
        );
        let error = RedirectedError::new(redirect_uri.clone(), Some(state.clone()), error);
        assert_eq!(error.location(&issuer), response.refused(error.error()));
    }
}
