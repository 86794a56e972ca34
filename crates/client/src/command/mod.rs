//! What can be done at a server, once connected: one file for each verb.

mod arguments;
mod call;
mod tools;

use std::{future::Future, io};

use rmcp::model::{CallToolResult, ListToolsResult};
use tokio::time::{Instant, timeout_at};

pub(crate) use arguments::{ArgumentError, ToolCall};

use crate::{config::Config, connect::Session, failure::Failure};

/// What to ask the server.
#[derive(Debug)]
pub(crate) enum Request {
    /// `tools/list`.
    Tools,
    /// `tools/call`.
    Call(ToolCall),
}

impl Request {
    /// The tool that is called, if one is.
    pub(crate) fn tool(&self) -> Option<&str> {
        match self {
            Self::Tools => None,
            Self::Call(call) => Some(&call.tool),
        }
    }
}

/// What the server answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The tools, all pages in one.
    Tools(Box<ListToolsResult>),
    /// The result of a tool, which may be an error.
    Call {
        /// Which tool.
        tool: String,
        /// What it said.
        result: Box<CallToolResult>,
    },
}

/// Connects, asks and disconnects, all within the time that the configuration gives.
pub(crate) async fn run(config: &Config) -> Result<Answer, Failure> {
    let limits = Limits { config, deadline: Instant::now() + config.timeout };
    let session = limits
        .hold(async {
            Session::open(config).await.map_err(|error| Failure::from_connect(&error, config))
        })
        .await?;
    let answer = limits
        .hold(async {
            ask(&session, &config.request)
                .await
                .map_err(|error| Failure::from_service(&error, config))
        })
        .await;
    session.close().await;
    answer
}

async fn ask(session: &Session, request: &Request) -> Result<Answer, rmcp::ServiceError> {
    Ok(match request {
        Request::Tools => Answer::Tools(Box::new(tools::list(session).await?)),
        Request::Call(call) => Answer::Call {
            tool: call.tool.clone(),
            result: Box::new(call::call(session, call).await?),
        },
    })
}

/// The two ways in which a wait ends early.
struct Limits<'a> {
    config: &'a Config,
    deadline: Instant,
}

impl Limits<'_> {
    async fn hold<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = interrupted() => Err(Failure::cancelled()),
            result = timeout_at(self.deadline, work) => {
                result.unwrap_or_else(|_| Err(Failure::timeout(self.config)))
            }
        }
    }
}

/// Ends with the first Ctrl-C; never, where there is no such thing.
async fn interrupted() {
    let pressed: io::Result<()> = tokio::signal::ctrl_c().await;
    if pressed.is_err() {
        std::future::pending::<()>().await;
    }
}
