//! `mcp.server.operation.duration` of the semantic conventions of OpenTelemetry for MCP: its labels
//! and its buckets.
//!
//! | attribute | label |
//! |---|---|
//! | `mcp.method.name` | `mcp_method_name`: a method that MCP defines, or `_OTHER` |
//! | `gen_ai.tool.name` | `gen_ai_tool_name`: a tool of the policy; none for others |
//! | `error.type` | `error_type`: the status of an answer of 400 and more, `cancelled` if the caller did not wait, none otherwise |
//!
//! The label `resource` is ours. An error within an answer of 200 (JSON-RPC, or `isError` of a
//! tool) is not seen: the guard does not read answers.

use std::{fmt, sync::Arc};

use http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder},
    metrics::{family::MetricConstructor, histogram::Histogram},
};

use crate::{closed::closed, tools::ToolName};

/// The bounds of the buckets that the conventions advise, in seconds.
const BUCKETS: [f64; 14] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

closed! {
    /// A method of MCP.
    pub(crate) enum Method {
        Initialize = "initialize",
        Discover = "server/discover",
        Ping = "ping",
        ToolsList = "tools/list",
        ToolsCall = "tools/call",
        ResourcesList = "resources/list",
        TemplatesList = "resources/templates/list",
        ResourcesRead = "resources/read",
        ResourcesSubscribe = "resources/subscribe",
        ResourcesUnsubscribe = "resources/unsubscribe",
        PromptsList = "prompts/list",
        PromptsGet = "prompts/get",
        Complete = "completion/complete",
        SetLevel = "logging/setLevel",
        Listen = "subscriptions/listen",
        TasksGet = "tasks/get",
        TasksResult = "tasks/result",
        TasksUpdate = "tasks/update",
        TasksCancel = "tasks/cancel",
        TasksList = "tasks/list",
        Initialized = "notifications/initialized",
        Cancelled = "notifications/cancelled",
        Progress = "notifications/progress",
        RootsChanged = "notifications/roots/list_changed",
        Other = "_OTHER",
    }
}

/// A method as labels and traces name it: one that MCP defines, or `_OTHER`.
#[must_use]
pub fn method_name(text: &str) -> &'static str {
    Method::of_text(text).text()
}

closed! {
    /// How an operation failed.
    pub(crate) enum ErrorType {
        BadRequest = "400",
        Unauthorized = "401",
        Forbidden = "403",
        NotFound = "404",
        MethodNotAllowed = "405",
        NotAcceptable = "406",
        Timeout = "408",
        TooLarge = "413",
        UnsupportedType = "415",
        TooMany = "429",
        Internal = "500",
        BadGateway = "502",
        Unavailable = "503",
        GatewayTimeout = "504",
        Cancelled = "cancelled",
        Other = "_OTHER",
    }
}

impl ErrorType {
    /// How an operation with this answer failed; `None` if it did not. No answer: the caller did
    /// not wait for it.
    pub(crate) fn of(status: Option<StatusCode>) -> Option<Self> {
        let Some(status) = status else { return Some(Self::Cancelled) };
        (status.as_u16() >= 400).then(|| Self::of_text(status.as_str()))
    }
}

/// The labels of an operation. Those without a value are not written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct OperationLabels {
    pub(crate) resource: Arc<str>,
    pub(crate) method: Method,
    pub(crate) tool: Option<ToolName>,
    pub(crate) error: Option<ErrorType>,
}

impl EncodeLabelSet for OperationLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        ("resource", &*self.resource).encode(encoder.encode_label())?;
        ("mcp_method_name", self.method).encode(encoder.encode_label())?;
        if let Some(tool) = &self.tool {
            ("gen_ai_tool_name", tool.as_str()).encode(encoder.encode_label())?;
        }
        if let Some(error) = self.error {
            ("error_type", error).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

/// Makes histograms with the buckets of the conventions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durations;

impl MetricConstructor<Histogram> for Durations {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_mcp_does_not_define_is_other_whatever_it_is_called() {
        assert_eq!(Method::of_text("tools/call"), Method::ToolsCall);
        for name in ["", "tools/call ", "TOOLS/CALL", "_OTHER", "x\"}\n"] {
            assert_eq!(Method::of_text(name), Method::Other, "{name}");
        }
    }

    #[test]
    fn an_answer_below_400_is_no_error_and_an_unusual_one_is_other() {
        let of = |code| ErrorType::of(Some(StatusCode::from_u16(code).unwrap()));
        assert_eq!((of(200), of(202), of(304)), (None, None, None));
        assert_eq!(of(403), Some(ErrorType::Forbidden));
        assert_eq!(of(599), Some(ErrorType::Other));
        assert_eq!(ErrorType::of(None), Some(ErrorType::Cancelled));
    }
}
