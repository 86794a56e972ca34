//! HTTP responses.

use std::convert::Infallible;

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};

use crate::{
    port::OpenError,
    wire::{ErrorCode, Message, Object, failure_text},
};

/// A response of the front.
pub(super) type Answer = Response<BoxBody<Bytes, Infallible>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// JSON.
pub(super) fn json(status: StatusCode, text: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(text).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

/// A JSON-RPC error.
pub(super) fn error(
    status: StatusCode,
    id: Option<&str>,
    code: ErrorCode,
    message: &str,
) -> Answer {
    json(status, failure_text(id, code, message, None).into())
}

/// Nothing but a status.
pub(super) fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Empty::new().boxed());
    *answer.status_mut() = status;
    answer
}

/// Another method is needed.
pub(super) fn method_not_allowed() -> Answer {
    let mut answer = status(StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
    answer
}

/// An event stream.
pub(super) fn events(body: BoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, EVENTS);
    headers.insert(CACHE_CONTROL, NO_STORE);
    // For reverse proxies, which would keep events back (MCP 2026-07-28, receiving messages).
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    answer
}

/// There is no server for this request.
pub(super) fn not_opened(id: Option<&str>, error: OpenError) -> Answer {
    match error {
        OpenError::Refused(answer) => json(StatusCode::OK, answer.into_bytes()),
        OpenError::TooMany | OpenError::Unavailable(_) => self::error(
            StatusCode::SERVICE_UNAVAILABLE,
            id,
            ErrorCode::INTERNAL,
            &error.to_string(),
        ),
    }
}

/// The caller has as many calls in flight as it may.
pub(super) fn too_many(id: Option<&str>) -> Answer {
    let text = "too many calls are in flight";
    error(StatusCode::TOO_MANY_REQUESTS, id, ErrorCode::INTERNAL, text)
}

/// The code of an answer that is an error.
pub(super) fn error_code(answer: &Message) -> Option<i32> {
    Object::parse(answer.error()?).ok()?.get("code")?.parse().ok()
}
