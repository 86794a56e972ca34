//! The tools that a policy has rules for, with what is measured of each.

use std::{collections::HashMap, sync::Arc};

use auth_core::{Action, Policy};
use prometheus_client::metrics::histogram::Histogram;

/// The name of a tool that a policy has a rule for. Only [`Tools`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToolName(Arc<str>);

impl ToolName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The tools of one policy.
#[derive(Debug, Default)]
pub(crate) struct Tools(HashMap<Arc<str>, Tool>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: ToolName,
    /// The durations of calls that did not fail: what most calls need.
    pub(crate) succeeded: Histogram,
}

impl Tools {
    /// The tools that `policy` has rules for; `histogram` makes what each is measured with.
    pub(crate) fn of(policy: &Policy, histogram: impl Fn(&ToolName) -> Histogram) -> Self {
        let tools = policy.actions().into_iter().filter_map(|action| match action {
            Action::CallTool(name) => Some(Arc::<str>::from(name.as_str())),
            _ => None,
        });
        let tool = |name: Arc<str>| {
            let tool = ToolName(Arc::clone(&name));
            let succeeded = histogram(&tool);
            (name, Tool { name: tool, succeeded })
        };
        Self(tools.map(tool).collect())
    }

    /// The tool that `action` calls, if the policy has a rule for it.
    pub(crate) fn find(&self, action: &Action) -> Option<&Tool> {
        match action {
            Action::CallTool(name) => self.0.get(name.as_str()),
            _ => None,
        }
    }
}
