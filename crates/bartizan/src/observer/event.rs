//! The events: one decision about one request each.

use std::{error::Error, fmt, net::IpAddr, time::Duration};

use auth_core::{
    Action, Denial, Policy, Principal, ResourceUri,
    audit::{Argument, Digest, TraceId},
};
use http::StatusCode;

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
    /// The protected resource.
    pub resource: &'a ResourceUri,
    /// The policy by which it was decided; `None` where no policy was asked.
    pub policy: Option<&'a Policy>,
    /// The arguments of the action, and the trace of the request: of a decision, where there is a
    /// [`Recorder`](crate::Recorder).
    pub details: &'a Details,
}

/// What is worked out of a request for a [`Recorder`](crate::Recorder) alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// The digest of the bytes of `params.arguments`, as the client sent them.
    pub arguments: Option<Digest>,
    /// The arguments that the policy names ([`Policy::recorded_arguments`]).
    pub values: Vec<Argument>,
    /// The trace that the request belongs to: that of its [`Operation`](crate::Operation), if there
    /// is one; else that of `params._meta.traceparent`, else that of its `traceparent` header.
    pub trace: Option<TraceId>,
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
    /// The answer to a message whose action was decided on has been sent, or has not been waited
    /// for. The last event of its request. It is reported only where observers were added.
    Completed(Completion<'a>),
}

/// How a request ended, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion<'a> {
    /// The JSON-RPC method of the message: the caller's text. `None` for a stream, an answer, or
    /// the end of a session.
    pub method: Option<&'a str>,
    /// The status of the answer; `None` if there was none, as the caller did not wait for it.
    pub status: Option<StatusCode>,
    /// From when the request was received to the end of the answer's body, as far as the guard
    /// looks at it: to the end of a stream or of a tool's answer, to the head of others.
    pub elapsed: Duration,
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
    /// A rate of the policy is spent.
    RateReached,
    /// More tokens of its address were refused than may be.
    FailuresReached,
    /// As many calls are under way as may be.
    CallsReached,
    /// As many streams are open as may be.
    StreamsReached,
    /// As many bytes of bodies are held in memory as may be.
    MemoryReached,
    /// Its decision could not be recorded ([`Recorder`](crate::Recorder)).
    Unrecordable,
    /// It is malformed, too long or too slow.
    Malformed,
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
            Self::Completed(completion) => f.debug_tuple("Completed").field(completion).finish(),
        }
    }
}
