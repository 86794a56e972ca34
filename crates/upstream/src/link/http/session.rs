//! What the tasks of one link have in common: the server's session, and where messages go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use hyper::body::{Body, Incoming as HttpBody};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{error::HttpLinkError, mirror::mirror, params::ParamHeaders};
use crate::{
    CallContext,
    credentials::Credentials,
    http::{
        AnswerError, AnswerKind, HttpClient, LAST_EVENT_ID, MCP_PROTOCOL_VERSION, MCP_SESSION_ID,
        SentHeaders, judge,
    },
    link::{CallId, ClosedError, Incoming, LinkFault},
    wire::Message,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// What the tasks of one link have in common.
pub(super) struct Session {
    pub(super) client: HttpClient,
    pub(super) params: Arc<ParamHeaders>,
    credentials: Credentials,
    caller: CallContext,
    incoming: mpsc::Sender<Incoming>,
    names: Mutex<Names>,
}

/// What the server has named in its answer to `initialize`.
#[derive(Debug, Clone, Default)]
struct Names {
    session: Option<HeaderValue>,
    version: Option<HeaderValue>,
}

/// An HTTP answer that may hold an answer.
pub(super) struct Answered {
    pub(super) kind: AnswerKind,
    pub(super) response: Response<HttpBody>,
}

impl Session {
    pub(super) fn new(
        client: HttpClient,
        credentials: Credentials,
        params: Arc<ParamHeaders>,
        caller: CallContext,
        incoming: mpsc::Sender<Incoming>,
    ) -> Self {
        Self { client, params, credentials, caller, incoming, names: Mutex::default() }
    }

    /// Sends a message.
    pub(super) async fn post(&self, message: Message) -> Result<Answered, HttpLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::CONTENT_TYPE, JSON);
        headers.set(header::ACCEPT, BOTH);
        if message.revision().is_some() {
            mirror(&mut headers, &message, &self.params);
        } else if message.method() != "initialize" {
            self.name(&mut headers);
        }
        let lasts = message.method() == "subscriptions/listen";
        self.send(Method::POST, headers, message.into_bytes(), lasts).await
    }

    /// Opens the GET stream, or resumes a stream after the event `last`.
    pub(super) async fn get(&self, last: Option<&str>) -> Result<Answered, HttpLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::ACCEPT, STREAM);
        self.name(&mut headers);
        if let Some(last) = last.and_then(|last| HeaderValue::from_str(last).ok()) {
            headers.set(LAST_EVENT_ID, last);
        }
        self.send(Method::GET, headers, Bytes::new(), true).await
    }

    /// Ends the session, if there is one.
    pub(super) async fn delete(&self) {
        if self.names().session.is_none() {
            return;
        }
        let mut headers = SentHeaders::default();
        self.name(&mut headers);
        // The server may refuse it with 405, and then ends the session by itself.
        let _ = self.send(Method::DELETE, headers, Bytes::new(), false).await;
    }

    async fn send(
        &self,
        method: Method,
        mut headers: SentHeaders,
        body: Bytes,
        lasts: bool,
    ) -> Result<Answered, HttpLinkError> {
        self.credentials.add_to(&mut headers, &self.caller).await?;
        let response = self.client.send(method, headers, body, lasts).await?;
        if response.status() == StatusCode::NOT_FOUND && self.has_session() {
            return Err(HttpLinkError::SessionEnded);
        }
        let body = response.body();
        let is_empty = body.size_hint().exact() == Some(0) || body.is_end_stream();
        let kind = judge(response.status(), response.headers(), is_empty);
        if matches!(kind, Err(AnswerError::Refused(_))) {
            self.credentials.refused(&self.caller);
        }
        Ok(Answered { kind: kind?, response })
    }

    fn name(&self, headers: &mut SentHeaders) {
        let Names { session, version } = self.names().clone();
        if let Some(session) = session {
            headers.set(MCP_SESSION_ID, session);
        }
        if let Some(version) = version {
            headers.set(MCP_PROTOCOL_VERSION, version);
        }
    }

    /// Takes the session's id from the head of the answer to `initialize`.
    pub(super) fn learn_session(&self, headers: &HeaderMap) {
        self.names().session = headers.get(MCP_SESSION_ID).cloned();
    }

    /// Takes the protocol version from the answer to `initialize`.
    pub(super) fn learn_version(&self, answer: &[u8]) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let version = answer.pointer("/result/protocolVersion").and_then(Value::as_str);
        self.names().version = version.and_then(|version| HeaderValue::from_str(version).ok());
    }

    /// Whether the server was initialized: a revision before 2026-07-28.
    pub(super) fn is_initialized(&self) -> bool {
        self.names().version.is_some()
    }

    fn has_session(&self) -> bool {
        self.names().session.is_some()
    }

    /// Passes a message on; `false` if no one receives any more.
    pub(super) async fn deliver(&self, message: Bytes, during: Option<CallId>) -> bool {
        self.incoming.send(Incoming::Message { message, during }).await.is_ok()
    }

    /// Says that a call has no answer.
    pub(super) async fn no_answer(&self, call: CallId, error: HttpLinkError) {
        let fault = LinkFault::NoAnswer(call, error.into());
        let _ = self.incoming.send(Incoming::Fault(fault)).await;
    }

    /// Says that the server sent something that is no message of a call.
    pub(super) async fn too_long(&self, limit: usize) {
        let fault = LinkFault::TooLong { limit, call: None };
        let _ = self.incoming.send(Incoming::Fault(fault)).await;
    }

    pub(super) async fn closed(&self, error: ClosedError) {
        let _ = self.incoming.send(Incoming::Closed(error)).await;
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
