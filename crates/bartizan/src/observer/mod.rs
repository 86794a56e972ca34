//! What the guard decides about each request, as typed events for the log, metrics and audit
//! trails.
//!
//! 1. Every event names its request, the peer's address where the listener reports it, and, once
//!    they are known, the caller and its action.
//! 2. No event contains a token, a secret or the arguments of a tool.
//! 3. [`LogObserver`] receives every event; [`Guard::observer`](crate::Guard::observer) adds
//!    others.
//! 4. Observers are called on the way of the request: they must return quickly and must not block.

mod event;
mod log;

use std::{fmt, net::IpAddr, sync::Arc};

use auth_core::{Action, Principal};
pub use event::{AuditEvent, Observer, Outcome, RefusalKind};
#[cfg(feature = "discovery")]
pub(crate) use log::INVALID_TOKEN;
pub use log::LogObserver;

use crate::RequestId;

/// Who receives the events of a guard: the log, and the observers that were added.
#[derive(Clone, Default)]
pub(crate) struct Observers(Arc<Vec<Arc<dyn Observer>>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        Arc::make_mut(&mut self.0).push(observer);
    }

    pub(crate) fn report(&self, event: &AuditEvent<'_>) {
        LogObserver.observe(event);
        for observer in self.0.iter() {
            observer.observe(event);
        }
    }
}

/// Reports what is decided about one request.
pub(crate) struct Reporter<'a> {
    pub(crate) observers: &'a Observers,
    pub(crate) request_id: RequestId,
    pub(crate) peer: Option<IpAddr>,
}

impl Reporter<'_> {
    pub(crate) fn report(
        &self,
        principal: Option<&Principal>,
        action: Option<&Action>,
        outcome: Outcome<'_>,
    ) {
        let Self { request_id, peer, .. } = *self;
        self.observers.report(&AuditEvent { request_id, peer, principal, action, outcome });
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observers({})", self.0.len())
    }
}
