//! One response: read whole, or as a stream.

use std::fmt;

use auth_core::{Challenge, ChallengeError, parse_strict};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::{AddressClass, OutboundError, www_authenticate};

/// A response that was read to its end.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers, `Cache-Control` and `Retry-After` among them.
    pub headers: HeaderMap,
    /// The body, as it was received.
    pub body: Vec<u8>,
    /// The class of the address that sent it; [`AddressClass::Public`] where a proxy is between,
    /// unless the URL itself has an IP address.
    pub source: AddressClass,
}

/// Shows neither headers nor body, which may hold secrets.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl Response {
    /// A response without a network, for tests.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body, source: AddressClass::Public }
    }

    /// The body, if it is JSON without a member that appears twice.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        parse_strict(&self.body).ok()
    }

    /// The media type without its parameters, in lower case (RFC 9110 §8.3.1).
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// After how many seconds to ask again, if it says so in seconds (RFC 9110 §10.2.3).
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
    }

    /// The `Bearer` challenge.
    pub fn challenge(&self) -> Result<Challenge, ChallengeError> {
        www_authenticate::challenge(&self.headers)
    }
}

/// A response whose body comes piece by piece. It has no bound on its length, or on its time after
/// the head: the caller sets them.
#[derive(Debug)]
pub struct StreamingResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// As in [`Response::source`].
    pub source: AddressClass,
    pub(crate) inner: reqwest::Response,
}

impl StreamingResponse {
    /// The next piece of the body; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, OutboundError> {
        self.inner.chunk().await.map_err(OutboundError::from)
    }

    /// The whole body, of at most `max` bytes.
    pub(crate) async fn whole(mut self, max: usize) -> Result<Response, OutboundError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > max {
                return Err(OutboundError::BodyTooLarge(max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status: self.status, headers: self.headers, body, source: self.source })
    }
}
