//! rmcp's HTTP client, with two additions.
//!
//! 1. rmcp keeps only the first `WWW-Authenticate` line of a refusal. If that line has no usable
//!    `Bearer` challenge, the refused request is sent once more to read the other lines.
//! 2. rmcp does not bound the server's own requests. [`PendingRequests`] counts the unanswered
//!    ones.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use auth_core::Challenge;
use http::{HeaderName, HeaderValue, StatusCode, header};
use outbound::transport::{HttpClient, HttpError, HttpResponse, RequestBuilder};
use rmcp::{
    model::ClientJsonRpcMessage,
    transport::{
        common::{
            client_side_sse::BoxedSseResponse,
            http_header::{HEADER_LAST_EVENT_ID, HEADER_SESSION_ID},
        },
        streamable_http_client::{
            AuthRequiredError, InsufficientScopeError, StreamableHttpClient, StreamableHttpError,
            StreamableHttpPostResponse, StreamableHttpResponseLimits,
        },
    },
};
use tokio::sync::Notify;

/// The most requests of the server that may wait for a response at once.
pub(crate) const MAX_PENDING: usize = 100;
/// The longest name of a request that is shown, in bytes.
const MAX_REQUEST_ID: usize = 100;
/// What every request accepts.
const ACCEPT: &str = "text/event-stream, application/json";

/// The server's requests that have no response yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct PendingRequests(Arc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    count: AtomicUsize,
    exceeded: Notify,
}

impl PendingRequests {
    /// Counts a request of the server. Returns whether it is one too many.
    pub(crate) fn asked(&self) -> bool {
        let is_too_much = self.0.count.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING;
        if is_too_much {
            self.0.exceeded.notify_one();
        }
        is_too_much
    }

    fn answered(&self) {
        // A response that was not counted as a request is ignored.
        let less = |count: usize| count.checked_sub(1);
        let _ = self.0.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Resolves when there are too many.
    pub(crate) async fn exceeded(&self) {
        self.0.exceeded.notified().await;
    }
}

/// The HTTP client for rmcp's transport.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: HttpClient,
    pending: PendingRequests,
}

type Fault = StreamableHttpError<HttpError>;
type Headers = HashMap<HeaderName, HeaderValue>;

impl Http {
    /// Wraps a client.
    pub(crate) fn new(client: HttpClient, pending: PendingRequests) -> Self {
        Self { client, pending }
    }
}

/// The challenge in a text that rmcp passes on, or that [`lines`] joined.
pub(crate) fn challenge(text: &str) -> Option<Challenge> {
    Challenge::from_lines(text.split('\n')).ok()
}

/// The `WWW-Authenticate` lines of a response as one text, for [`challenge`]. A header line has no
/// newline.
pub(crate) fn lines(response: &HttpResponse) -> Option<String> {
    let lines = outbound::challenge_lines(response.headers());
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The server's name for a request, which its log has, too.
pub(crate) fn request_id(response: &HttpResponse) -> Option<String> {
    let id = response.headers().get("x-request-id")?.to_str().ok()?;
    (id.len() <= MAX_REQUEST_ID).then(|| id.to_owned())
}

/// Whether the other header lines may hold the challenge that rmcp did not pass on.
fn is_incomplete(fault: &Fault) -> bool {
    match fault {
        Fault::AuthRequired(error) => challenge(&error.www_authenticate_header).is_none(),
        Fault::InsufficientScope(error) => {
            let found = challenge(&error.www_authenticate_header);
            found.is_none_or(|found| found == Challenge::default())
        }
        // rmcp reads no line with other characters than ASCII.
        Fault::UnexpectedServerResponse(text) => text.contains("invalid www-authenticate"),
        _ => false,
    }
}

/// The refusal with all header lines. The server has just refused this request, so sending it again
/// runs nothing.
async fn complete(fault: Fault, again: RequestBuilder) -> Fault {
    let Ok(response) = again.send().await else {
        return fault;
    };
    match (response.status(), lines(&response)) {
        (StatusCode::UNAUTHORIZED, Some(lines)) => {
            Fault::AuthRequired(AuthRequiredError::new(lines))
        }
        (StatusCode::FORBIDDEN, Some(lines)) => {
            Fault::InsufficientScope(InsufficientScopeError::new(lines, None))
        }
        _ => fault,
    }
}

/// What rmcp adds to every request.
fn headed(
    request: RequestBuilder,
    session: Option<&str>,
    token: Option<&str>,
    headers: &Headers,
) -> RequestBuilder {
    let mut request = request.header(header::ACCEPT, ACCEPT);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(session) = session {
        request = request.header(HEADER_SESSION_ID, session);
    }
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

impl StreamableHttpClient for Http {
    type Error = HttpError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Fault> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, token, headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        token: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Fault> {
        let is_answer =
            matches!(message, ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_));
        let request = headed(
            self.client.post(&*uri).json(&message),
            session.as_deref(),
            token.as_deref(),
            &headers,
        );
        let sent = self
            .client
            .post_message_with_response_limits(uri, message, session, token, headers, limits)
            .await;
        if is_answer {
            self.pending.answered();
        }
        match sent {
            Err(fault) if is_incomplete(&fault) => Err(complete(fault, request).await),
            sent => sent,
        }
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<(), Fault> {
        self.client.delete_session(uri, session, token, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: Headers,
    ) -> Result<BoxedSseResponse, Fault> {
        let max = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(uri, session, last_event_id, token, headers, max)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event_id: Option<String>,
        token: Option<String>,
        headers: Headers,
        max: usize,
    ) -> Result<BoxedSseResponse, Fault> {
        let mut request =
            headed(self.client.get(&*uri), session.as_deref(), token.as_deref(), &headers);
        if let Some(id) = &last_event_id {
            request = request.header(HEADER_LAST_EVENT_ID, id);
        }
        let opened = self
            .client
            .get_stream_with_max_sse_event_size(uri, session, last_event_id, token, headers, max)
            .await;
        match opened {
            Err(fault) if is_incomplete(&fault) => Err(complete(fault, request).await),
            opened => opened,
        }
    }
}
