//! What an endpoint of ours beside the MCP server answers when it cannot answer: by the same
//! mapping.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::body::{INVALID_PARAMS, METHOD_NOT_FOUND, RATE_LIMITED, json_response};

/// Why an endpoint behind the guard, which speaks JSON-RPC as MCP does, does not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// 404: it has no such method.
    #[error("no such method")]
    UnknownMethod,
    /// 400: the parameters are not what the method takes; the text says what it takes.
    #[error("{0}")]
    InvalidParams(Cow<'static, str>),
    /// 429, with `Retry-After` of one second.
    #[error("asked too often")]
    RateLimited,
}

impl EndpointError {
    /// The answer to the request with this id; `null` if it is not known.
    #[must_use]
    pub fn response(&self, id: &Value) -> Response<Full<Bytes>> {
        let (status, code) = match self {
            Self::UnknownMethod => (StatusCode::NOT_FOUND, METHOD_NOT_FOUND),
            Self::InvalidParams(_) => (StatusCode::BAD_REQUEST, INVALID_PARAMS),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED),
        };
        let error = json!({ "code": code, "message": self.to_string() });
        let body = json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string();
        let mut response = json_response(status, body.into());
        if *self == Self::RateLimited {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
