//! The rules of the two guards of a resource: that of its calls, and that of questions about them.

use std::sync::Arc;

use auth_core::Policy;
use bartizan::{MissingRulesError, Rules, RulesHandle};
use metrics::ResourceMetrics;

use crate::admin::explain;

/// The rules of a resource, to be replaced together.
#[derive(Debug, Clone)]
pub(crate) struct ResourceRules {
    /// Of its calls.
    pub(crate) calls: RulesHandle,
    /// Of questions about them (`/admin/explain`).
    pub(crate) questions: RulesHandle,
    /// What names the tools of its policy, where something is counted.
    pub(crate) metrics: Option<ResourceMetrics>,
}

impl ResourceRules {
    /// Puts `policy` in force, with the limits that there are. Refused if it has no rule for
    /// something that the resource offers.
    pub(crate) fn replace(&self, policy: Policy) -> Result<(), MissingRulesError> {
        let questions = Arc::new(explain::policy_of(&policy));
        let put = |rules: &RulesHandle, policy| {
            let limits = rules.current().limits;
            rules.replace(Rules { policy, limits })
        };
        let policy = Arc::new(policy);
        put(&self.calls, Arc::clone(&policy))?;
        if let Some(metrics) = &self.metrics {
            metrics.name_tools(&policy);
        }
        put(&self.questions, questions)
    }
}
