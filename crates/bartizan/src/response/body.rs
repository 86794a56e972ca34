//! The bodies of answers: JSON-RPC errors, and OAuth's two members.

use auth_core::{Scope, ScopeSet, quota::QuotaExceededError};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::{RequestId, rate::RateLimitedError, request::message::Id};

/// The JSON-RPC error code for headers that differ from the body (MCP 2026-07-28).
pub(super) const HEADER_MISMATCH: i32 = -32020;
/// The JSON-RPC error code for a session that there is not (the SDKs' own).
pub(super) const NO_SUCH_SESSION: i32 = -32001;
/// The JSON-RPC error code for what the client does not say that it can (MCP 2026-07-28).
pub(super) const MISSING_CAPABILITY: i32 = -32021;
/// The JSON-RPC error codes of 401, 403 and 406. JSON-RPC 2.0 §5.1 leaves them to servers, and MCP
/// has its own from -32020 on.
pub(super) const UNAUTHORIZED: i32 = -32010;
pub(super) const FORBIDDEN: i32 = -32011;
pub(super) const NOT_ACCEPTABLE: i32 = -32012;
/// The JSON-RPC error code for params that name nothing (JSON-RPC 2.0 §5.1).
pub(super) const INVALID_PARAMS: i32 = -32602;
/// JSON-RPC 2.0 §5.1: a method that there is not.
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
/// JSON-RPC 2.0 §5.1: one of those that it leaves to servers.
pub(super) const RATE_LIMITED: i32 = -32000;
/// JSON-RPC 2.0 §5.1: the protected server panicked.
pub(super) const INTERNAL_ERROR: i32 = -32603;
/// How long to wait before asking again, in seconds.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

pub(super) fn forbidden(message: &str, data: Value, id: Option<&Id>) -> Response<Full<Bytes>> {
    let body = error_body(FORBIDDEN, message, Some(data), id);
    json_response(StatusCode::FORBIDDEN, body.into())
}

pub(super) fn list(scopes: &ScopeSet) -> Value {
    scopes.iter().map(Scope::as_str).collect()
}

pub(super) fn retry_later(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = plain(status, "temporarily_unavailable", text);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

/// 429 with the seconds until the next request is due: a JSON-RPC error if the request's id is
/// known.
pub(super) fn rate_limited(
    limited: &RateLimitedError,
    request: RequestId,
    id: Option<&Id>,
) -> Response<Full<Bytes>> {
    let (status, text) = (StatusCode::TOO_MANY_REQUESTS, limited.to_string());
    let Some(id) = id else {
        let mut response = plain(status, "temporarily_unavailable", &text);
        response.headers_mut().insert(header::RETRY_AFTER, limited.seconds().into());
        return response;
    };
    beyond_limit(status, "rate_limited", &text, limited.seconds(), request, id)
}

/// 429 where a caller has as many calls under way as one may have, 503 where all have.
pub(super) fn too_many_calls(
    exceeded: QuotaExceededError,
    text: &str,
    request: RequestId,
    id: &Id,
) -> Response<Full<Bytes>> {
    let status = match exceeded {
        QuotaExceededError::Caller => StatusCode::TOO_MANY_REQUESTS,
        QuotaExceededError::Total => StatusCode::SERVICE_UNAVAILABLE,
    };
    // When a call ends is not known.
    beyond_limit(status, "too_many_calls", text, 1, request, id)
}

/// A JSON-RPC error that says in how many seconds the call may be made again.
fn beyond_limit(
    status: StatusCode,
    error: &str,
    text: &str,
    seconds: u64,
    request: RequestId,
    id: &Id,
) -> Response<Full<Bytes>> {
    let request = request.to_string();
    let data = json!({ "error": error, "request_id": request, "retry_after": seconds });
    let body = error_body(RATE_LIMITED, text, Some(data), Some(id));
    let mut response = json_response(status, body.into());
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

pub(super) fn plain(status: StatusCode, error: &str, description: &str) -> Response<Full<Bytes>> {
    let body = json!({ "error": error, "error_description": description });
    json_response(status, body.to_string().into())
}

pub(super) fn json_rpc(
    status: StatusCode,
    code: i32,
    message: &str,
    id: Option<&Id>,
) -> Response<Full<Bytes>> {
    json_response(status, error_body(code, message, None, id).into())
}

/// A JSON-RPC error (JSON-RPC 2.0 §5.1); its `id` is `null` where it is not known.
pub(super) fn error_body(code: i32, message: &str, data: Option<Value>, id: Option<&Id>) -> String {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(error), Some(data)) = (error.as_object_mut(), data) {
        error.insert("data".into(), data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}

pub(super) fn json_response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
