//! The one place where a fault becomes a status and a `WWW-Authenticate`.
//!
//! | fault | status | challenge |
//! |---|---|---|
//! | `Host` or `Origin` | 403 | – |
//! | no token | 401 | without `error` (RFC 6750 §3.1) |
//! | several tokens, in the wrong place, malformed | 400 | `invalid_request` |
//! | invalid or revoked token | 401 | `invalid_token` |
//! | unknown or disabled user | 403 | – : a new token would not help |
//! | users cannot be looked up, or an issuer not be asked | 503 + `Retry-After` | – |
//! | another HTTP method | 405 | – |
//! | body too long, too slow, broken off | 413, 408, 400 | – |
//! | more bytes of bodies than there is memory for | 503 + `Retry-After` | – |
//! | a decision that could not be recorded | 503 + `Retry-After` | – |
//! | more streams than a caller may have open | 429 + `Retry-After` | – |
//! | more calls under way than a caller may have | 429 + `Retry-After` + JSON-RPC error | – |
//! | more calls under way than all may have | 503 + `Retry-After` + JSON-RPC error | – |
//! | more requests than a rate allows | 429 + `Retry-After` + JSON-RPC error | – |
//! | more refused tokens than one address may send | 429 + `Retry-After` | – |
//! | body that is no message; headers that differ from it | 400 + JSON-RPC error | – |
//! | a method without a target that the request's revision has dropped | 404 + JSON-RPC error | – |
//! | a session or an event that is not the caller's, or that there is not | 404 + JSON-RPC error | – |
//! | a task that is not the caller's, or that there is not | 200 + JSON-RPC error, as servers say it | – |
//! | the same, of a client that does not say that it knows tasks | 400 + JSON-RPC error | – |
//! | a POST that does not accept both types of answers, where the server behind wants that | 406 + JSON-RPC error | – |
//! | scope missing, and the user may hold it | 403 | `insufficient_scope`, with the scopes held and those needed |
//! | scope missing, and the user may not hold it; no rule | 403 | – : a new token would not help |
//!
//! 1. The body of a 401 or 403 is a JSON-RPC error, which clients show to people. Its `id` is the
//!    request's, or `null` where the body was not read; its `data` has OAuth's error code in
//!    `error`, the request's id in `request_id`, and for scopes `required` and `granted`. What a
//!    client decides by is the status and the challenge (RFC 6750 §3).
//! 2. Refusals with another status, before the body was read, have OAuth's two members instead:
//!    clients built with rmcp take a JSON-RPC error without an id for no answer at all, and would
//!    go on waiting. They do not do so with 401 and 403.

mod body;
mod challenges;
mod endpoint;

use auth_core::{VerifyError, quota::QuotaExceededError};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use self::body::{INTERNAL_ERROR, error_body, json_response, plain};
pub(crate) use self::challenges::Challenges;
pub use self::endpoint::EndpointError;

use crate::{
    AuthenticateError, MessageError, NoRoomError, RequestId,
    observer::{Outcome, RefusalKind},
    ownership::owned_ids::OwnedIdError,
    rate::RateLimitedError,
    request::{
        accept::NotAcceptableError, bearer::CredentialError, body::BodyError,
        headers::HeaderMismatchError, message::Id, origin::OriginError,
    },
};

/// Why a request went no further, before any action was decided on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Origin(#[from] OriginError),
    #[error("no bearer token was sent")]
    NoToken,
    #[error("{0}")]
    BadRequest(CredentialError),
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    #[error("the method is not GET, POST or DELETE")]
    HttpMethod,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("{0}")]
    Message(MessageError, Option<Id>),
    #[error("{0}")]
    Headers(HeaderMismatchError, Option<Id>),
    #[error("{0}")]
    OwnedId(OwnedIdError, Option<Id>),
    #[error("{0}")]
    Accept(NotAcceptableError, Option<Id>),
    #[error("the task does not exist, or is not this caller's")]
    UnknownTask(Option<Id>),
    #[error("the client does not say that it knows tasks")]
    TasksCapabilityRequired(Option<Id>),
    #[error(transparent)]
    Unrecordable(#[from] NoRoomError),
    #[error("the limit on open streams is reached for {0}: close one, or try again later")]
    TooManyStreams(QuotaExceededError),
    #[error("the limit on calls under way is reached for {0}: try again when one has ended")]
    TooManyCalls(QuotaExceededError, Id),
    #[error("{0}")]
    RateLimited(RateLimitedError, Option<Id>),
}

impl Refusal {
    /// The kind that observers see.
    pub(crate) const fn kind(&self) -> RefusalKind {
        match self {
            Self::NoToken => RefusalKind::MissingToken,
            Self::Origin(_) => RefusalKind::ForbiddenOrigin,
            Self::OwnedId(..) | Self::UnknownTask(..) | Self::TasksCapabilityRequired(..) => {
                RefusalKind::NotOwned
            }
            Self::RateLimited(limited, _) if limited.is_of_failures() => {
                RefusalKind::FailuresReached
            }
            Self::RateLimited(..) => RefusalKind::RateReached,
            Self::TooManyCalls(..) => RefusalKind::CallsReached,
            Self::TooManyStreams(_) => RefusalKind::StreamsReached,
            Self::Body(BodyError::NoMemory(_)) => RefusalKind::MemoryReached,
            Self::Unrecordable(_) => RefusalKind::Unrecordable,
            _ => RefusalKind::Malformed,
        }
    }

    /// As observers see it.
    pub(crate) const fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Authenticate(error) => Outcome::Unauthenticated(error),
            _ => Outcome::Refused(self.kind(), self),
        }
    }
}

/// No token at all is not an error of a token.
impl From<CredentialError> for Refusal {
    fn from(fault: CredentialError) -> Self {
        match fault {
            CredentialError::Missing => Self::NoToken,
            CredentialError::TooLong => Self::Authenticate(VerifyError::TooLong.into()),
            other => Self::BadRequest(other),
        }
    }
}

/// The protected server answered with what cannot be passed on.
pub(crate) fn bad_gateway() -> Response<Full<Bytes>> {
    let text = "the protected server gave an answer that cannot be passed on";
    plain(StatusCode::BAD_GATEWAY, "server_error", text)
}

/// The server behind panicked while it answered the message of this `id`.
pub(crate) fn panicked(request: RequestId, id: Option<&Id>) -> Response<Full<Bytes>> {
    let data = json!({ "request_id": request.to_string() });
    let body = error_body(INTERNAL_ERROR, "internal error", Some(data), id);
    json_response(StatusCode::INTERNAL_SERVER_ERROR, body.into())
}
