//! What went wrong: the one place that turns faults into words and exit codes.
//!
//! rmcp hands a fault of the HTTP layer on as a boxed error inside its own; [`http`] opens that
//! box. What the server itself says is kept apart from our words: it is untrusted.

mod access;
mod body;
mod certificate;
mod context;
mod denied;
mod http;
mod plain;
mod source;
mod unsent;

use auth_core::{Challenge, ScopeSet};
use rmcp::{
    ServiceError,
    model::{ErrorCode, ErrorData},
    service::ClientInitializeError,
};
use serde_json::{Value, json};
use terminal::{Invocation, help::filled};

use crate::{
    Exit, connect::ConnectError, sanitize::Sanitizer, schema::FieldError, transport::MAX_PENDING,
};

use body::ErrorBody;
pub(crate) use context::{Context, Operation, PresentedCertificate, SentToken};
pub(crate) use plain::is_plain;

/// The error of 2025-11-25 that says that pages have to be opened first.
const URL_ELICITATION_REQUIRED: i32 = -32042;

/// What went wrong, as text.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    server: Option<String>,
    hint: Option<String>,
    scopes: Option<Box<Scopes>>,
    refusal: Option<Box<Refusal>>,
    named: Box<Named>,
}

/// What a failure names one by one. In a box: a result should not be larger for its errors.
#[derive(Debug, Default)]
struct Named {
    fields: Vec<FieldError>,
    pages: Vec<String>,
    /// The status of an answer that is not one of MCP.
    status: Option<u16>,
    /// The server's name for the request, for its log.
    request_id: Option<String>,
}

/// How the server refused.
#[derive(Debug)]
struct Refusal {
    /// The challenge; an empty one where there is a header, but no Bearer challenge in it.
    challenge: Option<Challenge>,
    /// Whether a token with more scopes would do.
    lacks_scope: bool,
    /// What is missing, as long as the hint says where to get it.
    lacks: Option<Lack>,
}

/// What a refused request lacks. Where to get it depends on the server ([`source`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// A token, or one that is valid.
    Token,
    /// A token, and the server does not say so.
    TokenAtAll,
    /// A token with more scopes.
    Scopes,
}

/// The scopes that a refusal is about, as far as known.
#[derive(Debug)]
struct Scopes {
    required: Option<ScopeSet>,
    granted: Option<ScopeSet>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            server: None,
            hint: None,
            scopes: None,
            refusal: None,
            named: Box::default(),
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        if let Some(refusal) = &mut self.refusal {
            refusal.lacks = None;
        }
        self
    }

    fn with_server(mut self, words: Option<String>) -> Self {
        self.server = words.filter(|words| !words.trim().is_empty());
        self
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: &str) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The arguments do not fit what the tool takes.
    pub(crate) fn arguments(tool: &str, faults: Vec<FieldError>, server_flag: &str) -> Self {
        let message = format!("the arguments are not what `{tool}` takes; nothing was sent");
        let failure = Self::new(Exit::Usage, message);
        let mut failure = failure
            .with_hint(format!("`{{client}} call {tool} --help{server_flag}` shows what it takes"));
        failure.named.fields = faults;
        failure
    }

    /// There is no such tool in the list.
    pub(crate) fn no_tool(tool: &str, server_flag: &str) -> Self {
        Self::new(Exit::Usage, format!("the server lists no tool `{tool}`"))
            .with_hint(format!("`{{client}} tools{server_flag}` lists the tools that you may use"))
    }

    /// A question, and no one to ask.
    pub(crate) fn no_terminal(question: &str) -> Self {
        Self::new(Exit::InputRequired, "the server asks for something, and there is no terminal")
            .with_server(Some(question.to_owned()))
            .with_hint("run it in a terminal, with stdin and stderr not redirected")
    }

    /// A question that only programs of another kind can answer.
    pub(crate) fn not_offered() -> Self {
        let message =
            "the server asks for a model or for folders, which this client does not offer";
        Self::new(Exit::Protocol, message)
    }

    /// A task that ended without a result.
    pub(crate) fn task_cancelled(words: Option<&str>) -> Self {
        Self::new(Exit::Protocol, "the server cancelled the task")
            .with_server(words.map(str::to_owned))
    }

    /// The server asks more than it takes answers for.
    pub(crate) fn asks_too_much(context: &Context) -> Self {
        let message = format!(
            "{} sent more than {MAX_PENDING} requests that are still unanswered",
            context.endpoint
        );
        Self::new(Exit::Protocol, message)
    }

    /// A list is longer than any that is shown.
    pub(crate) fn list_too_long(context: &Context, bound: &str) -> Self {
        Self::new(Exit::Protocol, format!("the list of {} has more than {bound}", context.endpoint))
    }

    /// The server speaks the transport of 2024-11-05.
    pub(crate) fn only_sse(context: &Context) -> Self {
        let message = format!(
            "{} speaks the HTTP+SSE transport of 2024-11-05, which this client does not",
            context.endpoint
        );
        let hint = "many servers have streamable HTTP at another path, such as /mcp";
        Self::new(Exit::Protocol, message).with_hint(hint)
    }

    /// `listen` has nothing more to listen to.
    pub(crate) fn stream_ended(context: &Context) -> Self {
        Self::new(Exit::Protocol, format!("{} ended the stream of messages", context.endpoint))
    }

    /// What is to be saved cannot be.
    pub(crate) fn save(message: impl Into<String>) -> Self {
        Self::new(Exit::Output, message)
    }

    /// The tool answered with an error.
    pub(crate) fn tool(tool: &str) -> Self {
        let message = format!("the tool `{tool}` answered with an error");
        Self::new(Exit::ToolError, message)
    }

    /// stdout takes nothing more.
    pub(crate) fn output() -> Self {
        Self::new(Exit::Output, "the answer could not be written")
    }

    /// Ctrl-C.
    pub(crate) fn cancelled() -> Self {
        Self::new(Exit::Cancelled, "cancelled")
    }

    /// No answer in time.
    pub(crate) fn timeout(context: &Context) -> Self {
        let seconds = context.timeout.as_secs_f64();
        let message = format!("no answer from {} within {seconds} s", context.endpoint);
        Self::new(Exit::Timeout, message).with_hint("--timeout DURATION waits longer")
    }

    /// 401 or 403, with the `WWW-Authenticate` lines ([`crate::transport::lines`]) and the body.
    pub(crate) fn refused(
        is_forbidden: bool,
        lines: Option<&str>,
        body: &str,
        context: &Context,
    ) -> Self {
        let body = ErrorBody::parse(body);
        if is_forbidden {
            denied::forbidden(lines, body, context)
        } else {
            denied::unauthorized(lines, body, context)
        }
    }

    /// There is no session.
    pub(crate) fn from_connect(error: &ConnectError, context: &Context) -> Self {
        match error {
            ConnectError::Http(error) => http::from_outbound(error, context),
            ConnectError::Startup(error) => Self::from_startup(error, context),
        }
    }

    fn from_startup(error: &ClientInitializeError, context: &Context) -> Self {
        use ClientInitializeError as Startup;
        match error {
            Startup::TransportError { error, .. } => http::from_transport(error, context),
            // The second attempt says more: the first only found that the server is an older one.
            Startup::LegacyFallbackFailed { fallback, .. } => Self::from_startup(fallback, context),
            Startup::JsonRpcError(error) => Self::from_json_rpc(error, context),
            Startup::NoCompatibleProtocolVersion { .. } => Self::new(
                Exit::Protocol,
                "the server speaks no version of MCP that this client knows",
            ),
            Startup::Cancelled => Self::cancelled(),
            _ => Self::not_mcp(context),
        }
    }

    /// A request got no result.
    pub(crate) fn from_service(error: &ServiceError, context: &Context) -> Self {
        match error {
            ServiceError::TransportSend(error) => http::from_transport(error, context),
            ServiceError::McpError(error) => Self::from_json_rpc(error, context),
            ServiceError::TransportClosed => Self::new(
                Exit::Protocol,
                format!("{} ended the connection without an answer", context.endpoint),
            )
            // rmcp ends it, too, where an event of a stream is longer.
            .with_hint("did the server stop, or was the answer longer than 16 MiB?"),
            ServiceError::InputRequiredRoundsExceeded { .. } => {
                Self::new(Exit::Protocol, "the server asks for more and more input, without an end")
            }
            ServiceError::Timeout { .. } => Self::timeout(context),
            _ => Self::not_mcp(context),
        }
    }

    fn from_json_rpc(error: &ErrorData, context: &Context) -> Self {
        let message = format!("{} answered with JSON-RPC error {}", context.endpoint, error.code.0);
        let failure =
            Self::new(Exit::Protocol, message).with_server(Some(error.message.to_string()));
        if error.code.0 == URL_ELICITATION_REQUIRED {
            return failure.wanting_pages(error);
        }
        let hint = match error.code {
            ErrorCode::INVALID_PARAMS | ErrorCode::RESOURCE_NOT_FOUND => {
                context.operation.listing_hint.clone()
            }
            ErrorCode::METHOD_NOT_FOUND => Some(format!(
                "`{{client}} info{}` shows what the server can do",
                context.server_flag
            )),
            _ => None,
        };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }

    fn wanting_pages(mut self, error: &ErrorData) -> Self {
        let asked = error.data.as_ref().and_then(|data| data.get("elicitations")?.as_array());
        let url = |asked: &Value| asked.get("url")?.as_str().map(str::to_owned);
        self.named.pages = asked.into_iter().flatten().filter_map(url).collect();
        self.exit = Exit::InputRequired;
        "the server wants a page to be opened first".clone_into(&mut self.message);
        self.with_hint("if you trust it, open it, finish what it asks, and try again")
    }

    /// An invalid response.
    pub(crate) fn not_mcp(context: &Context) -> Self {
        let message = format!("{} did not answer the way an MCP server does", context.endpoint);
        Self::new(Exit::Protocol, message).with_hint(http::elsewhere(context))
    }

    /// Whether the answer was that there is nothing of this kind at this place.
    pub(crate) fn is_misplaced(&self) -> bool {
        matches!(self.named.status, Some(404..=406))
    }

    /// How the run ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether a request may have been dropped before its answer came.
    pub(crate) fn leaves_work_behind(&self) -> bool {
        matches!(self.exit, Exit::Cancelled | Exit::Timeout | Exit::InputRequired)
    }

    /// The pages that the server wants opened.
    pub(crate) fn pages(&self) -> &[String] {
        &self.named.pages
    }

    /// The fields that are wrong.
    pub(crate) fn fields(&self) -> &[FieldError] {
        &self.named.fields
    }

    /// The server's name for the request, which finds it in the server's log.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.named.request_id.as_deref()
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What the server says to it.
    pub(crate) fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// What to do about it. `{client}` and the like are the programs ([`terminal::help`]).
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// All the scopes that are needed, where the server said so.
    pub(crate) fn required(&self) -> Option<&ScopeSet> {
        self.scopes.as_ref()?.required.as_ref()
    }

    /// The scopes that the token has, where known.
    pub(crate) fn granted(&self) -> Option<&ScopeSet> {
        self.scopes.as_ref()?.granted.as_ref()
    }

    /// The failure for a program.
    pub(crate) fn to_json(&self, sanitizer: &Sanitizer<'_>, invocation: &Invocation) -> Value {
        let mut error = json!({
            "code": self.exit.name(),
            "exit_code": self.exit.code(),
            "message": sanitizer.text(&self.message),
        });
        let members = [
            ("server", self.server.as_deref().map(|words| sanitizer.one_line(words).into())),
            ("hint", self.hint.as_deref().map(|hint| filled(hint, invocation).into())),
            ("required", self.required().map(list)),
            ("granted", self.granted().map(list)),
            ("request_id", self.request_id().map(|id| sanitizer.one_line(id).into())),
            ("pages", (!self.named.pages.is_empty()).then(|| self.pages_json(sanitizer))),
            ("fields", (!self.named.fields.is_empty()).then(|| self.fields_json(sanitizer))),
        ];
        if let Some(object) = error.as_object_mut() {
            for (name, value) in members {
                if let Some(value) = value {
                    object.insert(name.to_owned(), value);
                }
            }
        }
        json!({ "error": error })
    }

    fn pages_json(&self, sanitizer: &Sanitizer<'_>) -> Value {
        self.named.pages.iter().map(|page| sanitizer.full(page)).collect()
    }

    fn fields_json(&self, sanitizer: &Sanitizer<'_>) -> Value {
        let one = |fault: &FieldError| {
            let (field, problem) =
                (sanitizer.one_line(&fault.field), sanitizer.one_line(&fault.problem));
            json!({ "field": field, "problem": problem })
        };
        self.named.fields.iter().map(one).collect()
    }
}

fn list(scopes: &ScopeSet) -> Value {
    scopes.iter().map(auth_core::Scope::as_str).collect()
}
