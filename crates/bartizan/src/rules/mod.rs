//! The rules that requests are judged by: policy, limits, and the challenges that follow from them.
//!
//! 1. They are one value, replaced as a whole while requests run ([`RulesHandle::replace`]).
//! 2. A request is judged by the rules that were in force when it arrived, from beginning to end.
//!    An open stream is judged by the newest at its next check.
//! 3. Rules that miss what the server offers are not accepted: the old ones stay in force.

mod handle;
mod limits;
mod missing;
mod ruleset;

use std::sync::Arc;

use auth_core::Policy;
pub use handle::RulesHandle;
pub use limits::Limits;
pub use missing::MissingRulesError;
pub(crate) use ruleset::{Resource, Ruleset, SharedRules};

/// What can be replaced while a server runs.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// How much callers may send and hold.
    pub limits: Limits,
}

impl Rules {
    /// This policy, with the default limits.
    #[must_use]
    pub fn new(policy: impl Into<Arc<Policy>>) -> Self {
        Self { policy: policy.into(), limits: Limits::default() }
    }
}
