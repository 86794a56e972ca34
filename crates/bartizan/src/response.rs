//! The one place where a fault becomes a status and a `WWW-Authenticate`.
//!
//! | fault | status | challenge |
//! |---|---|---|
//! | `Host` or `Origin` | 403 | – |
//! | no token | 401 | without `error` (RFC 6750 §3.1) |
//! | several tokens, in the wrong place, malformed | 400 | `invalid_request` |
//! | void or revoked token | 401 | `invalid_token` |
//! | unknown or disabled user | 403 | – : a new token would not help |
//! | users cannot be looked up, or an issuer not be asked | 503 + `Retry-After` | – |
//! | another HTTP method | 405 | – |
//! | body too long, too slow, broken off | 413, 408, 400 | – |
//! | more bytes of bodies than there is memory for | 503 + `Retry-After` | – |
//! | more streams than a caller may have open | 429 + `Retry-After` | – |
//! | body that is no message; headers that differ from it | 400 + JSON-RPC error | – |
//! | a method without a target that the request's revision has dropped | 404 + JSON-RPC error | – |
//! | a session or an event that is not the caller's, or that there is not | 404 + JSON-RPC error | – |
//! | a task that is not the caller's, or that there is not | 200 + JSON-RPC error, as servers say it | – |
//! | the same, of a client that does not say that it knows tasks | 400 + JSON-RPC error | – |
//! | a POST that does not accept both types of answers, where the server behind wants that | 406 + JSON-RPC error | – |
//! | scope missing, and the user may hold it | 403 | `insufficient_scope`, with all scopes needed |
//! | scope missing, and the user may not hold it; no rule | 403 | – : a new token would not help |
//!
//! 1. The body of a 401 or 403 is a JSON-RPC error, which clients show to people. Its `id` is the request's,
//!    or `null` where the body was not read; its `data` has OAuth's error code in `error`, the request's id
//!    in `request_id`, and for scopes `required` and `granted`. What a client decides by is the status and
//!    the challenge (RFC 6750 §3).
//! 2. Refusals with another status, before the body was read, have OAuth's two members instead: clients
//!    built with rmcp take a JSON-RPC error without an id for no answer at all, and would go on waiting.
//!    They do not do so with 401 and 403.

use auth_core::{BearerError, Challenge, Denial, DenialReason, Scope, ScopeSet, VerifyError};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{
    AuthenticateError, MessageError, RequestId,
    observer::{Outcome, RefusalKind},
    ownership::seals::SealFault,
    request::{
        accept::NotAcceptable, bearer::BearerFault, body::BodyFault, headers::HeaderMismatch,
        message::Id, origin::OriginFault, quota::Exceeded,
    },
};

/// The JSON-RPC error code for headers that differ from the body (MCP 2026-07-28).
const HEADER_MISMATCH: i32 = -32020;
/// The JSON-RPC error code for a session that there is not (the SDKs' own).
const NO_SUCH_SESSION: i32 = -32001;
/// The JSON-RPC error code for what the client does not say that it can (MCP 2026-07-28).
const MISSING_CAPABILITY: i32 = -32021;
/// The JSON-RPC error codes of 401, 403 and 406. JSON-RPC 2.0 §5.1 leaves them to servers, and MCP has
/// its own from -32020 on.
const UNAUTHORIZED: i32 = -32010;
const FORBIDDEN: i32 = -32011;
const NOT_ACCEPTABLE: i32 = -32012;
/// The JSON-RPC error code for params that name nothing (JSON-RPC 2.0 §5.1).
const INVALID_PARAMS: i32 = -32602;
/// JSON-RPC 2.0 section 5.1: the server behind panicked.
const INTERNAL_ERROR: i32 = -32603;
/// How long to wait before asking again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Why a request went no further, before any action was decided on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Origin(#[from] OriginFault),
    #[error("no bearer token was sent")]
    NoToken,
    #[error("{0}")]
    BadRequest(BearerFault),
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    #[error("the method is not GET, POST or DELETE")]
    HttpMethod,
    #[error(transparent)]
    Body(#[from] BodyFault),
    #[error("{0}")]
    Message(MessageError, Option<Id>),
    #[error("{0}")]
    Headers(HeaderMismatch, Option<Id>),
    #[error("{0}")]
    Seal(SealFault, Option<Id>),
    #[error("{0}")]
    Accept(NotAcceptable, Option<Id>),
    #[error("the task does not exist, or is not this caller's")]
    UnknownTask(Option<Id>),
    #[error("the client does not say that it knows tasks")]
    NeedsTasks(Option<Id>),
    #[error("the limit on open streams is reached for {0}: close one, or try again later")]
    TooManyStreams(Exceeded),
}

impl Refusal {
    /// What observers are told.
    pub(crate) const fn kind(&self) -> RefusalKind {
        match self {
            Self::NoToken => RefusalKind::MissingToken,
            Self::Origin(_) => RefusalKind::ForbiddenOrigin,
            Self::Seal(..) | Self::UnknownTask(..) | Self::NeedsTasks(..) => RefusalKind::NotOwned,
            Self::Body(BodyFault::NoMemory(_)) | Self::TooManyStreams(_) => {
                RefusalKind::LimitReached
            }
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

/// The token's own faults go two ways: nothing sent is not an error of the token.
impl From<BearerFault> for Refusal {
    fn from(fault: BearerFault) -> Self {
        match fault {
            BearerFault::Missing => Self::NoToken,
            BearerFault::TooLong => Self::Authenticate(VerifyError::TooLong.into()),
            other => Self::BadRequest(other),
        }
    }
}

/// What every challenge of this server says.
#[derive(Debug, Clone)]
pub(crate) struct Challenges {
    resource_metadata: String,
    scopes: ScopeSet,
    no_token: Ready,
    invalid_token: Ready,
}

/// A 401 that is always the same but for the request's id, written out at the start: a flood of bad
/// tokens costs little.
#[derive(Debug, Clone)]
struct Ready {
    challenge: Option<HeaderValue>,
    /// The body before and after the id of the request.
    body: (String, String),
}

impl Ready {
    fn new(challenge: &Challenge, error: &str, description: &str) -> Self {
        const PLACE: &str = "0000000000000000";
        let data = json!({ "error": error, "request_id": PLACE });
        let body = error_body(UNAUTHORIZED, description, Some(data), None);
        let (before, after) = body.split_once(PLACE).unwrap_or_default();
        let challenge = HeaderValue::try_from(challenge.to_string()).ok();
        Self { challenge, body: (before.to_owned(), after.to_owned()) }
    }

    fn answer(&self, id: RequestId) -> Response<Full<Bytes>> {
        let (before, after) = &self.body;
        let body = format!("{before}{id}{after}");
        let mut response = json_response(StatusCode::UNAUTHORIZED, body.into());
        if let Some(challenge) = &self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.clone());
        }
        response
    }
}

impl Challenges {
    pub(crate) fn new(resource_metadata: String, scopes: ScopeSet) -> Self {
        let text = "this server needs a bearer token";
        let bare = challenge(&resource_metadata, &scopes, None, None);
        let no_token = Ready::new(&bare, "unauthorized", text);
        // One text for every reason: which check failed is for the operator alone.
        let text = "The access token is not valid";
        let error = Some(BearerError::InvalidToken);
        let invalid = challenge(&resource_metadata, &scopes, error, Some(text));
        let invalid_token = Ready::new(&invalid, "invalid_token", text);
        Self { resource_metadata, scopes, no_token, invalid_token }
    }

    /// The answer to the request `request`, which went no further.
    pub(crate) fn refuse(&self, request: RequestId, refusal: &Refusal) -> Response<Full<Bytes>> {
        use AuthenticateError as A;
        match refusal {
            Refusal::Origin(fault) => {
                let data = json!({ "error": "forbidden", "request_id": request.to_string() });
                forbidden(&fault.to_string(), data, None)
            }
            Refusal::NoToken => self.no_token.answer(request),
            Refusal::BadRequest(fault) => {
                let text = fault.to_string();
                let challenge = self.with(Some(BearerError::InvalidRequest), Some(&text));
                challenged(StatusCode::BAD_REQUEST, &challenge, "invalid_request", &text)
            }
            Refusal::Authenticate(A::InvalidToken(_) | A::RevokedToken { .. }) => {
                self.invalid_token.answer(request)
            }
            // One text for both. The token is good, so who it is about may be told who that is.
            Refusal::Authenticate(
                A::UnknownUser { issuer, subject, .. } | A::DisabledUser { issuer, subject, .. },
            ) => {
                let data = json!({
                    "error": "access_denied",
                    "issuer": issuer,
                    "request_id": request.to_string(),
                    "subject": subject,
                });
                let text = format!(
                    "you are {subject} of {issuer}: the user does not exist here or is disabled, so a new token would not help. Whoever runs the server can add or enable the user"
                );
                forbidden(&text, data, None)
            }
            Refusal::Authenticate(A::Unavailable(_)) => {
                let text = "the token or its user cannot be checked at the moment";
                retry_later(StatusCode::SERVICE_UNAVAILABLE, text)
            }
            Refusal::HttpMethod => {
                let mut response = plain(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    &refusal.to_string(),
                );
                let allow = HeaderValue::from_static("GET, POST, DELETE");
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
            Refusal::Body(fault) => {
                let status = match fault {
                    BodyFault::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
                    BodyFault::TooSlow => StatusCode::REQUEST_TIMEOUT,
                    BodyFault::Broken => StatusCode::BAD_REQUEST,
                    BodyFault::NoMemory(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                let mut response = if status == StatusCode::SERVICE_UNAVAILABLE {
                    let text = format!("{fault}: try again when others are answered");
                    retry_later(status, &text)
                } else {
                    plain(status, "invalid_request", &fault.to_string())
                };
                // What is left of the body is not read: the connection is of no more use.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
                response
            }
            Refusal::TooManyStreams(_) => {
                let text = format!("{refusal}: end one, or try again later");
                retry_later(StatusCode::TOO_MANY_REQUESTS, &text)
            }
            Refusal::Message(fault, id) => {
                json_rpc(fault.status(), fault.code(), &fault.to_string(), id.as_ref())
            }
            Refusal::Headers(fault, id) => {
                let (status, text) = (StatusCode::BAD_REQUEST, fault.to_string());
                json_rpc(status, HEADER_MISMATCH, &text, id.as_ref())
            }
            Refusal::Accept(fault, id) => {
                let (status, text) = (StatusCode::NOT_ACCEPTABLE, fault.to_string());
                json_rpc(status, NOT_ACCEPTABLE, &text, id.as_ref())
            }
            Refusal::Seal(fault, id) => {
                let text = match fault {
                    SealFault::Session => "no such session",
                    SealFault::Event => "no such event",
                };
                json_rpc(StatusCode::NOT_FOUND, NO_SUCH_SESSION, text, id.as_ref())
            }
            Refusal::UnknownTask(id) => {
                json_rpc(StatusCode::OK, INVALID_PARAMS, "no such task", id.as_ref())
            }
            Refusal::NeedsTasks(id) => {
                let tasks = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
                let error = json!({
                    "code": MISSING_CAPABILITY,
                    "message": "missing required client capability",
                    "data": { "requiredCapabilities": tasks },
                });
                let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
                json_response(StatusCode::BAD_REQUEST, body.to_string().into())
            }
        }
    }

    /// The answer to the request `request`, whose message has this `id`, by a caller who may not do what
    /// it asks for.
    pub(crate) fn deny(
        &self,
        request: RequestId,
        denial: &Denial,
        id: Option<&Id>,
    ) -> Response<Full<Bytes>> {
        let text = denial.to_string();
        let lacks_scope = denial.reason() == DenialReason::MissingScope;
        let error = if lacks_scope { "insufficient_scope" } else { "access_denied" };
        let mut data = json!({ "error": error, "request_id": request.to_string() });
        // Where no rule is, nothing is required.
        if let (Some(data), true) = (data.as_object_mut(), denial.reason() != DenialReason::NoRule)
        {
            data.insert("required".into(), list(denial.required()));
            data.insert("granted".into(), list(denial.granted()));
        }
        let mut response = forbidden(&text, data, id);
        if !lacks_scope {
            return response;
        }
        let challenge = Challenge {
            scope: Some(denial.required().clone()),
            ..self.with(Some(BearerError::InsufficientScope), Some(&text))
        };
        challenge_with(&mut response, &challenge);
        response
    }

    fn with(&self, error: Option<BearerError>, description: Option<&str>) -> Challenge {
        challenge(&self.resource_metadata, &self.scopes, error, description)
    }
}

fn challenge(
    resource_metadata: &str,
    scopes: &ScopeSet,
    error: Option<BearerError>,
    description: Option<&str>,
) -> Challenge {
    Challenge {
        error,
        error_description: description.map(str::to_owned),
        scope: (!scopes.is_empty()).then(|| scopes.clone()),
        resource_metadata: Some(resource_metadata.to_owned()),
    }
}

/// An answer that is nobody's fault outside.
pub(crate) fn internal(status: StatusCode) -> Response<Full<Bytes>> {
    plain(status, "server_error", "the server behind gave an answer that cannot be passed on")
}

/// The server behind panicked while it answered the message of this `id`.
pub(crate) fn panicked(request: RequestId, id: Option<&Id>) -> Response<Full<Bytes>> {
    let data = json!({ "request_id": request.to_string() });
    let body = error_body(INTERNAL_ERROR, "internal error", Some(data), id);
    json_response(StatusCode::INTERNAL_SERVER_ERROR, body.into())
}

fn challenged(
    status: StatusCode,
    challenge: &Challenge,
    error: &str,
    description: &str,
) -> Response<Full<Bytes>> {
    let mut response = plain(status, error, description);
    challenge_with(&mut response, challenge);
    response
}

fn challenge_with(response: &mut Response<Full<Bytes>>, challenge: &Challenge) {
    if let Ok(value) = HeaderValue::try_from(challenge.to_string()) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
}

fn forbidden(message: &str, data: Value, id: Option<&Id>) -> Response<Full<Bytes>> {
    let body = error_body(FORBIDDEN, message, Some(data), id);
    json_response(StatusCode::FORBIDDEN, body.into())
}

fn list(scopes: &ScopeSet) -> Value {
    scopes.iter().map(Scope::as_str).collect()
}

fn retry_later(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = plain(status, "temporarily_unavailable", text);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

fn plain(status: StatusCode, error: &str, description: &str) -> Response<Full<Bytes>> {
    let body = json!({ "error": error, "error_description": description });
    json_response(status, body.to_string().into())
}

fn json_rpc(
    status: StatusCode,
    code: i32,
    message: &str,
    id: Option<&Id>,
) -> Response<Full<Bytes>> {
    json_response(status, error_body(code, message, None, id).into())
}

/// A JSON-RPC error (JSON-RPC 2.0 §5.1); its `id` is `null` where it is not known.
fn error_body(code: i32, message: &str, data: Option<Value>, id: Option<&Id>) -> String {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(error), Some(data)) = (error.as_object_mut(), data) {
        error.insert("data".into(), data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}

fn json_response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
