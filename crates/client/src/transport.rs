//! rmcp's HTTP client, and two things that it leaves out.
//!
//! 1. Of several `WWW-Authenticate` lines rmcp hands on the first. Where that one does not say what
//!    [`Challenge`] needs, the request that was just refused is sent once more, for its other lines.
//! 2. Nothing counts the requests of the server that are not answered yet: see [`Owed`].

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use auth_core::Challenge;
use http::{HeaderName, HeaderValue, StatusCode, header};
use reqwest::{RequestBuilder, Response};
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

/// How many requests of the server may wait for our answer at once.
pub(crate) const MAX_OWED: usize = 100;
/// What every request accepts.
const ACCEPT: &str = "text/event-stream, application/json";

/// The requests of the server that are not answered yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owed(Arc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    count: AtomicUsize,
    exceeded: Notify,
}

impl Owed {
    /// The server asks. Tells whether it asks too much.
    pub(crate) fn asked(&self) -> bool {
        let is_too_much = self.0.count.fetch_add(1, Ordering::Relaxed) >= MAX_OWED;
        if is_too_much {
            self.0.exceeded.notify_one();
        }
        is_too_much
    }

    fn answered(&self) {
        // An answer that nobody asked for is not counted.
        let less = |count: usize| count.checked_sub(1);
        let _ = self.0.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Ends when the server asks too much.
    pub(crate) async fn exceeded(&self) {
        self.0.exceeded.notified().await;
    }
}

/// rmcp's HTTP client with all of a refusal's header lines.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    owed: Owed,
}

type Fault = StreamableHttpError<reqwest::Error>;
type Headers = HashMap<HeaderName, HeaderValue>;

impl Http {
    /// Over a client.
    pub(crate) fn new(client: reqwest::Client, owed: Owed) -> Self {
        Self { client, owed }
    }
}

/// The challenge in the text that rmcp hands on, or that [`refusal`] made of several lines.
pub(crate) fn challenge(text: &str) -> Option<Challenge> {
    Challenge::from_lines(text.split('\n')).ok()
}

/// The header lines of a refused answer as one text, for [`challenge`]. No line has a newline in it.
pub(crate) fn lines(response: &Response) -> Option<String> {
    let values = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let lines: Vec<_> =
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Whether more lines could say more than what rmcp found.
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

/// The refusal with all its lines. The server said no to this very request a moment ago, so it is not run
/// by being sent again.
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
    type Error = reqwest::Error;

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
            self.owed.answered();
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
