//! The rules that requests are judged by: policy, limits, and the challenges that follow from them.
//!
//! 1. They are one value, replaced as a whole while requests run ([`RulesHandle::replace`]).
//! 2. A request is judged by the rules that were in force when it arrived, from beginning to end. An open
//!    stream is judged by the newest at its next check.
//! 3. Rules that miss what the server offers are not accepted: the old ones stay in force.

mod limits;
mod ruleset;

use std::{fmt, sync::Arc};

use auth_core::{Action, Policy};
pub use limits::Limits;
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

/// Reads and replaces the rules of a guard. Its clones, and the guard and its services, share them.
#[derive(Debug, Clone)]
pub struct RulesHandle(SharedRules);

impl RulesHandle {
    pub(crate) const fn new(rules: SharedRules) -> Self {
        Self(rules)
    }

    /// Puts `rules` in force for every request that arrives from now on, and for open streams within a
    /// second. Refused, with the old ones still in force, if the policy has no rule for something that
    /// the server offers.
    pub fn replace(&self, rules: Rules) -> Result<(), MissingRulesError> {
        self.0.replace(rules)
    }

    /// The rules in force.
    #[must_use]
    pub fn current(&self) -> Rules {
        let rules = self.0.load();
        Rules { policy: Arc::clone(&rules.policy), limits: rules.limits }
    }
}

/// The server offers what the policy has no rule for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRulesError(Vec<Action>);

impl MissingRulesError {
    /// Checks that `policy` has a rule for each of `offers`.
    pub fn check<'a>(
        policy: &Policy,
        offers: impl IntoIterator<Item = &'a Action>,
    ) -> Result<(), Self> {
        let missing: Vec<Action> = policy.without_rule(offers).into_iter().cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(Self(missing)) }
    }

    /// What has no rule.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.0
    }
}

impl fmt::Display for MissingRulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy has no rule for what the server offers: ")?;
        for (index, action) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{action}")?;
        }
        Ok(())
    }
}

impl std::error::Error for MissingRulesError {}
