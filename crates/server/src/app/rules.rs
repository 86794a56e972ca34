//! The rules of the two guards of a resource: that of its calls, and that of questions about them;
//! and its policy at the authorization server.

use std::sync::Arc;

use auth_core::Policy;
use bartizan::{MissingRulesError, Rules, RulesHandle};
use issuer::ServedPolicy;
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
    /// At the authorization server in this process, if there is one.
    pub(crate) served: Option<ServedPolicy>,
}

impl ResourceRules {
    /// The policy in force.
    pub(crate) fn current(&self) -> Arc<Policy> {
        self.calls.current().policy
    }

    /// Ends the open streams within a second: other rules have taken the place of these.
    pub(crate) fn retire(&self) {
        self.calls.retire();
        self.questions.retire();
    }

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
        if let Some(served) = &self.served {
            served.replace(policy);
        }
        put(&self.questions, questions)
    }
}

#[cfg(test)]
mod tests {
    use bartizan::Guard;
    use testkit::{ManualClock, NOW, RESOURCE};

    use super::*;
    use crate::config::policy_file::{BUILT_IN, parse};

    #[test]
    fn a_policy_is_in_force_everywhere_or_nowhere() {
        let resource: auth_core::ResourceUri = RESOURCE.parse().unwrap();
        let audience = resource.audience().clone();
        let issuers = bartizan::Issuers::new(audience, ManualClock::at(NOW), []).unwrap();
        let old = parse(BUILT_IN, &[]).unwrap();
        let offers = [auth_core::Action::CallTool("get_time".into())];
        let calls = Guard::new(resource.clone(), old.clone(), offers, issuers.clone()).unwrap();
        let own = explain::policy_of(&old);
        let questions = Guard::new(resource, own, [], issuers).unwrap();
        let served = ServedPolicy::from(old.clone());
        let rules = ResourceRules {
            calls: calls.rules(),
            questions: questions.rules(),
            metrics: None,
            served: Some(served.clone()),
        };
        let in_force = || [rules.current(), served.current()];
        assert!(rules.replace(parse("[tools]\nother = []\n", &[]).unwrap()).is_err());
        assert!(in_force().iter().all(|policy| **policy == old));
        let own = rules.questions.current().policy;
        assert_eq!(*own, explain::policy_of(&old));
        let new = parse("[tools]\nget_time = []\n", &[]).unwrap();
        rules.replace(new.clone()).unwrap();
        assert!(in_force().iter().all(|policy| **policy == new));
        assert_eq!(*rules.questions.current().policy, explain::policy_of(&new));
    }
}
