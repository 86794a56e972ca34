//! A request as it is passed on.

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::http::SentHeaders;

/// A request as it is passed on. It has no path, no query and no header that could hold the
/// caller's token.
#[derive(Debug, Clone)]
pub struct PassRequest {
    pub(super) method: Method,
    pub(super) headers: SentHeaders,
    pub(super) body: Bytes,
}

impl PassRequest {
    /// What is passed on of a request: its method, its body, and some of its headers.
    #[must_use]
    pub fn new(method: &Method, headers: &HeaderMap, body: Bytes) -> Self {
        Self { method: method.clone(), headers: SentHeaders::of(headers), body }
    }
}
