//! A server of the revision 2024-11-05 as a [`Link`]: one event stream for all that the server
//! says, and a POST for each message to it (basic/transports, HTTP with SSE).
//!
//! 1. The first event is `endpoint`: where to send messages, on the server's own origin and no
//!    other.
//! 2. Messages are sent one after another, each once. What the stream brings names no call.
//! 3. The stream cannot be resumed: when it ends, the link has ended.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use hyper::body::{Body, Incoming as HttpBody};
use tokio::{sync::mpsc, time::timeout};

use super::{
    ClosedError, Incoming, Link, LinkFault, Outgoing,
    events::{Event, Events},
    message::request_of,
};
use crate::{
    CallContext,
    credentials::{CredentialError, Credentials},
    http::{AnswerError, AnswerKind, BodyError, HttpClient, Parts, SendError, SentHeaders, judge},
    wire::Message,
};

/// How many messages wait in each direction.
const QUEUE: usize = 64;
/// How long the first event may take.
const ENDPOINT: Duration = Duration::from_secs(10);

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

/// Makes links to one server of 2024-11-05. A clone shares its connections and its tokens.
#[derive(Debug, Clone)]
pub struct SseLinks {
    client: HttpClient,
    credentials: Credentials,
}

impl SseLinks {
    /// Links to the event stream at the URL of `client`, with these credentials.
    #[must_use]
    pub const fn new(client: HttpClient, credentials: Credentials) -> Self {
        Self { client, credentials }
    }

    /// A link on behalf of a caller, once the server has named its endpoint. It ends with its
    /// sender.
    pub async fn open(&self, caller: CallContext) -> Result<Link, SseLinkError> {
        self.open_holding(caller, ()).await
    }

    /// The same; `held` is dropped when the link has ended.
    pub async fn open_holding(
        &self,
        caller: CallContext,
        held: impl Send + 'static,
    ) -> Result<Link, SseLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        let server = Server { links: self.clone(), caller };
        let body = server.send(&self.client, Method::GET, headers, Bytes::new()).await?;
        let Some(body) = body else { return Err(AnswerError::MediaType.into()) };
        let mut stream = Stream {
            parts: Parts::new(body, self.client.limits().idle_stream),
            events: Events::new(self.client.limits().message_bytes),
        };
        let first =
            timeout(ENDPOINT, stream.next()).await.map_err(|_| SseLinkError::Endpoint)??;
        let endpoint = first
            .filter(|event| event.kind.as_deref() == Some("endpoint") && !event.data.is_empty());
        let endpoint = endpoint.and_then(|event| {
            self.client.url().join_same_origin(std::str::from_utf8(&event.data).ok()?)
        });
        let client = self.client.at(endpoint.ok_or(SseLinkError::Endpoint)?);

        let (sender, outgoing) = mpsc::channel(QUEUE);
        let (incoming, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            work(&server, &client, outgoing, incoming, stream).await;
            drop(held);
        });
        Ok(Link { sender, receiver })
    }
}

struct Server {
    links: SseLinks,
    caller: CallContext,
}

impl Server {
    /// Sends a request; its body, if the answer is a stream.
    async fn send(
        &self,
        client: &HttpClient,
        method: Method,
        mut headers: SentHeaders,
        body: Bytes,
    ) -> Result<Option<HttpBody>, SseLinkError> {
        let lasts = method == Method::GET;
        self.links.credentials.add_to(&mut headers, &self.caller).await?;
        let response = client.send(method, headers, body, lasts).await?;
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
                    self.links.credentials.refused(&self.caller);
                }
                Err(error.into())
            }
        }
    }

    async fn post(&self, client: &HttpClient, message: Bytes) -> Result<(), SseLinkError> {
        let mut headers = SentHeaders::default();
        headers.set(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(client, Method::POST, headers, message).await.map(drop)
    }
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

async fn work(
    server: &Server,
    client: &HttpClient,
    outgoing: mpsc::Receiver<Outgoing>,
    incoming: mpsc::Sender<Incoming>,
    stream: Stream,
) {
    let closed = tokio::select! {
        closed = receive(stream, &incoming) => closed,
        () = transmit(server, client, outgoing, &incoming) => {
            ClosedError::Ended("the gateway has ended it")
        }
    };
    let _ = incoming.send(Incoming::Closed(closed)).await;
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

/// Sends messages in their order, until there are no more.
async fn transmit(
    server: &Server,
    client: &HttpClient,
    mut outgoing: mpsc::Receiver<Outgoing>,
    incoming: &mpsc::Sender<Incoming>,
) {
    while let Some(Outgoing { message, .. }) = outgoing.recv().await {
        let id = Message::parse(message.clone()).ok().as_ref().and_then(request_of);
        if let (Err(error), Some(id)) = (server.post(client, message).await, id) {
            let fault = LinkFault::NoAnswer(id, error.into());
            let _ = incoming.send(Incoming::Fault(fault)).await;
        }
    }
}
