//! What a server may offer.

use rmcp::model::ServerCapabilities;

/// Something that a server offers or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    Tools,
    Resources,
    Prompts,
    Completions,
    /// Notifications of changes.
    Changes,
}

impl Capability {
    /// What it is called in a message.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::Prompts => "prompts",
            Self::Completions => "completions",
            Self::Changes => "notifications of changes",
        }
    }

    /// Whether capabilities have it. Log messages are sent to a listener, too.
    pub(crate) fn is_in(self, capabilities: &ServerCapabilities) -> bool {
        let all = capabilities;
        match self {
            Self::Tools => all.tools.is_some(),
            Self::Resources => all.resources.is_some(),
            Self::Prompts => all.prompts.is_some(),
            Self::Completions => all.completions.is_some(),
            Self::Changes => {
                let tools = all.tools.as_ref().and_then(|tools| tools.list_changed);
                let prompts = all.prompts.as_ref().and_then(|prompts| prompts.list_changed);
                let resources = all.resources.as_ref().and_then(|all| all.list_changed);
                let subscribed = all.resources.as_ref().and_then(|all| all.subscribe);
                let is_logging = Some(all.logging.is_some());
                [tools, prompts, resources, subscribed, is_logging].contains(&Some(true))
            }
        }
    }
}
