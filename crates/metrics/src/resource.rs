//! What happens at one resource: an observer of its guard.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use auth_core::{Policy, ResourceUri};
use bartizan::{AuditEvent, Completion, Observer, Outcome};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};

use crate::{
    decision::Decision,
    families::Families,
    operation::{ErrorType, Method, OperationLabels},
    tools::{ToolName, Tools},
};

/// Counts what the guard of one resource decides. Clones count the same.
#[derive(Clone)]
pub struct ResourceMetrics(Arc<Inner>);

struct Inner {
    resource: Arc<str>,
    families: Families,
    /// One for each decision, by its number.
    decisions: Vec<Counter>,
    panics: Counter,
    unreadable_lists: Counter,
    tools: ArcSwap<Tools>,
}

impl ResourceMetrics {
    pub(crate) fn new(families: Families, resource: &ResourceUri) -> Self {
        let resource = Arc::<str>::from(resource.as_str());
        let of_resource = vec![("resource", Arc::clone(&resource))];
        // Each is there from the beginning, with 0: a rate needs the value before the first event.
        let decisions = Decision::ALL.iter().map(|decision| {
            let labels = decision.labels().map(|(name, value)| (name, Arc::<str>::from(value)));
            let labels = of_resource.iter().cloned().chain(labels).collect();
            families.decisions.get_or_create_owned(&labels)
        });
        Self(Arc::new(Inner {
            decisions: decisions.collect(),
            panics: families.panics.get_or_create_owned(&of_resource),
            unreadable_lists: families.unreadable_lists.get_or_create_owned(&of_resource),
            tools: ArcSwap::default(),
            resource,
            families,
        }))
    }

    /// Names the tools that `policy` has rules for, and no others from now on.
    pub fn name_tools(&self, policy: &Policy) {
        let inner = &self.0;
        let histogram = |tool: &ToolName| inner.durations(Method::ToolsCall, Some(tool), None);
        inner.tools.store(Arc::new(Tools::of(policy, histogram)));
    }
}

impl Inner {
    fn durations(
        &self,
        method: Method,
        tool: Option<&ToolName>,
        error: Option<ErrorType>,
    ) -> Histogram {
        let resource = Arc::clone(&self.resource);
        let labels = OperationLabels { resource, method, tool: tool.cloned(), error };
        self.families.operations.get_or_create_owned(&labels)
    }

    fn completed(&self, event: &AuditEvent<'_>, completion: &Completion<'_>) {
        // A stream, an answer and the end of a session are no operations of MCP.
        let Some(method) = completion.method.map(Method::of_text) else { return };
        let (error, secs) = (ErrorType::of(completion.status), completion.elapsed.as_secs_f64());
        let tools = self.tools.load();
        let tool = event.action.filter(|_| method == Method::ToolsCall);
        let tool = tool.and_then(|action| tools.find(action));
        match (tool, error) {
            (Some(tool), None) => tool.succeeded.observe(secs),
            (tool, error) => {
                let name = tool.map(|tool| &tool.name);
                self.durations(method, name, error).observe(secs);
            }
        }
    }
}

impl Observer for ResourceMetrics {
    fn observe(&self, event: &AuditEvent<'_>) {
        let inner = &self.0;
        match event.outcome {
            Outcome::Completed(completion) => inner.completed(event, &completion),
            Outcome::Panicked => drop(inner.panics.inc()),
            Outcome::UnreadableList(_) => drop(inner.unreadable_lists.inc()),
            _ => {
                let decision = Decision::of(event).map(|decision| decision as usize);
                if let Some(counter) = decision.and_then(|it| inner.decisions.get(it)) {
                    counter.inc();
                }
            }
        }
    }
}

impl fmt::Debug for ResourceMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResourceMetrics").field(&self.0.resource).finish()
    }
}
