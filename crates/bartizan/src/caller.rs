//! What the inner service gets: who is calling, and what was permitted.

use std::{net::IpAddr, sync::Arc};

use auth_core::{Action, Permit, Policy, Principal};

#[cfg(feature = "rmcp")]
use crate::observer::{Outcome, Reported};
use crate::{RequestId, observer::Observers};

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
    request_id: RequestId,
    peer: Option<IpAddr>,
    #[cfg_attr(not(feature = "rmcp"), expect(dead_code, reason = "for rmcp's handlers"))]
    observers: Observers,
}

impl Caller {
    pub(crate) fn new(
        permit: Permit,
        policy: Arc<Policy>,
        request_id: RequestId,
        peer: Option<IpAddr>,
        observers: Observers,
    ) -> Self {
        Self(Arc::new(Inner { permit, policy, request_id, peer, observers }))
    }

    /// Reports that the handler of this request panicked.
    #[cfg(feature = "rmcp")]
    pub(crate) fn report_panic(&self) {
        self.0.observers.report(Reported {
            request_id: self.0.request_id,
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
        self.0.request_id
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
