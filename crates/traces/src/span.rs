//! A span that has ended, as the queue holds it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use auth_core::{
    audit::TraceId,
    trace_context::{SpanId, TraceContext, TraceState},
};
use bartizan::RequestId;
use http::{StatusCode, Version};
use metrics::Decision;

/// A span that has ended. What is written of it is in [`encode`](crate::encode).
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace: TraceId,
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) state: Option<TraceState>,
    /// Another span that the request names: that of the transport.
    pub(crate) link: Option<TraceContext>,
    /// Since 1970-01-01T00:00:00Z.
    pub(crate) started: Duration,
    pub(crate) elapsed: Duration,
    pub(crate) request_id: RequestId,
    pub(crate) resource: Arc<str>,
    /// `None` for one that is not of HTTP's.
    pub(crate) http_method: Option<&'static str>,
    pub(crate) http_version: Version,
    pub(crate) status: Option<StatusCode>,
    /// The method of MCP; `None` if no message was read.
    pub(crate) method: Option<Cow<'static, str>>,
    pub(crate) target: Option<Target>,
    pub(crate) message_id: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) decision: Option<Decision>,
    pub(crate) failure: Option<Failure>,
}

/// What the method is aimed at, where the policy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Tool(String),
    Prompt(String),
    Resource(String),
}

/// How a request failed. Of two the first of this order is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The protected server panicked.
    Panic,
    /// The stream was ended: its caller may no longer have it.
    StreamEnded,
    /// The server's list could not be read.
    UnreadableList,
    /// A JSON-RPC error.
    Code(i64),
    /// A tool says so.
    Tool,
    /// The status of the answer.
    Status(u16),
    /// The caller did not wait for the answer.
    Cancelled,
}

impl Failure {
    /// The value of `error.type`.
    pub(crate) fn text(self) -> Cow<'static, str> {
        match self {
            Self::Panic => "panic".into(),
            Self::StreamEnded => "stream_ended".into(),
            Self::UnreadableList => "unreadable_list".into(),
            Self::Code(code) => code.to_string().into(),
            // By the conventions of OpenTelemetry for MCP.
            Self::Tool => "tool_error".into(),
            Self::Status(status) => status.to_string().into(),
            Self::Cancelled => "cancelled".into(),
        }
    }

    /// How a request with this answer failed, if it did.
    pub(crate) fn of(status: Option<StatusCode>) -> Option<Self> {
        let Some(status) = status else { return Some(Self::Cancelled) };
        (status.as_u16() >= 400).then(|| Self::Status(status.as_u16()))
    }
}
