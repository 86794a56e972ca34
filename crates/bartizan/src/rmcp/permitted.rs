//! The permit as an argument of a handler: a handler that takes one cannot be called without it.

use std::{ops::Deref, sync::Arc};

use auth_core::{Action, Principal};
use rmcp::{
    ErrorData,
    handler::server::{common::FromContextPart, prompt::PromptContext, tool::ToolCallContext},
};

use crate::Caller;

/// A caller who was permitted to call just this tool, or to get just this prompt: an argument of a
/// method with rmcp's `#[tool]` or `#[prompt]`. A request that came through no guard, or was
/// permitted for anything else, never reaches the method.
///
/// ```
/// use bartizan::Permitted;
/// use rmcp::{tool, tool_router};
///
/// #[derive(Clone)]
/// struct Greeter;
///
/// #[tool_router(server_handler)]
/// impl Greeter {
///     #[tool(description = "Greets the caller")]
///     async fn greet(&self, caller: Permitted) -> String {
///         let subject = caller.principal().map(|it| it.subject().to_string());
///         format!("Hello, {}", subject.unwrap_or_else(|| "stranger".into()))
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Permitted(Caller);

impl Permitted {
    /// The caller; an error, which the caller gets, if it sent no token.
    pub fn authenticated(&self) -> Result<&Arc<Principal>, ErrorData> {
        self.principal().ok_or_else(|| ErrorData::invalid_request("this tool needs a token", None))
    }
}

impl Deref for Permitted {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S> FromContextPart<ToolCallContext<'_, S>> for Permitted {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        let is_right =
            |action: &Action| matches!(action, Action::CallTool(name) if *name == context.name);
        Caller::of(&context.request_context)?.only_if(is_right).cloned().map(Self)
    }
}

impl<S> FromContextPart<PromptContext<'_, S>> for Permitted {
    fn from_context_part(context: &mut PromptContext<'_, S>) -> Result<Self, ErrorData> {
        let is_right =
            |action: &Action| matches!(action, Action::GetPrompt(name) if *name == context.name);
        Caller::of(&context.context)?.only_if(is_right).cloned().map(Self)
    }
}
