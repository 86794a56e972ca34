//! What the inner service gets: who is calling, and what was permitted.

use std::{net::IpAddr, sync::Arc};

use auth_core::{Action, Permit, Policy, Principal, trace_context::TraceContext};

#[cfg(feature = "rmcp")]
use crate::observer::{Outcome, Reported};
use crate::{
    RequestId,
    observer::{Observed, Observers},
};

/// The caller of a request that was let through: in the request's extensions.
///
/// ```
/// # fn handler(request: http::Request<()>) -> Option<String> {
/// let caller = request.extensions().get::<bartizan::Caller>()?;
/// Some(caller.principal()?.subject().to_string())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Caller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    permit: Permit,
    policy: Arc<Policy>,
    observed: Observed,
    peer: Option<IpAddr>,
    #[cfg_attr(not(feature = "rmcp"), expect(dead_code, reason = "for rmcp's handlers"))]
    observers: Observers,
}

impl Caller {
    pub(crate) fn new(
        permit: Permit,
        policy: Arc<Policy>,
        observed: Observed,
        peer: Option<IpAddr>,
        observers: Observers,
    ) -> Self {
        Self(Arc::new(Inner { permit, policy, observed, peer, observers }))
    }

    /// Reports that the handler of this request panicked.
    #[cfg(feature = "rmcp")]
    pub(crate) fn report_panic(&self) {
        self.0.observers.report(Reported {
            observed: &self.0.observed,
            peer: self.0.peer,
            principal: self.principal().map(AsRef::as_ref),
            action: Some(self.0.permit.action()),
            outcome: Outcome::Panicked,
            decided: None,
        });
    }

    /// Where the connection comes from, if the listener reports it
    /// ([`PeerAddress`](crate::PeerAddress)).
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.0.peer
    }

    /// Who is calling; `None` for a caller without a token, which can do what is public.
    #[must_use]
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        self.0.permit.principal()
    }

    /// What was permitted for this request.
    #[must_use]
    pub fn permit(&self) -> &Permit {
        &self.0.permit
    }

    /// Which request this is.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.0.observed.id
    }

    /// What others that serve this request name as their parent in its trace; `None` if it is not
    /// followed ([`Guard::tracer`](crate::Guard::tracer)).
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        self.0.observed.operation.as_ref().map(|operation| operation.context())
    }

    /// Whether this request was let through for just this `action`: the defence in depth of a
    /// handler.
    #[must_use]
    pub fn is_permitted(&self, action: &Action) -> bool {
        self.0.permit.action() == action
    }

    /// The policy by which it was permitted.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Whether the caller *could* do `action` in a request of its own: for filtering lists.
    #[must_use]
    pub fn may(&self, action: &Action) -> bool {
        self.0.policy.permits(self.principal(), action)
    }
}
