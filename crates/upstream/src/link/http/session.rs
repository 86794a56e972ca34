//! What the tasks of one link have in common: the server's session, and where messages go.

use std::{
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use hyper::body::{Body, Incoming as HttpBody};
use serde_json::Value;
use tokio::sync::mpsc;
use tracing::warn;

use super::{error::HttpLinkError, known::Known, mirror::mirror};
use crate::{
    CallContext,
    credentials::Credentials,
    http::{
        AnswerError, AnswerKind, HttpClient, LAST_EVENT_ID, MCP_PROTOCOL_VERSION, MCP_SESSION_ID,
        SendError, SentHeaders, judge,
    },
    link::{
        CallId, ClosedError, Incoming, LinkFault,
        sse::{SseLinkError, SseSession},
    },
    wire::Message,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// What the tasks of one link have in common. Clones share it.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) client: HttpClient,
    pub(super) known: Arc<Known>,
    credentials: Credentials,
    /// On whose behalf this clone sends; `None`: of the latest one.
    caller: Option<Arc<CallContext>>,
    /// Who used the link last.
    latest: Arc<Mutex<Arc<CallContext>>>,
    incoming: mpsc::Sender<Incoming>,
    names: Arc<Mutex<Names>>,
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
    /// Whether it is a 404 to a request that names the session: the session has ended, unless the
    /// body says that it is the method that was not found.
    pub(super) is_missing: bool,
}

impl Session {
    pub(super) fn new(
        client: HttpClient,
        credentials: Credentials,
        known: Arc<Known>,
        caller: CallContext,
        incoming: mpsc::Sender<Incoming>,
    ) -> Self {
        let latest = Arc::new(Mutex::new(Arc::new(caller)));
        let names = Arc::default();
        Self { client, known, credentials, caller: None, latest, incoming, names }
    }

    /// The session for what is sent on behalf of `caller`, if a message names one.
    pub(super) fn of(self: &Arc<Self>, caller: Option<Arc<CallContext>>) -> Arc<Self> {
        let Some(caller) = caller else { return Arc::clone(self) };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&caller);
        Arc::new(Self { caller: Some(caller), ..Self::clone(self) })
    }

    fn caller(&self) -> Arc<CallContext> {
        self.caller.clone().unwrap_or_else(|| {
            let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::new(latest.without_scopes())
        })
    }

    /// Sends a notification or an answer.
    pub(super) async fn note(&self, message: Message) -> Result<(), HttpLinkError> {
        if self.post(message).await?.is_missing { Err(HttpLinkError::SessionEnded) } else { Ok(()) }
    }

    /// Sends a message.
    pub(super) async fn post(&self, message: Message) -> Result<Answered, HttpLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::CONTENT_TYPE, JSON);
        headers.set(header::ACCEPT, BOTH);
        if message.revision().is_some() {
            mirror(&mut headers, &message, &self.known.params);
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
        let answered = self.send(Method::GET, headers, Bytes::new(), true).await?;
        if answered.is_missing { Err(HttpLinkError::SessionEnded) } else { Ok(answered) }
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
        headers: SentHeaders,
        body: Bytes,
        lasts: bool,
    ) -> Result<Answered, HttpLinkError> {
        let answered = self.send_once(method, headers, body, lasts).await;
        let reachability = &self.known.reachability;
        let status = match &answered {
            Ok(answered) => Some(answered.response.status()),
            Err(HttpLinkError::Answer(AnswerError::Status(status))) => Some(*status),
            Err(_) => None,
        };
        match (&answered, status) {
            // It may refuse this caller alone, whom it knows.
            (_, Some(StatusCode::SERVICE_UNAVAILABLE)) if self.credentials.is_per_caller() => {
                let _ = self.incoming.send(Incoming::Unavailable).await;
            }
            (_, Some(status)) if is_of_proxy(status) => {
                reachability.lost(&HttpLinkError::Status(status));
            }
            (Ok(_) | Err(HttpLinkError::Answer(_) | HttpLinkError::SessionEnded), _) => {
                reachability.found();
            }
            (Err(HttpLinkError::Send(error)), _) => self.unsent(error),
            // They say nothing about the server.
            (Err(_), _) => {}
        }
        answered
    }

    /// Notes that a request has no answer.
    fn unsent(&self, error: &SendError) {
        match error {
            SendError::Unreachable(_) | SendError::Interrupted(_) => {
                self.known.reachability.lost(error);
            }
            // One that is slow with one call may answer others.
            SendError::Timeout(_) => {}
        }
    }

    async fn send_once(
        &self,
        method: Method,
        headers: SentHeaders,
        body: Bytes,
        lasts: bool,
    ) -> Result<Answered, HttpLinkError> {
        let names_session = headers.has(&MCP_SESSION_ID);
        let response = self.exchange(method, headers, body, lasts).await?;
        let is_missing = names_session && response.status() == StatusCode::NOT_FOUND;
        let body = response.body();
        let is_empty = body.size_hint().exact() == Some(0) || body.is_end_stream();
        let kind = judge(response.status(), response.headers(), is_empty);
        // What is no JSON cannot say that it is about the method.
        if kind.is_err() && is_missing {
            return Err(HttpLinkError::SessionEnded);
        }
        Ok(Answered { kind: kind?, response, is_missing })
    }

    /// Sends a request with what the gateway presents. One whose token the server has refused is
    /// sent once more if there is another token: it was not processed (RFC 6750 §3.1).
    async fn exchange(
        &self,
        method: Method,
        mut headers: SentHeaders,
        body: Bytes,
        lasts: bool,
    ) -> Result<Response<HttpBody>, HttpLinkError> {
        let caller = self.caller();
        let again = self.credentials.has_tokens().then(|| (headers.clone(), body.clone()));
        let presented = self.credentials.add_to(&mut headers, &caller).await?;
        let response = self.client.send(method.clone(), headers, body, lasts).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some((mut headers, body)) = again
            && self.credentials.refused(&caller, &presented)
        {
            self.credentials.add_to(&mut headers, &caller).await?;
            return Ok(self.client.send(method, headers, body, lasts).await?);
        }
        Ok(response)
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

    /// The connection to a server of 2024-11-05, if it is one.
    pub(super) async fn open_sse(&self) -> Result<SseSession, SseLinkError> {
        let (client, credentials) = (self.client.clone(), self.credentials.clone());
        let opened = SseSession::open(client, credentials, self.caller()).await;
        self.known.set_sse(opened.is_ok());
        match &opened {
            Ok(_) => self.known.reachability.found(),
            Err(SseLinkError::Send(error)) => self.unsent(error),
            Err(_) => {}
        }
        opened
    }

    /// Where messages of the server go.
    pub(super) const fn incoming(&self) -> &mpsc::Sender<Incoming> {
        &self.incoming
    }

    /// Passes a message on; `false` if no one receives any more.
    pub(super) async fn deliver(&self, message: Bytes, during: Option<CallId>) -> bool {
        self.incoming.send(Incoming::Message { message, during }).await.is_ok()
    }

    /// Says to the operator why a call has no answer.
    pub(super) fn report(&self, error: &HttpLinkError) {
        let server = self.client.url();
        warn!(%server, error = error as &dyn Error, "A server did not answer a call");
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

/// Whether a status is one by which a proxy says that the server is not there (RFC 9110 §15.6).
fn is_of_proxy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}
