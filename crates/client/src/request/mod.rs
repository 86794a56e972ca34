//! What is asked of a server and what it answers: data alone, which every other part may know.

mod answer;
mod arguments;
mod capability;

use rmcp::model::Reference;

pub(crate) use answer::{Answer, Info};
pub(crate) use arguments::{ArgumentError, Arguments, Fitted, ToolCall};
pub(crate) use capability::Capability;

/// What to ask the server.
#[derive(Debug)]
pub(crate) enum Request {
    /// `tools/list`.
    Tools,
    /// The input schema of one tool.
    ToolHelp(String),
    /// `tools/call`.
    Call(ToolCall),
    /// `resources/list` and `resources/templates/list`.
    Resources,
    /// `resources/read`.
    Read(String),
    /// `prompts/list`.
    Prompts,
    /// `prompts/get`.
    Prompt {
        /// The prompt's name.
        name: String,
        /// The values of its arguments.
        arguments: Vec<(String, String)>,
    },
    /// `completion/complete`.
    Complete {
        /// What has the argument.
        of: Reference,
        /// The argument's name, and how its value begins.
        argument: (String, String),
        /// The other arguments.
        known: Vec<(String, String)>,
    },
    /// The server's description of itself.
    Info,
    /// One round trip.
    Ping,
    /// Notifications as they arrive.
    Listen(Listening),
}

/// Which notifications to follow.
#[derive(Debug)]
pub(crate) struct Listening {
    /// Resources whose updates are followed, too.
    pub(crate) resources: Vec<String>,
    /// How many notifications to wait for; `None` is no end.
    pub(crate) count: Option<u64>,
}

impl Request {
    /// The operation in a message: "calling `get_time`".
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Call(call) => format!("calling `{}`", call.tool),
            Self::Tools | Self::ToolHelp(_) => "listing the tools".to_owned(),
            Self::Resources => "listing the resources".to_owned(),
            Self::Read(uri) => format!("reading `{uri}`"),
            Self::Prompts => "listing the prompts".to_owned(),
            Self::Prompt { name, .. } => format!("getting the prompt `{name}`"),
            Self::Complete { .. } => "completing an argument".to_owned(),
            Self::Info => "asking what the server is".to_owned(),
            Self::Ping => "pinging".to_owned(),
            Self::Listen(_) => "listening".to_owned(),
        }
    }

    /// The command that shows what can be named in such a request.
    /// `server_flag` is what it needs to go to the same server.
    pub(crate) fn listing_hint(&self, server_flag: &str) -> Option<String> {
        let (verb, lists) = match self {
            Self::Call(_) => ("tools", "the tools that you may use"),
            Self::Prompt { .. } => ("prompts", "the prompts and what they take"),
            Self::Read(_) => ("resources", "the resources"),
            _ => return None,
        };
        Some(format!("`{{client}} {verb}{server_flag}` lists {lists}"))
    }
}
