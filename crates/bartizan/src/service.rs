//! The layer: every request through every step, in the order of the crate's documentation.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::{AccessToken, Action, Decision, Owner, Principal, Query};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONNECTION, HeaderName},
    request::Parts,
};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, Service};

use crate::{
    Authenticate, Caller, Guard, GuardedBody, RequestId,
    answer::{exchange::Exchange, lists::Viewer},
    audit,
    catch_panic::catch_panic,
    request::{
        accept,
        bearer::{self, BearerFault},
        body, cors, headers,
        message::{Id, Message},
        quota::{Exceeded, Holder, Share},
    },
    response::{self, Refusal},
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
    R: Body<Data = Bytes> + Send,
    R::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<GuardedBody<R>>;
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
            let page = guard.origins.page(request.headers(), request.uri());
            if let Some(page) = page.as_ref().filter(|_| cors::is_preflight(&request)) {
                let mut response = cors::preflight(request.headers());
                cors::expose(response.headers_mut(), page.clone());
                response.headers_mut().insert(X_REQUEST_ID, id.to_header());
                return Ok(response.map(GuardedBody::own));
            }
            let mut response = match admit(guard, id, request).await {
                Ok(Admitted { request, exchange, unacceptable, message_id, held }) => {
                    // Calling may panic as well as waiting.
                    let response = match catch_panic(async { inner.call(request).await }).await {
                        Some(answered) => Some(answered?),
                        None => None,
                    };
                    // The body is in memory until here.
                    drop(held);
                    match (response, unacceptable) {
                        (None, _) => {
                            audit::panicked(id);
                            response::panicked(id, message_id.as_ref()).map(GuardedBody::own)
                        }
                        (Some(response), Some(refusal))
                            if response.status() == StatusCode::NOT_ACCEPTABLE =>
                        {
                            audit::refused(id, &refusal, true);
                            let response = exchange.guard.challenges.refuse(id, &refusal);
                            response.map(GuardedBody::own)
                        }
                        (Some(response), _) => exchange.answer(response).await,
                    }
                }
                Err(response) => response.map(GuardedBody::own),
            };
            if let Some(page) = page {
                cors::expose(response.headers_mut(), page);
            }
            response.headers_mut().insert(X_REQUEST_ID, id.to_header());
            Ok(response)
        })
    }
}

/// A request that was let through.
struct Admitted<A> {
    /// As the inner service may see it.
    request: Request<Full<Bytes>>,
    /// What its answer will be held to.
    exchange: Exchange<A>,
    /// What to say if the inner service does not take its `Accept`.
    unacceptable: Option<Refusal>,
    /// The id of its message, if it has one.
    message_id: Option<Id>,
    /// What is held for its body.
    held: Share,
}

/// The request, if it is let through; or the answer that the caller gets instead.
async fn admit<A, B>(
    guard: Arc<Guard<A>>,
    id: RequestId,
    request: Request<B>,
) -> Result<Admitted<A>, Response<Full<Bytes>>>
where
    A: Authenticate,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let refuse_as = |refusal: Refusal, is_known| {
        audit::refused(id, &refusal, is_known);
        guard.challenges.refuse(id, &refusal)
    };
    let (mut parts, body) = request.into_parts();
    let (token, principal) = match identify(&guard, &mut parts).await {
        Ok(identity) => identity,
        Err(refusal) => {
            let mut response = refuse_as(refusal, false);
            if !body::discard(body).await {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            return Err(response);
        }
    };
    let is_known = principal.is_some();
    let refuse = |refusal| refuse_as(refusal, is_known);
    let owner = match &principal {
        Some(principal) => {
            audit::authenticated(id, principal);
            principal.owner()
        }
        None => Owner::Anonymous,
    };
    let policy = match &principal {
        Some(principal) => guard.policy_for(principal),
        None => Arc::clone(&guard.policy),
    };

    let mut held = guard.bodies.share(Holder::from(&owner));
    let (message, bytes) = read(&guard, &parts, body, &mut held).await.map_err(refuse)?;
    let Message {
        action, mut also, task, is_stateless, knows_tasks, method, id: message_id, ..
    } = message;
    if principal.is_none() && !policy.permits(None, &action) {
        return Err(refuse(Refusal::NoToken));
    }
    if let Some(task) = task {
        // Whoever may no longer do what started a task may not follow it either.
        match guard.tasks.origin(&task, &owner) {
            Some(origin) => also.push(origin.action),
            // Clients that do not know tasks are told so, whatever they ask for (the tasks extension).
            None if is_stateless && !knows_tasks => {
                return Err(refuse(Refusal::NeedsTasks(message_id)));
            }
            None => return Err(refuse(Refusal::UnknownTask(message_id))),
        }
    }
    // Whoever takes a stream up again must still be permitted what it was for.
    match guard.seals.open(&mut parts.headers, &owner, is_stateless) {
        Ok(held) => also.extend(held),
        Err(fault) => return Err(refuse(Refusal::Seal(fault, message_id))),
    }
    let query =
        Query { principal: principal.as_ref(), action: &action, also: &also, arguments: None };
    let permit = match (policy.decide(&query), &principal) {
        (Decision::Permit(permit), _) => permit,
        (Decision::Deny(_), None) => return Err(refuse(Refusal::NoToken)),
        (Decision::Deny(denial), Some(principal)) => {
            audit::denied(id, principal, &denial);
            return Err(guard.challenges.deny(id, &denial, message_id.as_ref()));
        }
    };
    let place = match place(&guard, permit.action(), &owner) {
        Ok(place) => place,
        Err(exceeded) => return Err(refuse(Refusal::TooManyStreams(exceeded))),
    };
    audit::permitted(id, &permit);
    let is_notification = message_id.is_none();
    let settled = accept::settle(&parts.method, &mut parts.headers);
    let unacceptable = settled.err().map(|fault| Refusal::Accept(fault, message_id.clone()));

    parts.extensions.insert(Caller::new(permit, Arc::clone(&policy), id));
    let viewer = Viewer { principal, policy };
    let exchange = Exchange {
        guard,
        id,
        token,
        owner,
        viewer,
        action,
        also,
        method,
        is_notification,
        is_stateless,
        _place: place,
    };
    let request = Request::from_parts(parts, Full::new(bytes));
    Ok(Admitted { request, exchange, unacceptable, message_id, held })
}

/// A place among the streams, for what is answered with one that may stay open for ever.
fn place<A>(guard: &Guard<A>, action: &Action, owner: &Owner) -> Result<Option<Share>, Exceeded> {
    let is_stream = matches!(action.method(), "session/stream" | "subscriptions/listen")
        && action.target().is_none();
    if !is_stream {
        return Ok(None);
    }
    let mut place = guard.streams.share(Holder::from(owner));
    place.hold(1)?;
    Ok(Some(place))
}

/// Who is calling: judged by the head of the request alone. Nobody, where some things are public.
async fn identify<A: Authenticate>(
    guard: &Guard<A>,
    parts: &mut Parts,
) -> Result<(Option<AccessToken>, Option<Arc<Principal>>), Refusal> {
    guard.origins.check(&parts.headers, &parts.uri)?;
    let token = match bearer::take(&mut parts.headers, &parts.uri) {
        Err(BearerFault::Missing) if guard.policy.has_public_rules() => return Ok((None, None)),
        taken => taken?,
    };
    let principal = guard.authenticate.authenticate(token.clone()).await?;
    Ok((Some(token), Some(Arc::new(principal))))
}

/// What a request asks for, and the bytes that say so.
async fn read<A, B>(
    guard: &Guard<A>,
    parts: &Parts,
    body: B,
    held: &mut Share,
) -> Result<(Message, Bytes), Refusal>
where
    A: Authenticate,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match parts.method {
        // Neither has a body that anyone would read, so none is read.
        Method::GET => Ok((Message::without_method("session/stream"), Bytes::new())),
        Method::DELETE => Ok((Message::without_method("session/end"), Bytes::new())),
        Method::POST => {
            let max_bytes = guard.max_body(held.is_of_nobody());
            let bytes = body::read(body, max_bytes, guard.body_timeout, held).await?;
            let message =
                Message::parse(&bytes).map_err(|(fault, id)| Refusal::Message(fault, id))?;
            match headers::check(&parts.headers, &message) {
                Ok(()) => Ok((message, bytes)),
                Err(fault) => Err(Refusal::Headers(fault, message.id)),
            }
        }
        _ => Err(Refusal::HttpMethod),
    }
}
