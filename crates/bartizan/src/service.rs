//! The layer: every request through every step, in the order of the crate's documentation.

use std::{
    error::Error,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::{
    Action, Decision, Owner, Policy, Principal, Query,
    audit::Digest,
    quota::{Holder, QuotaExceededError, Share},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CONNECTION, HeaderName},
    request::Parts,
};
use http_body::Body;
use http_body_util::Full;
use tower::{Layer, Service};

use crate::{
    Authenticate, Caller, ClientCertificate, Guard, GuardedBody, PeerAddress, RequestId,
    answer::{exchange::Exchange, lists::Viewer},
    authenticate::Credentials,
    catch_panic::catch_panic,
    observer::{Details, MessageFacts, NoRoomError, Observed, Observers, Outcome, Reporter, Room},
    request::{
        accept, arguments,
        bearer::{self, CredentialError},
        body, cors, headers,
        message::{Found, Id, Message},
        proof, trace,
    },
    response::{self, Refusal},
    rules::{Limits, Ruleset},
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl<A: Authenticate> Guard<A> {
    /// `inner` behind this guard.
    pub fn protect<S>(&self, inner: S) -> GuardService<S, A> {
        self.layer().layer(inner)
    }

    /// The guard as a layer.
    #[must_use]
    pub fn layer(&self) -> GuardLayer<A> {
        GuardLayer(Arc::new(self.clone()))
    }
}

/// Puts a guard in front of a service.
#[derive(Debug)]
pub struct GuardLayer<A>(Arc<Guard<A>>);

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
/// The inner service gets the whole body, already read, and a [`Caller`] in the request's
/// extensions; it never gets the token.
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
                return Ok(response.map(GuardedBody::generated));
            }
            let observed = guard.observers.start(id, &request);
            let mut response = match admit(guard, &observed, request).await {
                Ok(Admitted { request, mut exchange, unacceptable, message_id, held, call }) => {
                    // Calling may panic as well as waiting.
                    let response = match catch_panic(async { inner.call(request).await }).await {
                        Some(answered) => Some(answered?),
                        None => None,
                    };
                    // The body is in memory until here.
                    drop(held);
                    let response = match (response, unacceptable) {
                        (None, _) => {
                            exchange.report(Outcome::Panicked);
                            let response = response::panicked(id, message_id.as_ref());
                            exchange.status = Some(response.status());
                            response.map(GuardedBody::generated)
                        }
                        (Some(response), Some(refusal))
                            if response.status() == StatusCode::NOT_ACCEPTABLE =>
                        {
                            exchange.report(refusal.outcome());
                            let response = exchange.rules.challenges.refuse(id, &refusal);
                            exchange.status = Some(response.status());
                            response.map(GuardedBody::generated)
                        }
                        (Some(response), _) => exchange.answer(response).await,
                    };
                    response.map(|body| body.holding(call))
                }
                Err(response) => {
                    if let Some(operation) = &observed.operation {
                        operation.end(Some(response.status()));
                    }
                    response.map(GuardedBody::generated)
                }
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
    /// Its place among the calls under way, if these have a bound.
    call: Option<Box<Share>>,
}

/// The request, if it is let through; or the answer that the caller gets instead.
#[expect(clippy::too_many_lines, reason = "one step after the other, as the crate's text has them")]
async fn admit<A, B>(
    guard: Arc<Guard<A>>,
    observed: &Observed,
    request: Request<B>,
) -> Result<Admitted<A>, Response<Full<Bytes>>>
where
    A: Authenticate,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let id = observed.id;
    let rules = guard.rules.load();
    let (mut parts, body) = request.into_parts();
    let peer = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
    let reporter = Reporter { observers: &guard.observers, observed, peer };
    let (credentials, principal) = match identify(&guard, &rules, &mut parts, peer).await {
        Ok(identity) => identity,
        Err(refusal) => {
            let refusal = within_rate(&guard, refusal, peer);
            reporter.report(None, None, refusal.outcome());
            let mut response = rules.challenges.refuse(id, &refusal);
            if !body::discard(body).await {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            return Err(response);
        }
    };
    let caller = principal.as_deref();
    let refuse = |refusal: Refusal| {
        reporter.report(caller, None, refusal.outcome());
        rules.challenges.refuse(id, &refusal)
    };
    let owner = match caller {
        Some(principal) => {
            reporter.report(caller, None, Outcome::Authenticated);
            principal.owner()
        }
        None => Owner::Anonymous,
    };
    let policy = guard.policy_for(&rules, caller);

    let mut held = guard.bodies.share(Holder::from(&owner), rules.limits.body_bounds());
    let (message, bytes) = read(&rules.limits, &parts, body, &mut held).await.map_err(refuse)?;
    follow(observed, &parts.headers, &message, &bytes);
    let Message {
        action,
        mut also,
        task,
        is_stateless,
        supports_tasks,
        method,
        id: message_id,
        found,
        ..
    } = message;
    let refuse = |refusal: Refusal| {
        reporter.report(caller, Some(&action), refusal.outcome());
        rules.challenges.refuse(id, &refusal)
    };
    // A notification is not answered, and an answer to a question was asked for.
    if message_id.is_some()
        && let Err(limited) = guard.rates.spend_for_request(&policy, &owner, peer)
    {
        return Err(refuse(Refusal::RateLimited(limited, message_id)));
    }
    if let (Some(shared), Some(_)) = (&guard.shared_budgets, &message_id)
        && let Err(limited) = shared.spend_for_request(&policy, &owner, peer).await
    {
        return Err(refuse(Refusal::RateLimited(limited, message_id)));
    }
    if caller.is_none() && !policy.permits(None, &action) {
        return Err(refuse(Refusal::NoToken));
    }
    if let Some(task) = task {
        // Following a task needs what starting it needed.
        match guard.tasks.origin(&task, &owner) {
            Some(origin) => also.push(origin.action),
            // Clients that do not support tasks are answered so, whatever they ask for (the tasks
            // extension).
            None if is_stateless && !supports_tasks => {
                return Err(refuse(Refusal::TasksCapabilityRequired(message_id)));
            }
            None => return Err(refuse(Refusal::UnknownTask(message_id))),
        }
    }
    // Resuming a stream needs what opening it needed.
    match guard.owned_ids.verify(&mut parts.headers, &owner, is_stateless) {
        Ok(held) => also.extend(held),
        Err(fault) => return Err(refuse(Refusal::OwnedId(fault, message_id))),
    }
    let names = policy.recorded_arguments(&action);
    let (_room, details) = room(&guard.observers, observed, &parts.headers, &bytes, found, names)
        .await
        .map_err(|error| refuse(error.into()))?;
    let query =
        Query { principal: principal.as_ref(), action: &action, also: &also, arguments: None };
    let permit = match policy.decide(&query) {
        Decision::Permit(permit) => permit,
        Decision::Deny(_) if caller.is_none() => return Err(refuse(Refusal::NoToken)),
        Decision::Deny(denial) => {
            reporter.decided(caller, &action, Outcome::Denied(&denial), &policy, &details);
            let response = rules.challenges.deny(id, &denial, message_id.as_ref());
            reporter.completed(caller, &action, method.as_deref(), &response);
            return Err(response);
        }
    };
    let asked = Asked { policy: &policy, action: &action, owner: &owner, peer };
    let call = match within_limits(&guard, &rules.limits, asked, message_id.as_ref()).await {
        Ok(call) => call,
        Err(refusal) => {
            reporter.decided(caller, &action, refusal.outcome(), &policy, &details);
            let response = rules.challenges.refuse(id, &refusal);
            reporter.completed(caller, &action, method.as_deref(), &response);
            return Err(response);
        }
    };
    let place = match place(&guard, &rules.limits, &action, &owner) {
        Ok(place) => place,
        Err(exceeded) => return Err(refuse(Refusal::TooManyStreams(exceeded))),
    };
    reporter.decided(caller, &action, Outcome::Permitted, &policy, &details);
    let is_notification = message_id.is_none();
    let settled = accept::settle(&parts.method, &mut parts.headers);
    let unacceptable = settled.err().map(|fault| Refusal::Accept(fault, message_id.clone()));

    let observers = guard.observers.clone();
    parts.extensions.insert(Caller::new(
        permit,
        Arc::clone(&policy),
        observed.clone(),
        peer,
        observers,
    ));
    let viewer = Viewer { principal, policy };
    let exchange = Exchange {
        guard,
        rules,
        observed: observed.clone(),
        peer,
        credentials,
        owner,
        viewer,
        action,
        also,
        method,
        is_notification,
        is_stateless,
        status: None,
        _place: place,
    };
    let request = Request::from_parts(parts, Full::new(bytes));
    Ok(Admitted { request, exchange, unacceptable, message_id, held, call })
}

/// Says what the message is, if its request is followed.
fn follow(observed: &Observed, headers: &HeaderMap, message: &Message, body: &[u8]) {
    let Some(operation) = &observed.operation else { return };
    let id = message.id.as_ref().map(|id| match id {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text.clone(),
    });
    operation.message(MessageFacts {
        method: message.method.as_deref(),
        id,
        revision: trace::revision(headers, body),
        context: message.found.trace.then(|| trace::of_body(body)).flatten(),
    });
}

/// Room for the record of a decision, until that is reported, and what the recorder wants to know
/// of the request: of the arguments, the values of those with these names. Nothing where there is
/// no recorder.
async fn room(
    observers: &Observers,
    observed: &Observed,
    headers: &HeaderMap,
    body: &[u8],
    found: Found,
    names: &[String],
) -> Result<(Option<Room>, Details), NoRoomError> {
    let Some(recorder) = observers.recorder() else { return Ok((None, Details::default())) };
    let room = match recorder.try_reserve() {
        Some(tried) => tried?,
        None => recorder.reserve().await?,
    };
    let trace = match &observed.operation {
        Some(operation) => Some(operation.context()),
        None if found.trace => trace::of_body(body).or_else(|| trace::of_headers(headers)),
        None => trace::of_headers(headers),
    };
    let arguments = found.arguments.and_then(|place| arguments::at(body, place));
    let details = Details {
        arguments: arguments.map(Digest::of),
        values: arguments.map(|it| arguments::named(it, names)).unwrap_or_default(),
        trace: trace.map(|context| context.trace),
    };
    Ok((Some(room), details))
}

/// The refusal; or another, if too many tokens from this address were refused.
fn within_rate<A>(guard: &Guard<A>, refusal: Refusal, peer: Option<IpAddr>) -> Refusal {
    let (Refusal::Authenticate(fault), Some(failures)) = (&refusal, &guard.failures) else {
        return refusal;
    };
    match guard.rates.spend_for_failure(failures, fault, peer) {
        Ok(()) => refusal,
        Err(limited) => Refusal::RateLimited(limited, None),
    }
}

/// What is permitted, and to whom.
#[derive(Clone, Copy)]
struct Asked<'a> {
    policy: &'a Policy,
    action: &'a Action,
    owner: &'a Owner,
    peer: Option<IpAddr>,
}

/// A place among the calls under way, for a message of this `id`, once the rates allow it. Streams
/// that only listen have a bound of their own.
async fn within_limits<A>(
    guard: &Guard<A>,
    limits: &Limits,
    asked: Asked<'_>,
    id: Option<&Id>,
) -> Result<Option<Box<Share>>, Refusal> {
    let Asked { policy, action, owner, peer } = asked;
    // The place is first: a call that has none spends nothing.
    let call = match (limits.call_bounds(), id) {
        (Some(bounds), Some(id)) if !is_listening(action) => {
            let mut call = Box::new(guard.calls.share(Holder::from(owner), bounds));
            call.hold(1).map_err(|it| Refusal::TooManyCalls(it, id.clone()))?;
            Some(call)
        }
        _ => None,
    };
    guard
        .rates
        .spend_for_action(policy, action, owner, peer)
        .map_err(|limited| Refusal::RateLimited(limited, id.cloned()))?;
    if let Some(shared) = &guard.shared_budgets {
        shared
            .spend_for_action(policy, action, owner, peer)
            .await
            .map_err(|limited| Refusal::RateLimited(limited, id.cloned()))?;
    }
    Ok(call)
}

/// Whether the answer is a stream that may stay open indefinitely.
fn is_listening(action: &Action) -> bool {
    matches!(action.method(), "session/stream" | "subscriptions/listen")
        && action.target().is_none()
}

/// A place among the streams, for what is answered with one that may stay open indefinitely.
fn place<A>(
    guard: &Guard<A>,
    limits: &Limits,
    action: &Action,
    owner: &Owner,
) -> Result<Option<Share>, QuotaExceededError> {
    if !is_listening(action) {
        return Ok(None);
    }
    let mut place = guard.streams.share(Holder::from(owner), limits.stream_bounds());
    place.hold(1)?;
    Ok(Some(place))
}

/// What a caller presented, and who it is: both `None` where it presented nothing, and something is
/// public.
type Identity = (Option<Box<Credentials>>, Option<Arc<Principal>>);

/// Who is calling: judged by the head of the request alone.
async fn identify<A: Authenticate>(
    guard: &Guard<A>,
    rules: &Ruleset,
    parts: &mut Parts,
    peer: Option<IpAddr>,
) -> Result<Identity, Refusal> {
    guard.origins.check(&parts.headers, &parts.uri)?;
    // Both are taken out, whatever becomes of either.
    let proof = proof::take(&mut parts.headers);
    let token = match bearer::take(&mut parts.headers, &parts.uri) {
        Err(CredentialError::Missing) if rules.policy.has_public_rules() => {
            return Ok((None, None));
        }
        taken => taken?,
    };
    let credentials = Box::new(Credentials {
        token,
        proof: proof?,
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        peer,
        certificate: parts.extensions.get().map(|ClientCertificate(certificate)| *certificate),
    });
    let principal = guard.authenticate.authenticate(credentials.present(false)).await?;
    Ok((Some(credentials), Some(Arc::new(principal))))
}

/// What a request asks for, and the bytes that say so.
async fn read<B>(
    limits: &Limits,
    parts: &Parts,
    body: B,
    held: &mut Share,
) -> Result<(Message, Bytes), Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match parts.method {
        // Neither has a body that anyone would read, so none is read.
        Method::GET => Ok((Message::synthetic("session/stream"), Bytes::new())),
        Method::DELETE => Ok((Message::synthetic("session/end"), Bytes::new())),
        Method::POST => {
            let max_bytes = limits.max_body(held.is_of_nobody());
            let bytes = body::read(body, max_bytes, limits.body_timeout, held).await?;
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
