//! What can be done at a server, once connected: one file for each verb that needs one.

mod arguments;
mod call;
mod info;
mod inputs;
mod listen;
mod lists;
mod task;
mod watch;

use std::{collections::HashMap, time::Duration};

use rmcp::{
    ServiceError,
    model::{
        ArgumentInfo, CallToolResult, CompleteRequestParams, CompleteResult, CompletionContext,
        GetPromptRequestParams, GetPromptResult, ListPromptsResult, ListResourceTemplatesResult,
        ListResourcesResult, ListToolsResult, ReadResourceRequestParams, ReadResourceResult,
        Reference, Tool,
    },
};

pub(crate) use arguments::{ArgumentError, Arguments, ToolCall};
pub(crate) use info::Info;
pub(crate) use listen::Listening;

use crate::{
    config::Config,
    connect::{Session, speaks_only_sse},
    console::Console,
    failure::Failure,
    output::Printer,
};
use lists::ListError;
use watch::Watch;

/// What to ask the server.
#[derive(Debug)]
pub(crate) enum Request {
    /// `tools/list`.
    Tools,
    /// What one tool takes.
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
        /// Which.
        name: String,
        /// What to fill in.
        arguments: Vec<(String, String)>,
    },
    /// `completion/complete`.
    Complete {
        /// Of what.
        of: Reference,
        /// Which argument, and how it begins.
        argument: (String, String),
        /// The other arguments.
        known: Vec<(String, String)>,
    },
    /// What the server is.
    Info,
    /// A round trip.
    Ping,
    /// Messages as they come.
    Listen(Listening),
}

impl Request {
    /// What is done, for messages.
    pub(crate) fn about(&self) -> String {
        match self {
            Self::Call(call) => format!("calling `{}`", call.tool),
            Self::Tools | Self::ToolHelp(_) => "listing the tools".to_owned(),
            Self::Resources => "listing the resources".to_owned(),
            Self::Read(uri) => format!("reading `{uri}`"),
            Self::Prompts => "listing the prompts".to_owned(),
            Self::Prompt { name, .. } => format!("getting the prompt `{name}`"),
            Self::Complete { .. } => "completing an argument".to_owned(),
            Self::Info => "asking what the server is".to_owned(),
            Self::Ping => "asking for a sign of life".to_owned(),
            Self::Listen(_) => "listening".to_owned(),
        }
    }
}

/// What the server answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The tools, all pages in one.
    Tools(ListToolsResult),
    /// One tool as it is listed.
    ToolHelp(Box<Tool>),
    /// The result of a tool, which may be an error.
    Call {
        /// Which tool.
        tool: String,
        /// What it said.
        result: CallToolResult,
    },
    /// The resources and the templates, all pages in one.
    Resources(ListResourcesResult, ListResourceTemplatesResult),
    /// What is in a resource.
    Read(ReadResourceResult),
    /// The prompts, all pages in one.
    Prompts(ListPromptsResult),
    /// A prompt, filled in.
    Prompt(GetPromptResult),
    /// How an argument may go on.
    Complete(CompleteResult),
    /// What the server is.
    Info(Box<Info>),
    /// How long a round trip took.
    Ping(Duration),
    /// Everything was printed as it came.
    Printed,
}

/// Connects, asks and disconnects, all within the time that the configuration gives.
pub(crate) async fn run(
    config: &Config,
    console: &Console,
    printer: &mut Printer<'_>,
) -> Result<Answer, Failure> {
    let mut watch = Watch::new(config, console, printer);
    let opened = async {
        match Session::open(config).await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                let failure = Failure::from_connect(&error, config);
                let is_sse = failure.is_misplaced() && speaks_only_sse(config).await;
                Err(if is_sse { Failure::only_sse(config) } else { failure })
            }
        }
    };
    // Boxed: the handshake is large.
    let (session, events) = watch.hold(Box::pin(opened)).await?;
    watch.hear(&session, events);
    let answer = match &config.request {
        Request::Listen(listening) => watch.listen(&session, listening).await,
        _ => watch.hold(ask(&session, config)).await,
    };
    watch.quiet();
    let abandoned = answer.as_ref().is_err_and(Failure::leaves_work_behind);
    session.close(abandoned).await;
    answer
}

async fn ask(session: &Session, config: &Config) -> Result<Answer, Failure> {
    let service = session.service();
    let failed = |error: ServiceError| Failure::from_service(&error, config);
    let listed = |error: ListError| error.failure(config);
    Ok(match &config.request {
        Request::Tools => {
            let list = lists::tools(service).await.map_err(listed)?;
            config.cache.keep(&list.tools);
            Answer::Tools(list)
        }
        Request::ToolHelp(name) => {
            Answer::ToolHelp(Box::new(call::tool(session, name, config).await?))
        }
        Request::Call(call) => Answer::Call {
            tool: call.tool.clone(),
            result: call::call(session, call, config).await?,
        },
        Request::Resources => {
            let resources = lists::resources(service).await.map_err(listed)?;
            let templates = match lists::templates(service).await {
                // Older servers have none, and do not know the method.
                Err(ListError::Service(ServiceError::McpError(_))) => {
                    ListResourceTemplatesResult::with_all_items(Vec::new())
                }
                result => result.map_err(listed)?,
            };
            Answer::Resources(resources, templates)
        }
        Request::Read(uri) => {
            let params = ReadResourceRequestParams::new(uri.clone());
            Answer::Read(service.read_resource(params).await.map_err(failed)?)
        }
        Request::Prompts => Answer::Prompts(lists::prompts(service).await.map_err(listed)?),
        Request::Prompt { name, arguments } => {
            let arguments = arguments.iter().map(|(key, text)| (key.clone(), text.clone().into()));
            let params = GetPromptRequestParams::new(name.clone())
                .with_arguments(arguments.collect::<serde_json::Map<_, _>>());
            Answer::Prompt(service.get_prompt(params).await.map_err(failed)?)
        }
        Request::Complete { of, argument: (name, start), known } => {
            let argument = ArgumentInfo::new(name.clone(), start.clone());
            let mut params = CompleteRequestParams::new(of.clone(), argument);
            if !known.is_empty() {
                let known: HashMap<String, String> = known.iter().cloned().collect();
                params = params.with_context(CompletionContext::with_arguments(known));
            }
            Answer::Complete(service.complete(params).await.map_err(failed)?)
        }
        Request::Info => Answer::Info(Box::new(info::info(session).await.map_err(failed)?)),
        Request::Ping => Answer::Ping(info::ping(service).await.map_err(failed)?),
        // Listening has no end that could be awaited here.
        Request::Listen(_) => Answer::Printed,
    })
}
