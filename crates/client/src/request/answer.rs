//! What a server answered.

use std::time::Duration;

use rmcp::model::{
    CallToolResult, CompleteResult, GetPromptResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, ReadResourceResult,
    ServerPeerInfo, Tool,
};

use super::Capability;

/// What the server answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The tools, all pages in one.
    Tools(ListToolsResult),
    /// One tool as it is listed.
    ToolHelp(Box<Tool>),
    /// The result of a tool, which may be an error.
    Call {
        /// The tool's name.
        tool: String,
        /// Its result.
        result: CallToolResult,
    },
    /// The resources and the templates, all pages in one.
    Resources(ListResourcesResult, ListResourceTemplatesResult),
    /// The contents of a resource.
    Read(ReadResourceResult),
    /// The prompts, all pages in one.
    Prompts(ListPromptsResult),
    /// A prompt with its arguments filled in.
    Prompt(GetPromptResult),
    /// The completions of an argument.
    Complete(CompleteResult),
    /// The server's description of itself.
    Info(Box<Info>),
    /// How long a round trip took.
    Ping(Duration),
    /// The server does not offer what was to be listed.
    NotOffered(Capability),
    /// Everything was printed as it arrived.
    Printed,
}

/// A server's description of itself.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) server: ServerPeerInfo,
    /// The result of the tool `whoami`, where there is one that needs no arguments.
    pub(crate) caller: Option<CallToolResult>,
}
