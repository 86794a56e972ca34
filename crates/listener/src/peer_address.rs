//! Which peer a request comes from, for the guard and its observers.

use std::{
    net::IpAddr,
    task::{Context, Poll},
};

use axum::http::{Extensions, Request};
use tower::Service;

/// A service whose requests all come over one connection: each gets the peer's address as an
/// extension.
#[derive(Debug, Clone)]
pub(super) struct WithPeerAddress<S> {
    pub(super) inner: S,
    pub(super) address: IpAddr,
    pub(super) note: fn(&mut Extensions, IpAddr),
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for WithPeerAddress<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        (self.note)(request.extensions_mut(), self.address.to_canonical());
        self.inner.call(request)
    }
}
