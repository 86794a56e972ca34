//! The answers to requests that go no further, with their challenges (RFC 6750 §3, RFC 9728 §5.1).

use auth_core::{BearerError, Challenge, Denial, DenialReason, ScopeSet};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

use super::{
    Refusal,
    body::{
        HEADER_MISMATCH, INVALID_PARAMS, MISSING_CAPABILITY, NO_SUCH_SESSION, NOT_ACCEPTABLE,
        UNAUTHORIZED, error_body, forbidden, json_response, json_rpc, list, plain, rate_limited,
        retry_later, too_many_calls,
    },
};
use crate::{
    AuthenticateError, MessageError, RequestId,
    ownership::owned_ids::OwnedIdError,
    request::{body::BodyError, message::Id},
};

/// What every challenge of this server says.
#[derive(Debug, Clone)]
pub(crate) struct Challenges {
    resource_metadata: String,
    scopes: ScopeSet,
    no_token: PrebuiltResponse,
    invalid_token: PrebuiltResponse,
}

/// A 401 that is always the same but for the request's id, written out at the start: a flood of bad
/// tokens costs little.
#[derive(Debug, Clone)]
struct PrebuiltResponse {
    challenge: Option<HeaderValue>,
    /// The body before and after the id of the request.
    body: (String, String),
}

impl PrebuiltResponse {
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
        let no_token = PrebuiltResponse::new(&bare, "unauthorized", text);
        // One text for every reason: which check failed is for the operator alone.
        let text = "The access token is not valid";
        let error = Some(BearerError::InvalidToken);
        let invalid = challenge(&resource_metadata, &scopes, error, Some(text));
        let invalid_token = PrebuiltResponse::new(&invalid, "invalid_token", text);
        Self { resource_metadata, scopes, no_token, invalid_token }
    }

    /// The answer to the request `request`, which went no further.
    #[expect(clippy::too_many_lines, reason = "one arm for each refusal")]
    pub(crate) fn refuse(&self, request: RequestId, refusal: &Refusal) -> Response<Full<Bytes>> {
        use AuthenticateError as A;
        match refusal {
            Refusal::Origin(fault) => {
                let data = json!({
                    "error": "forbidden",
                    "header": fault.fault.header().as_str(),
                    "request_id": request.to_string(),
                });
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
            // One text for both. The token is valid, so its subject may learn who that is.
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
                    "you are {subject} of {issuer}: the user does not exist here or is disabled, so a new token would not help. The operator of the server can add or enable the user"
                );
                forbidden(&text, data, None)
            }
            Refusal::Authenticate(A::Unavailable(_)) => {
                let text = "the token or its user cannot be checked at the moment";
                retry_later(StatusCode::SERVICE_UNAVAILABLE, text)
            }
            Refusal::HttpMethod => {
                let (status, text) = (StatusCode::METHOD_NOT_ALLOWED, refusal.to_string());
                let mut response = plain(status, "method_not_allowed", &text);
                let allow = HeaderValue::from_static("GET, POST, DELETE");
                response.headers_mut().insert(header::ALLOW, allow);
                response
            }
            Refusal::Body(fault) => {
                let status = match fault {
                    BodyError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
                    BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
                    BodyError::Broken => StatusCode::BAD_REQUEST,
                    BodyError::NoMemory(_) => StatusCode::SERVICE_UNAVAILABLE,
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
            Refusal::Unrecordable(_) => unrecordable(),
            Refusal::TooManyCalls(exceeded, id) => {
                too_many_calls(*exceeded, &refusal.to_string(), request, id)
            }
            Refusal::RateLimited(limited, id) => rate_limited(limited, request, id.as_ref()),
            Refusal::Message(fault, id) => {
                let status = match fault {
                    MessageError::MethodRemoved => StatusCode::NOT_FOUND,
                    _ => StatusCode::BAD_REQUEST,
                };
                json_rpc(status, fault.code(), &fault.to_string(), id.as_ref())
            }
            Refusal::Headers(fault, id) => {
                let (status, text) = (StatusCode::BAD_REQUEST, fault.to_string());
                json_rpc(status, HEADER_MISMATCH, &text, id.as_ref())
            }
            Refusal::Accept(fault, id) => {
                let (status, text) = (StatusCode::NOT_ACCEPTABLE, fault.to_string());
                json_rpc(status, NOT_ACCEPTABLE, &text, id.as_ref())
            }
            Refusal::OwnedId(fault, id) => {
                let text = match fault {
                    OwnedIdError::Session => "no such session",
                    OwnedIdError::Event => "no such event",
                };
                json_rpc(StatusCode::NOT_FOUND, NO_SUCH_SESSION, text, id.as_ref())
            }
            Refusal::UnknownTask(id) => {
                json_rpc(StatusCode::OK, INVALID_PARAMS, "no such task", id.as_ref())
            }
            Refusal::TasksCapabilityRequired(id) => {
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

    /// The answer to the request `request`, whose message has this `id`, by a caller who may not do
    /// what it asks for.
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
        // Several clients replace the scopes that they have by these.
        let challenge = Challenge {
            scope: Some(denial.required().union(denial.granted())),
            ..self.with(Some(BearerError::InsufficientScope), Some(&text))
        };
        challenge_with(&mut response, &challenge);
        response
    }

    fn with(&self, error: Option<BearerError>, description: Option<&str>) -> Challenge {
        challenge(&self.resource_metadata, &self.scopes, error, description)
    }
}

/// The cause is for the operator alone.
fn unrecordable() -> Response<Full<Bytes>> {
    let text = "the server cannot take requests at the moment: try again later";
    retry_later(StatusCode::SERVICE_UNAVAILABLE, text)
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
