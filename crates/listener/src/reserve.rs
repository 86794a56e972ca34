//! The connections that are left when all others are in use: health checks are answered, everything
//! else is refused.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
    response::IntoResponse,
};
use futures_util::future::Either;
use hyper::body::Incoming;
use tower::Service;

/// Answers with `S`; in the reserve that is health checks alone, and everything else is 503.
#[derive(Debug, Clone)]
pub(super) struct Reserve<S> {
    pub(super) inner: S,
    /// What is a health check, in the reserve.
    pub(super) is_health_check: Option<fn(&str) -> bool>,
}

impl<S> Service<Request<Incoming>> for Reserve<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if self.is_health_check.is_none_or(|is_one| is_one(request.uri().path())) {
            return Either::Left(self.inner.call(request));
        }
        let busy = "too many connections are open, from your address or in all: try again later\n";
        let headers = [(header::RETRY_AFTER, "1"), (header::CACHE_CONTROL, "no-store")];
        let response = (StatusCode::SERVICE_UNAVAILABLE, headers, busy).into_response();
        Either::Right(ready(Ok(response)))
    }
}
