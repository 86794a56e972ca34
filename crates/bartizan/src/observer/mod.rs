//! What the guard decides about each request, as typed events for the log, metrics and audit
//! trails.
//!
//! 1. Every event names its request, the peer's address where the listener reports it, and, once
//!    they are known, the caller and its action.
//! 2. No event contains a token, a secret or the arguments of a tool.
//! 3. [`LogObserver`] receives every event; [`Guard::observer`](crate::Guard::observer) adds
//!    others. Without others nothing is timed.
//! 4. A [`Recorder`] must have room for a decision before it is made; without, the request is
//!    refused with 503 ([`Guard::recorder`](crate::Guard::recorder)).
//! 5. Observers are called on the way of the request: they must return quickly and must not block.
//! 6. A [`Tracer`] follows each request from its receipt to the end of its answer. Without one
//!    nothing of a trace is read, and nothing is allocated.

mod event;
mod log;
mod recorder;
mod tracer;

use std::{fmt, net::IpAddr, sync::Arc};

use auth_core::{Action, Policy, Principal, ResourceUri};
pub use event::{AuditEvent, Completion, Details, Observer, Outcome, RefusalKind};
use http::{Request, Response};
#[cfg(feature = "discovery")]
pub(crate) use log::INVALID_TOKEN;
pub use log::LogObserver;
pub use recorder::{NoRoomError, Recorder, Room};
use tokio::time::Instant;
pub use tracer::{AnswerFailure, MessageFacts, Operation, Received, Tracer};

use crate::{RequestId, request::trace};

/// Who receives the events of a guard: the log, and the observers that were added.
#[derive(Clone)]
pub(crate) struct Observers(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    resource: ResourceUri,
    added: Vec<Arc<dyn Observer>>,
    recorder: Option<Arc<dyn Recorder>>,
    tracer: Option<Arc<dyn Tracer>>,
}

/// A request, for those who observe it.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) id: RequestId,
    /// When it was received, if an observer wants to know how long it takes.
    pub(crate) started: Option<Instant>,
    /// It in its trace, if it is followed.
    pub(crate) operation: Option<Arc<dyn Operation>>,
}

/// What is reported of a request of a guard.
#[derive(Clone, Copy)]
pub(crate) struct Reported<'a> {
    pub(crate) observed: &'a Observed,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) action: Option<&'a Action>,
    pub(crate) outcome: Outcome<'a>,
    /// The policy that was asked, and what a recorder wants to know.
    pub(crate) decided: Option<(&'a Policy, &'a Details)>,
}

impl Observers {
    /// The log alone, for the guard of `resource`.
    pub(crate) fn of(resource: ResourceUri) -> Self {
        Self(Arc::new(Inner { resource, added: Vec::new(), recorder: None, tracer: None }))
    }

    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        Arc::make_mut(&mut self.0).added.push(observer);
    }

    pub(crate) fn record(&mut self, recorder: Arc<dyn Recorder>) {
        Arc::make_mut(&mut self.0).recorder = Some(recorder);
    }

    pub(crate) fn recorder(&self) -> Option<&dyn Recorder> {
        self.0.recorder.as_deref()
    }

    pub(crate) fn trace(&mut self, tracer: Arc<dyn Tracer>) {
        Arc::make_mut(&mut self.0).tracer = Some(tracer);
    }

    /// A request has been received.
    pub(crate) fn start<B>(&self, id: RequestId, request: &Request<B>) -> Observed {
        let Inner { added, tracer, .. } = self.0.as_ref();
        let started = (!added.is_empty()).then(Instant::now);
        let operation = tracer.as_ref().map(|tracer| {
            tracer.begin(Received {
                request_id: id,
                method: request.method(),
                version: request.version(),
                context: trace::of_headers(request.headers()),
            })
        });
        Observed { id, started, operation }
    }

    pub(crate) fn report(&self, reported: Reported<'_>) {
        let Reported { observed, peer, principal, action, outcome, decided } = reported;
        let request_id = observed.id;
        let none = Details::default();
        let (policy, details) = decided.map_or((None, &none), |(policy, it)| (Some(policy), it));
        let Inner { resource, added, recorder, tracer: _ } = self.0.as_ref();
        let event =
            AuditEvent { request_id, peer, principal, action, outcome, resource, policy, details };
        LogObserver.observe(&event);
        for observer in added {
            observer.observe(&event);
        }
        if let Some(recorder) = recorder {
            recorder.observe(&event);
        }
        if let Some(operation) = &observed.operation {
            operation.observe(&event);
        }
    }
}

/// Reports what is decided about one request.
pub(crate) struct Reporter<'a> {
    pub(crate) observers: &'a Observers,
    pub(crate) observed: &'a Observed,
    pub(crate) peer: Option<IpAddr>,
}

impl Reporter<'_> {
    /// Reports what is no decision of a policy.
    pub(crate) fn report(
        &self,
        principal: Option<&Principal>,
        action: Option<&Action>,
        outcome: Outcome<'_>,
    ) {
        self.report_with(principal, action, outcome, None);
    }

    /// Reports a decision of `policy`.
    pub(crate) fn decided(
        &self,
        principal: Option<&Principal>,
        action: &Action,
        outcome: Outcome<'_>,
        policy: &Policy,
        details: &Details,
    ) {
        self.report_with(principal, Some(action), outcome, Some((policy, details)));
    }

    fn report_with(
        &self,
        principal: Option<&Principal>,
        action: Option<&Action>,
        outcome: Outcome<'_>,
        decided: Option<(&Policy, &Details)>,
    ) {
        let Self { observers, observed, peer } = *self;
        observers.report(Reported { observed, peer, principal, action, outcome, decided });
    }

    /// Reports that `response` answers a message by itself, if someone wants to know how long that
    /// took.
    pub(crate) fn completed<B>(
        &self,
        principal: Option<&Principal>,
        action: &Action,
        method: Option<&str>,
        response: &Response<B>,
    ) {
        let Some(started) = self.observed.started else { return };
        let (status, elapsed) = (Some(response.status()), started.elapsed());
        let completion = Completion { method, status, elapsed };
        self.report(principal, Some(action), Outcome::Completed(completion));
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { added, recorder, tracer, resource: _ } = self.0.as_ref();
        let (count, has_recorder, has_tracer) = (added.len(), recorder.is_some(), tracer.is_some());
        write!(f, "Observers({count}, recorder: {has_recorder}, tracer: {has_tracer})")
    }
}
