//! What the guard decides about each request, as typed events for the log, metrics and audit trails.
//!
//! 1. Every event names its request, the peer's address where the listener reports it, and, once they
//!    are known, the caller and its action.
//! 2. No event contains a token, a secret or the arguments of a tool.
//! 3. [`LogObserver`] receives every event; [`Guard::observer`](crate::Guard::observer) adds others.
//! 4. Observers are called on the way of the request: they must return quickly and must not block.

mod log;

use std::{error::Error, fmt, net::IpAddr, sync::Arc};

use auth_core::{Action, Denial, Principal};
pub(crate) use log::INVALID_TOKEN;
pub use log::LogObserver;

use crate::{AuthenticateError, RequestId};

/// Receives what the guard decides.
pub trait Observer: Send + Sync + 'static {
    /// Takes note of `event`. Called while the request waits.
    fn observe(&self, event: &AuditEvent<'_>);
}

/// One decision about one request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AuditEvent<'a> {
    /// Which request.
    pub request_id: RequestId,
    /// Where the connection comes from, if the listener reports it
    /// ([`PeerAddress`](crate::PeerAddress)).
    pub peer: Option<IpAddr>,
    /// The caller; `None` before it is authenticated, and for callers without a token.
    pub principal: Option<&'a Principal>,
    /// What the caller asks for; `None` before the body is read.
    pub action: Option<&'a Action>,
    /// What was decided.
    pub outcome: Outcome<'a>,
}

/// What was decided, or what happened afterwards.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// The token is valid; where there is a directory of users, the user exists.
    Authenticated,
    /// The token or its user was not accepted.
    Unauthenticated(&'a AuthenticateError),
    /// The request was refused before its action was decided on.
    Refused(RefusalKind, &'a dyn Error),
    /// The policy permits the action.
    Permitted,
    /// The policy denies the action.
    Denied(&'a Denial),
    /// An open stream was ended, because its caller may no longer have it.
    StreamEnded(&'a dyn fmt::Display),
    /// The protected server panicked. Where it did is for its panic hook to report.
    Panicked,
    /// The protected server answered with a list that could not be read, and so not be filtered.
    UnreadableList(&'a (dyn Error + 'static)),
}

/// Why a request was refused before its action was decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// It needs a token and has none.
    MissingToken,
    /// Its `Host` or `Origin` is not allowed.
    ForbiddenOrigin,
    /// It names a session, an event or a task that is not this caller's.
    NotOwned,
    /// A limit on bodies or streams is reached.
    LimitReached,
    /// It is malformed, too long or too slow.
    Malformed,
}

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

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticated => f.write_str("Authenticated"),
            Self::Unauthenticated(error) => f.debug_tuple("Unauthenticated").field(error).finish(),
            Self::Refused(kind, error) => {
                f.debug_tuple("Refused").field(kind).field(error).finish()
            }
            Self::Permitted => f.write_str("Permitted"),
            Self::Denied(denial) => f.debug_tuple("Denied").field(denial).finish(),
            Self::StreamEnded(reason) => write!(f, "StreamEnded({reason})"),
            Self::Panicked => f.write_str("Panicked"),
            Self::UnreadableList(error) => f.debug_tuple("UnreadableList").field(error).finish(),
        }
    }
}
