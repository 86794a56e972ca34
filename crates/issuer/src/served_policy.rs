//! The policy of a resource, as the authorization server knows it.

use std::sync::{Arc, PoisonError, RwLock};

use auth_core::Policy;

/// A policy that may be replaced while requests run. Its clones share it.
#[derive(Debug, Clone)]
pub struct ServedPolicy(Arc<RwLock<Arc<Policy>>>);

impl ServedPolicy {
    /// The policy in force. A request takes it once, and keeps it to its end.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts `policy` in force for every request that follows.
    pub fn replace(&self, policy: Arc<Policy>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }
}

impl From<Policy> for ServedPolicy {
    fn from(policy: Policy) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(policy))))
    }
}
