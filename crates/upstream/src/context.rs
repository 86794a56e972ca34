//! Who is calling, as far as this crate may know.

use std::sync::Arc;

use auth_core::{Owner, Principal, ScopeSet, trace_context::TraceContext};

/// On whose behalf a request goes to a server: in the extensions of every request that reaches the
/// [`front`](crate::front).
///
/// **Invariant:** it has no member that can hold a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    owner: Owner,
    principal: Option<Arc<Principal>>,
    scopes: ScopeSet,
    trace: Option<TraceContext>,
}

impl CallContext {
    /// A caller, and the scopes that this action needs: no more of them go into a token that is
    /// minted for the upstream.
    #[must_use]
    pub fn new(principal: Option<Arc<Principal>>, scopes: ScopeSet) -> Self {
        let owner = principal.as_ref().map_or(Owner::Anonymous, |principal| principal.owner());
        Self { owner, principal, scopes, trace: None }
    }

    /// The same with the span that the server behind names as its parent.
    #[must_use]
    pub fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace, ..self }
    }

    /// The same caller with no scope: for what the gateway says on its behalf that is no action,
    /// such as the beginning of a session.
    #[must_use]
    pub fn without_scopes(&self) -> Self {
        Self { scopes: ScopeSet::empty(), trace: None, ..self.clone() }
    }

    /// Whose sessions and children the request may use.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Who is calling; `None` without a token.
    #[must_use]
    pub const fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref()
    }

    /// The span that the server behind names as its parent.
    #[must_use]
    pub const fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// The scopes that this action needs.
    #[must_use]
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }
}
