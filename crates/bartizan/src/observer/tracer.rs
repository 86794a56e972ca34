//! The port of traces: one operation for each request, from its receipt to the end of its answer.

use std::{fmt, sync::Arc};

use auth_core::trace_context::TraceContext;
use http::{Method, StatusCode, Version};

use super::AuditEvent;
use crate::RequestId;

/// Follows each request.
pub trait Tracer: Send + Sync + 'static {
    /// A request was received. Nothing of it was judged yet.
    fn begin(&self, received: Received<'_>) -> Arc<dyn Operation>;
}

/// One request that is followed. Its last reference is dropped where its caller does not wait for
/// the answer, without [`end`](Self::end).
///
/// Its methods are called on the way of the request: they must return quickly and must not block.
pub trait Operation: Send + Sync {
    /// The message was read. Called at most once, and before anything is decided about it.
    fn message(&self, facts: MessageFacts<'_>);

    /// What the guard decided, or what happened.
    fn observe(&self, event: &AuditEvent<'_>);

    /// The answer says that the call failed.
    fn failed(&self, failure: AnswerFailure);

    /// The answer has been sent with this status; `None` if it was not waited for. What comes after
    /// is not of interest.
    fn end(&self, status: Option<StatusCode>);

    /// What others that serve this request name as their parent. The trace is that of the caller,
    /// if it named one.
    fn context(&self) -> TraceContext;
}

/// The head of a request, as far as a [`Tracer`] sees it. No credential is in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received<'a> {
    /// Which request.
    pub request_id: RequestId,
    /// The method of HTTP.
    pub method: &'a Method,
    /// The version of HTTP.
    pub version: Version,
    /// What its headers `traceparent` and `tracestate` say.
    pub context: Option<TraceContext>,
}

/// A message, as far as an [`Operation`] sees it. Its arguments are not in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MessageFacts<'a> {
    /// The JSON-RPC method: the caller's text. `None` for a stream, an answer, or the end of a
    /// session.
    pub method: Option<&'a str>,
    /// The id of a request, as text.
    pub id: Option<String>,
    /// The revision of MCP that the request names, in the form of a date.
    pub revision: Option<&'a str>,
    /// What `params._meta` says of `traceparent` and `tracestate` (SEP-414). It is preferred to the
    /// headers: those are about the transport.
    pub context: Option<TraceContext>,
}

/// How an answer with a status of success says that a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFailure {
    /// A JSON-RPC error with this code.
    Code(i64),
    /// The result of a tool with `isError`.
    Tool,
}

impl fmt::Debug for dyn Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({})", self.context().traceparent())
    }
}
