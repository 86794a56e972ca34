//! The head of an answer: what is passed on of it, and what is refused.
//!
//! 1. `Content-Type`, `Cache-Control`, `Retry-After`, `Allow`, `X-Accel-Buffering`, the id of the
//!    session and the protocol version are passed on. No other header is, so that a server sets no
//!    cookie, sends no browser elsewhere, and asks no caller for credentials.
//! 2. 401, 403 and 407 become 502: the caller's own token was accepted.
//! 3. An error that is no JSON keeps its status: 404 is the end of a session, 405 means that there
//!    is no such stream. Its text is replaced.

use bytes::Bytes;
use http::{HeaderName, Response, header};
use hyper::body::{Body, Incoming};

use super::{body::PassBody, error::PassError, refusal::id_of};
use crate::http::{AnswerKind, HttpLimits, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, Parts, judge};

/// The headers that are passed on.
const PASSED: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::RETRY_AFTER,
    header::ALLOW,
    HeaderName::from_static("x-accel-buffering"),
    MCP_SESSION_ID,
    MCP_PROTOCOL_VERSION,
];

/// An answer that is passed on.
pub(super) struct Answer {
    response: Response<Incoming>,
    kind: AnswerKind,
}

impl Answer {
    /// Judges a head.
    pub(super) fn of(response: Response<Incoming>, limits: &HttpLimits) -> Result<Self, PassError> {
        let size = response.body().size_hint();
        let is_empty = size.exact() == Some(0) || response.body().is_end_stream();
        let kind = judge(response.status(), response.headers(), is_empty)?;
        if kind == AnswerKind::Json && size.lower() > limits.answer_bytes as u64 {
            return Err(PassError::TooLong(limits.answer_bytes));
        }
        Ok(Self { response, kind })
    }

    /// The answer for the caller whose request had this body.
    pub(super) fn into_response(self, request: &Bytes, limits: &HttpLimits) -> Response<PassBody> {
        let (parts, body) = self.response.into_parts();
        let body = match self.kind {
            AnswerKind::Stream => {
                PassBody::stream(Parts::new(body, limits.idle_stream), id_of(request))
            }
            AnswerKind::Json | AnswerKind::Empty => {
                PassBody::bounded(Parts::new(body, limits.stalled), limits.answer_bytes)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = parts.status;
        let headers = response.headers_mut();
        headers.reserve(PASSED.len());
        for (name, value) in &parts.headers {
            if PASSED.contains(name) {
                headers.append(name, value.clone());
            }
        }
        response
    }
}
