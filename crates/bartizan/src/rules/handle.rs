//! How rules are read and replaced while requests run.

use std::sync::Arc;

use super::{MissingRulesError, Rules, ruleset::SharedRules};

/// Reads and replaces the rules of a guard. Its clones, and the guard and its services, share them.
#[derive(Debug, Clone)]
pub struct RulesHandle(SharedRules);

impl RulesHandle {
    pub(crate) const fn new(rules: SharedRules) -> Self {
        Self(rules)
    }

    /// Puts `rules` in force for every request that arrives from now on, and for open streams
    /// within a second. Refused, with the old ones still in force, if the policy has no rule for
    /// something that the server offers.
    pub fn replace(&self, rules: Rules) -> Result<(), MissingRulesError> {
        self.0.replace(rules)
    }

    /// Ends the open streams within a second, as another guard has taken the place of this one.
    /// Requests that are under way are answered.
    pub fn retire(&self) {
        self.0.retire();
    }

    /// The rules in force.
    #[must_use]
    pub fn current(&self) -> Rules {
        let rules = self.0.load();
        Rules { policy: Arc::clone(&rules.policy), limits: rules.limits }
    }
}
