//! Serves the protected resource metadata (RFC 9728 §3): to anyone, from any origin, cacheable.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::Service;

use crate::rules::SharedRules;

/// Answers every request with the metadata; mount it at
/// [`ProtectedResourceMetadata::paths`](auth_core::ProtectedResourceMetadata::paths). The document
/// follows from the configuration and the policy in force: nothing in it comes from the request.
#[derive(Debug, Clone)]
pub struct MetadataService {
    rules: SharedRules,
}

impl MetadataService {
    pub(crate) const fn new(rules: SharedRules) -> Self {
        Self { rules }
    }
}

impl<B> Service<Request<B>> for MetadataService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        match *request.method() {
            Method::GET | Method::HEAD => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let cache = HeaderValue::from_static("public, max-age=3600");
                headers.insert(header::CACHE_CONTROL, cache);
                *response.body_mut() = self.rules.load().metadata.clone().into();
            }
            Method::OPTIONS => {
                let methods = HeaderValue::from_static("GET, HEAD, OPTIONS");
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
                *response.status_mut() = StatusCode::NO_CONTENT;
            }
            _ => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            }
        }
        ready(Ok(response))
    }
}
