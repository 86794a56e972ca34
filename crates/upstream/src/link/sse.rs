//! A server of the revision 2024-11-05: one event stream for all that the server says, and a POST
//! for each message to it (basic/transports, HTTP with SSE).
//!
//! 1. The first event is `endpoint`: where to send messages, on the server's own origin and no
//!    other.
//! 2. Each message is sent once. `initialize` and `notifications/initialized` are accepted before
//!    the next message is sent. Others are sent side by side, as there are servers that accept a
//!    message only when they have executed it.
//! 3. What the stream brings names no call.
//! 4. The stream cannot be resumed: when it ends, the link has ended.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use hyper::body::{Body, Incoming as HttpBody};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};
use tracing::debug;

use super::{
    CallId, ClosedError, Incoming, LinkFault, Outgoing,
    events::{Event, Events},
    message::request_of,
};
use crate::{
    CallContext,
    credentials::{CredentialError, Credentials},
    http::{AnswerError, AnswerKind, BodyError, HttpClient, Parts, SendError, SentHeaders, judge},
    wire::Message,
};

/// How many messages are being sent at once. One beyond it waits.
const MAX_TASKS: usize = 256;

/// Why there is no link, or a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SseLinkError {
    /// No HTTP answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The gateway has no credentials for the server.
    #[error("the gateway has no credentials for the server")]
    Credentials(#[from] CredentialError),
    /// Not an answer of an MCP server.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The stream broke.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The stream does not begin with an `endpoint` event of the server's own origin.
    #[error("the stream does not begin with an endpoint of the server's own")]
    Endpoint,
    /// An event longer than the bound.
    #[error("the server sent a message of more than {0} bytes")]
    TooLong(usize),
}

/// A connection to such a server.
pub(super) struct SseSession {
    server: Server,
    stream: Stream,
}

impl SseSession {
    /// Opens the event stream at the URL of `client`, and waits until the server has named its
    /// endpoint.
    pub(super) async fn open(
        client: HttpClient,
        credentials: Credentials,
        caller: Arc<CallContext>,
    ) -> Result<Self, SseLinkError> {
        let server = Server { client, credentials, caller };
        let opened = timeout(server.client.limits().endpoint, server.open()).await;
        opened.map_err(|_| SseLinkError::Endpoint)?
    }

    /// Sends messages, `first` before all others, and passes on what the stream brings: until it
    /// ends, or there are no more messages.
    pub(super) async fn run(
        self,
        first: Message,
        outgoing: &mut mpsc::Receiver<Outgoing>,
        incoming: &mpsc::Sender<Incoming>,
    ) -> ClosedError {
        let server = Arc::new(self.server);
        tokio::select! {
            closed = receive(self.stream, incoming) => closed,
            () = transmit(&server, first, outgoing, incoming) => {
                ClosedError::Ended("the gateway has ended it")
            }
        }
    }
}

#[derive(Clone)]
struct Server {
    /// Of the stream at first, then of the endpoint.
    client: HttpClient,
    credentials: Credentials,
    caller: Arc<CallContext>,
}

impl Server {
    async fn open(self) -> Result<SseSession, SseLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let body = self.send(Method::GET, headers, Bytes::new()).await?;
        let Some(body) = body else { return Err(AnswerError::MediaType.into()) };
        let limits = *self.client.limits();
        let mut stream = Stream {
            parts: Parts::new(body, limits.idle_stream),
            events: Events::new(limits.message_bytes),
        };
        let first = stream.next().await?;
        let endpoint = first
            .filter(|event| event.kind.as_deref() == Some("endpoint") && !event.data.is_empty());
        let endpoint = endpoint.and_then(|event| {
            self.client.url().join_same_origin(std::str::from_utf8(&event.data).ok()?)
        });
        let client = self.client.at(endpoint.ok_or(SseLinkError::Endpoint)?);
        Ok(SseSession { server: Self { client, ..self }, stream })
    }

    /// Sends a request; its body, if the answer is a stream.
    async fn send(
        &self,
        method: Method,
        mut headers: SentHeaders,
        body: Bytes,
    ) -> Result<Option<HttpBody>, SseLinkError> {
        let lasts = method == Method::GET;
        let presented = self.credentials.add_to(&mut headers, &self.caller).await?;
        let response = self.client.send(method, headers, body, lasts).await?;
        let status = response.status();
        // The answer to a POST is its status: servers add texts such as "Accepted".
        let is_empty = !lasts || response.body().is_end_stream();
        let headers = response.headers();
        match judge(status, headers, is_empty) {
            Ok(AnswerKind::Stream) => Ok(Some(response.into_body())),
            Ok(_) if status.is_success() => Ok(None),
            Ok(_) => Err(AnswerError::Status(status).into()),
            Err(error) => {
                if matches!(error, AnswerError::Refused(_)) {
                    // The next one is another; this link does not send anything twice.
                    let _ = self.credentials.refused(&self.caller, &presented);
                }
                Err(error.into())
            }
        }
    }

    async fn post(&self, message: Bytes) -> Result<(), SseLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(Method::POST, headers, message).await.map(drop)
    }

    /// Sends a message. One that is not accepted has no answer.
    async fn say(&self, message: Message, incoming: &mpsc::Sender<Incoming>) {
        let id = request_of(&message);
        let Err(error) = self.post(message.into_bytes()).await else { return };
        if let Some(id) = id {
            no_answer(id, error.into(), incoming).await;
        } else {
            debug!(error = &error as &dyn Error, "a notification was not accepted");
        }
    }
}

async fn no_answer(
    id: CallId,
    error: Box<dyn Error + Send + Sync>,
    incoming: &mpsc::Sender<Incoming>,
) {
    let _ = incoming.send(Incoming::Fault(LinkFault::NoAnswer(id, error))).await;
}

struct Stream {
    parts: Parts,
    events: Events,
}

impl Stream {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Result<Option<Event>, SseLinkError> {
        loop {
            if let Some(event) = self.events.next() {
                return Ok(Some(event));
            }
            let Some(part) = self.parts.next().await else { return Ok(None) };
            self.events.push(&part?).map_err(|error| SseLinkError::TooLong(error.0))?;
        }
    }
}

/// Passes on what the stream brings, until it ends.
async fn receive(mut stream: Stream, incoming: &mpsc::Sender<Incoming>) -> ClosedError {
    loop {
        let event = match stream.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return ClosedError::Ended("the server has ended the stream"),
            Err(error) => return ClosedError::Unreachable(error.into()),
        };
        let is_message = event.kind.as_deref().is_none_or(|kind| kind == "message");
        if is_message && !event.data.is_empty() {
            let message = Incoming::Message { message: event.data, during: None };
            if incoming.send(message).await.is_err() {
                return ClosedError::Ended("the gateway has ended it");
            }
        }
    }
}

/// Sends messages until there are no more.
async fn transmit(
    server: &Arc<Server>,
    first: Message,
    outgoing: &mut mpsc::Receiver<Outgoing>,
    incoming: &mpsc::Sender<Incoming>,
) {
    server.say(first, incoming).await;
    let mut tasks = JoinSet::new();
    loop {
        let has_room = tasks.len() < MAX_TASKS;
        let message = tokio::select! {
            Some(_) = tasks.join_next() => continue,
            message = outgoing.recv(), if has_room => message,
        };
        let Some(Outgoing { message, caller, .. }) = message else { return };
        let Ok(message) = Message::parse(message) else { continue };
        let server = &match caller {
            Some(caller) => Arc::new(Server { caller, ..Server::clone(server) }),
            None => Arc::clone(server),
        };
        if message.method() == "notifications/initialized" {
            server.say(message, incoming).await;
            continue;
        }
        let (server, incoming) = (Arc::clone(server), incoming.clone());
        tasks.spawn(async move { server.say(message, &incoming).await });
    }
}
