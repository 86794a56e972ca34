//! What an rmcp server offers: each needs a rule ([`Guard::new`](crate::Guard::new)).

use auth_core::Action;
use rmcp::{
    handler::server::router::{prompt::PromptRouter, tool::ToolRouter},
    model::{Prompt, Resource, ResourceTemplate, Tool},
};

/// Something that offers tools, prompts or resources.
pub trait Offers {
    /// What using each of them is.
    fn offers(&self) -> Vec<Action>;
}

impl<S: Send + Sync + 'static> Offers for ToolRouter<S> {
    fn offers(&self) -> Vec<Action> {
        self.list_all().offers()
    }
}

impl<S: Send + Sync + 'static> Offers for PromptRouter<S> {
    fn offers(&self) -> Vec<Action> {
        self.list_all().offers()
    }
}

impl Offers for [Tool] {
    fn offers(&self) -> Vec<Action> {
        self.iter().map(|tool| Action::CallTool(tool.name.to_string())).collect()
    }
}

impl Offers for [Prompt] {
    fn offers(&self) -> Vec<Action> {
        self.iter().map(|prompt| Action::GetPrompt(prompt.name.clone())).collect()
    }
}

impl Offers for [Resource] {
    fn offers(&self) -> Vec<Action> {
        self.iter().map(|resource| Action::ReadResource(resource.uri.clone())).collect()
    }
}

impl Offers for [ResourceTemplate] {
    fn offers(&self) -> Vec<Action> {
        let uris = self.iter().map(|template| template.uri_template.clone());
        uris.map(Action::ReadResource).collect()
    }
}
