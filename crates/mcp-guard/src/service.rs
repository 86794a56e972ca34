//! The layer: every request through every step, in the order of the crate's documentation.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::{Action, Decision, Principal};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response,
    header::{CONNECTION, HeaderName},
    request::Parts,
};
use http_body::Body;
use http_body_util::{Either, Full};
use tower::{Layer, Service};

use crate::{
    Authenticate, Caller, Guard, RequestId, audit, bearer, body, headers, message::Message,
    response::Refusal,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts a guard in front of a service.
#[derive(Debug)]
pub struct GuardLayer<A>(Arc<Guard<A>>);

impl<A> GuardLayer<A> {
    pub(crate) const fn new(guard: Arc<Guard<A>>) -> Self {
        Self(guard)
    }
}

impl<A> Clone for GuardLayer<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, A> Layer<S> for GuardLayer<A> {
    type Service = GuardService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService { inner, guard: Arc::clone(&self.0) }
    }
}

/// A service behind a guard.
///
/// The inner service gets the whole body, already read, and a [`Caller`] in the request's extensions;
/// it never gets the token.
#[derive(Debug)]
pub struct GuardService<S, A> {
    inner: S,
    guard: Arc<Guard<A>>,
}

impl<S: Clone, A> Clone for GuardService<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), guard: Arc::clone(&self.guard) }
    }
}

impl<S, A, B, R> Service<Request<B>> for GuardService<S, A>
where
    A: Authenticate,
    S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    R: Body<Data = Bytes>,
{
    /// The inner service's body, or the guard's own.
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let guard = Arc::clone(&self.guard);
        // The service that was polled ready is the one that must be called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let id = RequestId::next();
            let mut response = match admit(&guard, id, request).await {
                Ok(request) => inner.call(request).await?.map(Either::Left),
                Err(response) => response.map(Either::Right),
            };
            if let Ok(value) = HeaderValue::try_from(id.to_string()) {
                response.headers_mut().insert(X_REQUEST_ID, value);
            }
            Ok(response)
        })
    }
}

/// The request as the inner service may see it, or the answer that it gets instead.
async fn admit<A, B>(
    guard: &Guard<A>,
    id: RequestId,
    request: Request<B>,
) -> Result<Request<Full<Bytes>>, Response<Full<Bytes>>>
where
    A: Authenticate,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let refuse = |refusal: Refusal| {
        audit::refused(id, &refusal);
        guard.challenges.refuse(&refusal)
    };
    let (mut parts, body) = request.into_parts();
    let principal = match identify(guard, &mut parts).await {
        Ok(principal) => principal,
        Err(refusal) => {
            let mut response = refuse(refusal);
            if !body::discard(body).await {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            return Err(response);
        }
    };
    audit::authenticated(id, &principal);

    let (action, bytes) = read(guard, &parts, body).await.map_err(refuse)?;
    let principal = Arc::new(principal);
    match guard.policy.decide(&principal, action) {
        Decision::Permit(permit) => {
            audit::permitted(id, &permit);
            parts.extensions.insert(Caller::new(permit, Arc::clone(&guard.policy), id));
            Ok(Request::from_parts(parts, Full::new(bytes)))
        }
        Decision::Deny(denial) => {
            audit::denied(id, &principal, &denial);
            Err(guard.challenges.deny(&denial))
        }
    }
}

/// Who is calling: judged by the head of the request alone.
async fn identify<A: Authenticate>(
    guard: &Guard<A>,
    parts: &mut Parts,
) -> Result<Principal, Refusal> {
    guard.origins.check(&parts.headers, &parts.uri)?;
    let token = bearer::take(&mut parts.headers, &parts.uri)?;
    Ok(guard.authenticate.authenticate(token).await?)
}

/// What the request asks for, and the bytes that say so.
async fn read<A, B>(guard: &Guard<A>, parts: &Parts, body: B) -> Result<(Action, Bytes), Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match parts.method {
        // Neither has a body that anyone would read, so none is read.
        Method::GET => Ok((Action::Method("session/stream".into()), Bytes::new())),
        Method::DELETE => Ok((Action::Method("session/end".into()), Bytes::new())),
        Method::POST => {
            let bytes = body::read(body, guard.max_body_bytes, guard.body_timeout).await?;
            let message =
                Message::parse(&bytes).map_err(|(fault, id)| Refusal::Message(fault, id))?;
            match headers::check(&parts.headers, &message) {
                Ok(()) => Ok((message.action, bytes)),
                Err(fault) => Err(Refusal::Headers(fault, message.id)),
            }
        }
        _ => Err(Refusal::HttpMethod),
    }
}
