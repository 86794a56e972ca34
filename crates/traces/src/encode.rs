//! Spans as a message of OTLP.
//!
//! The names are those of the semantic conventions of OpenTelemetry for MCP (development, 2026),
//! and `bartizan.…` for what they do not have.

use std::{borrow::Cow, time::Duration};

use auth_core::trace_context::{TraceContext, TraceState};
use http::Version;
use prost::Message;

use crate::{
    proto::{self, AnyValue, KeyValue, Value},
    span::{Failure, Span, Target},
};

/// `SPAN_KIND_SERVER`.
const SERVER: i32 = 2;
/// `STATUS_CODE_ERROR`.
const ERROR: i32 = 2;
/// The flags of a span (`SpanFlags`): it is recorded; it is known whether its parent is remote; it
/// is.
const SAMPLED: u32 = 1;
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The message with `spans` of a server that `resource` describes.
pub(crate) fn request(resource: &[(String, String)], spans: &[Span]) -> Vec<u8> {
    let attributes = resource.iter().map(|(key, value)| text(key.clone(), value.clone())).collect();
    let scope = proto::Scope { name: "bartizan".into(), version: env!("CARGO_PKG_VERSION").into() };
    let scope_spans =
        proto::ScopeSpans { scope: Some(scope), spans: spans.iter().map(span).collect() };
    let resource_spans = proto::ResourceSpans {
        resource: Some(proto::Resource { attributes }),
        scope_spans: vec![scope_spans],
    };
    proto::Request { resource_spans: vec![resource_spans] }.encode_to_vec()
}

fn span(span: &Span) -> proto::Span {
    let ended = span.started.saturating_add(span.elapsed);
    proto::Span {
        trace_id: span.trace.to_bytes().to_vec(),
        span_id: span.id.to_bytes().to_vec(),
        trace_state: text_of(span.state.as_ref()),
        parent_span_id: span.parent.map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
        name: name(span),
        kind: SERVER,
        start_time_unix_nano: nanos(span.started),
        end_time_unix_nano: nanos(ended),
        attributes: attributes(span),
        links: span.link.iter().map(link).collect(),
        status: span.failure.map(|_| proto::Status { code: ERROR }),
        flags: SAMPLED | HAS_IS_REMOTE | span.parent.map_or(0, |_| IS_REMOTE),
    }
}

/// The method, and what it is aimed at where there are few of that: no resource (the conventions
/// advise against it). Of a request whose message was not read, the method and the path of HTTP
/// (`HTTP` for a method that is not of HTTP's, as OpenTelemetry's conventions have it).
fn name(span: &Span) -> String {
    match (&span.method, &span.target) {
        (Some(method), Some(Target::Tool(target) | Target::Prompt(target))) => {
            format!("{method} {target}")
        }
        (Some(method), _) => method.to_string(),
        (None, _) => format!("{} {}", span.http_method.unwrap_or("HTTP"), path(&span.resource)),
    }
}

/// The path of a resource's URI.
fn path(uri: &str) -> &str {
    let after = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    after.find('/').and_then(|at| after.get(at..)).unwrap_or("/")
}

fn attributes(span: &Span) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(16);
    let mut add = |key: &'static str, value: Option<Cow<'_, str>>| {
        all.extend(value.map(|value| text(key.into(), value.into_owned())));
    };
    let is_call = span.method.as_deref() == Some("tools/call");
    let (tool, prompt, uri) = match &span.target {
        Some(Target::Tool(name)) => (Some(name), None, None),
        Some(Target::Prompt(name)) => (None, Some(name), None),
        Some(Target::Resource(uri)) => (None, None, Some(uri)),
        None => (None, None, None),
    };
    let borrowed = |text: Option<&String>| text.map(|text| Cow::Owned(text.clone()));
    add("mcp.method.name", span.method.clone());
    add("gen_ai.tool.name", borrowed(tool));
    add("gen_ai.operation.name", is_call.then_some("execute_tool".into()));
    add("gen_ai.prompt.name", borrowed(prompt));
    add("mcp.resource.uri", borrowed(uri));
    add("mcp.protocol.version", borrowed(span.revision.as_ref()));
    add("jsonrpc.request.id", borrowed(span.message_id.as_ref()));
    add(
        "rpc.response.status_code",
        match span.failure {
            Some(Failure::Code(code)) => Some(code.to_string().into()),
            _ => None,
        },
    );
    add("error.type", span.failure.map(Failure::text));
    add("network.transport", Some("tcp".into()));
    add("network.protocol.name", Some("http".into()));
    add("network.protocol.version", version(span.http_version).map(Cow::from));
    add("http.request.method", Some(span.http_method.unwrap_or("_OTHER").into()));
    add("bartizan.resource", Some((&*span.resource).into()));
    add("bartizan.request.id", Some(span.request_id.to_string().into()));
    for (key, value) in span.decision.iter().flat_map(|decision| decision.labels()) {
        let key = if key == "outcome" { "bartizan.outcome" } else { "bartizan.reason" };
        add(key, Some(value.into()));
    }
    all.extend(span.status.map(|status| KeyValue {
        key: "http.response.status_code".into(),
        value: Some(AnyValue { value: Some(Value::Number(status.as_u16().into())) }),
    }));
    all
}

fn link(context: &TraceContext) -> proto::Link {
    proto::Link {
        trace_id: context.trace.to_bytes().to_vec(),
        span_id: context.span.to_bytes().to_vec(),
        trace_state: text_of(context.state.as_ref()),
        flags: u32::from(context.is_sampled) | HAS_IS_REMOTE | IS_REMOTE,
    }
}

fn text(key: String, value: String) -> KeyValue {
    KeyValue { key, value: Some(AnyValue { value: Some(Value::Text(value)) }) }
}

fn text_of(state: Option<&TraceState>) -> String {
    state.map(|state| state.as_str().to_owned()).unwrap_or_default()
}

fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

fn nanos(since_epoch: Duration) -> u64 {
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_comes_after_the_host() {
        assert_eq!(path("https://mcp.example/mcp"), "/mcp");
        assert_eq!(path("https://mcp.example"), "/");
    }
}
