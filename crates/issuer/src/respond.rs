//! What handlers answer: JSON of OAuth, and the fault that everything which cannot be read becomes,
//! as JSON for programs and as a page for people.

use std::{error::Error, fmt};

use auth_core::oauth::{ErrorCode, OAuthError};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use directory::DirectoryError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    AuthorizationServer,
    pages::{ErrorPage, Page, Problem},
};

/// Something that is needed cannot be had now: 503 with `Retry-After`, and a line in the log.
#[derive(Debug)]
pub(crate) struct Unavailable {
    what: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl Unavailable {
    pub(crate) fn new(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what, source: source.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<DirectoryError> for Unavailable {
    fn from(fault: DirectoryError) -> Self {
        Self::new("the directory cannot be asked", fault)
    }
}

impl From<crate::SigningKeysError> for Unavailable {
    fn from(fault: crate::SigningKeysError) -> Self {
        Self::new("no signing key", fault)
    }
}

/// Why an endpoint for programs answers with an error.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An error of OAuth.
    OAuth(OAuthError),
    /// Something is not there now.
    Unavailable(Unavailable),
}

impl<E: Into<Unavailable>> From<E> for Refusal {
    fn from(fault: E) -> Self {
        Self::Unavailable(fault.into())
    }
}

impl From<OAuthError> for Refusal {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl IntoResponse for Unavailable {
    /// JSON for programs. The routes for people make a page of it: [`as_page`].
    fn into_response(self) -> Response {
        tracing::error!(fault = &self as &dyn Error, "The authorization server cannot answer");
        let code = ErrorCode::TemporarilyUnavailable;
        let error = OAuthError::new(code, "the authorization server is busy: try again shortly");
        let mut response = busy(&error);
        response.extensions_mut().insert(OfUnavailable);
        response
    }
}

/// Marks the response to an [`Unavailable`].
#[derive(Debug, Clone, Copy)]
struct OfUnavailable;

/// The layer of the routes for people: what is [`Unavailable`] there is answered with a page.
pub(crate) async fn as_page(
    State(server): State<AuthorizationServer>,
    response: Response,
) -> Response {
    if response.extensions().get::<OfUnavailable>().is_none() {
        return response;
    }
    ErrorPage { frame: server.frame(), problem: Problem::Unavailable }.response()
}

impl IntoResponse for Refusal {
    /// RFC 6749 §5.2: 401 with a challenge for `invalid_client`, 400 else; 503 for what passes.
    fn into_response(self) -> Response {
        let error = match self {
            Self::OAuth(error) => error,
            Self::Unavailable(fault) => return fault.into_response(),
        };
        match error.code() {
            ErrorCode::InvalidClient => {
                let mut response = json(StatusCode::UNAUTHORIZED, &error);
                let challenge = HeaderValue::from_static("Basic realm=\"token endpoint\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                response
            }
            ErrorCode::TemporarilyUnavailable => busy(&error),
            _ => json(StatusCode::BAD_REQUEST, &error),
        }
    }
}

/// A redirect by `GET`, whatever the method was (RFC 9110 §15.4.4, RFC 9700 §4.12).
pub(crate) fn redirect(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// 503: another try in a moment may succeed.
pub(crate) fn busy(error: &OAuthError) -> Response {
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// JSON that no cache keeps (RFC 6749 §5.1).
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    let Ok(body) = serde_json::to_vec(value) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (status, [(header::CONTENT_TYPE, "application/json")], no_store, body).into_response()
}
