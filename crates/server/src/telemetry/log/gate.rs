//! No request is begun whose decision could not be logged.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
    response::IntoResponse,
    routing::future::RouteFuture,
};
use futures_util::future::Either;
use hyper::body::Incoming;
use tower::Service;

use super::writer::Writer;
use crate::{admin::health, current_router::CurrentRouter};

/// What the caller receives. The cause is for the operator: `/readyz` has it. It is no JSON-RPC
/// error: the id is not known yet, and rmcp's client ignores an error without an id and keeps
/// waiting.
const BODY: &str = r#"{"error":"temporarily_unavailable","error_description":"the server cannot take requests at the moment: try again later"}"#;

/// Passes requests to `router` while the log can be written, and health checks always.
#[derive(Clone)]
pub(crate) struct Gate {
    router: CurrentRouter,
    log: Option<Writer>,
}

impl Gate {
    /// Without a log, nothing waits for it.
    pub(crate) const fn new(router: CurrentRouter, log: Option<Writer>) -> Self {
        Self { router, log }
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Service<Request<Incoming>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, Waiting>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let busy = self.log.as_ref().filter(|log| !log.is_clear());
        let (Some(log), false) = (busy, health::PATHS.contains(&request.uri().path())) else {
            return Either::Left(self.router.current().call(request));
        };
        let (log, mut router) = (log.clone(), self.router.current());
        Either::Right(Box::pin(async move {
            if log.has_capacity().await {
                return router.call(request).await;
            }
            let headers = [
                (header::RETRY_AFTER, "5"),
                (header::CACHE_CONTROL, "no-store"),
                (header::CONTENT_TYPE, "application/json"),
            ];
            Ok((StatusCode::SERVICE_UNAVAILABLE, headers, BODY).into_response())
        }))
    }
}
