//! The way to the server: an HTTP client that keeps the token to itself, and an MCP session over
//! it.
//!
//! No redirect is followed, and a loopback host is asked directly: see [`outbound::transport`].

use std::{sync::OnceLock, time::Duration};

use auth_core::AccessToken;
use http::{StatusCode, header};
use outbound::{OutboundError, transport::HttpClient};
use rmcp::{
    RoleClient,
    model::{
        CancelTaskParams, ClientCapabilities, ClientConfig, ElicitationCapability,
        FormElicitationCapability, Implementation, JsonObject, ProtocolVersion, TASKS_EXTENSION_ID,
        UrlElicitationCapability,
    },
    service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RunningService},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    endpoint::Endpoint,
    handler::{Event, Handler},
    tls::Tls,
    transport::{Http, request_id},
};

/// How long a server may take to end a session. Its answer is of no interest any more.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a server of the old transport may take to open its stream.
const SSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long rmcp has to notify the server that the answer is not awaited any more. It does not say
/// when it has.
const CANCEL_TIME: Duration = Duration::from_millis(300);

/// A server, and what reaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// Whom it trusts, and the certificate that it is shown.
    pub(crate) tls: Tls<'a>,
    pub(crate) token: Option<&'a AccessToken>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The HTTP client could not be made: no root certificates, for one.
    #[error(transparent)]
    Http(#[from] OutboundError),
    /// The server did not answer the way an MCP server does.
    #[error(transparent)]
    Startup(#[from] Box<ClientInitializeError>),
}

/// An MCP session with a server.
pub(crate) struct Session {
    service: RunningService<RoleClient, Handler>,
    /// The task that the server works on for us.
    task: OnceLock<String>,
}

impl Session {
    /// Opens a session: `server/discover` of 2026-07-28, or else `initialize`. Beside it comes what
    /// the server says and asks.
    pub(crate) async fn open(
        target: Target<'_>,
    ) -> Result<(Self, mpsc::Receiver<Event>), ConnectError> {
        let (handler, events) = Handler::new(identity());
        let http = Http::new(http_client(target)?, handler.pending().clone());
        let auto = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        match serve(http.clone(), target, handler.clone(), auto).await {
            // rmcp falls back where `server/discover` is unknown, but not where a server knows it
            // well enough to name its versions, all of them older.
            Err(ClientInitializeError::NoCompatibleProtocolVersion {
                server_supported, ..
            }) if server_supported.iter().any(ProtocolVersion::has_initialize) => {
                serve(http, target, handler, ClientLifecycleMode::Initialize).await
            }
            // Nor where it answers whatever it is asked, without a thought.
            Err(
                ClientInitializeError::ExpectedInitResponse(_)
                | ClientInitializeError::ExpectedInitResult(_),
            ) => serve(http, target, handler, ClientLifecycleMode::Initialize).await,
            result => result,
        }
        .map(|service| (Self { service, task: OnceLock::new() }, events))
        .map_err(|error| Box::new(error).into())
    }

    /// The connection, to send requests on.
    pub(crate) fn service(&self) -> &RunningService<RoleClient, Handler> {
        &self.service
    }

    /// Our side of it.
    pub(crate) fn handler(&self) -> &Handler {
        self.service.service()
    }

    /// From now on the server works on a task of ours.
    pub(crate) fn owns_task(&self, id: &str) {
        // A run has one call, and a call one task.
        let _ = self.task.set(id.to_owned());
    }

    /// Ends the session, also at a server that keeps sessions.
    ///
    /// `abandoned` says that a request was dropped before its answer came, or a task before its
    /// end: the server is notified of that, too.
    pub(crate) async fn close(mut self, abandoned: bool) {
        // Whether the server accepts it does not matter any more.
        match self.task.take() {
            Some(task) if abandoned => {
                let cancelled = self.service.cancel_task(CancelTaskParams::new(task));
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, cancelled).await;
            }
            _ if abandoned => tokio::time::sleep(CANCEL_TIME).await,
            _ => {}
        }
        let _ = self.service.close_with_timeout(CLOSE_TIMEOUT).await;
    }
}

async fn serve(
    http: Http,
    target: Target<'_>,
    handler: Handler,
    lifecycle: ClientLifecycleMode,
) -> Result<RunningService<RoleClient, Handler>, ClientInitializeError> {
    let mut transport = StreamableHttpClientTransportConfig::with_uri(target.endpoint.as_str());
    if let Some(token) = target.token {
        transport = transport.auth_header(token.expose());
    }
    handler
        .serve_with_lifecycle(
            StreamableHttpClientTransport::with_client(http, transport),
            lifecycle,
        )
        .await
}

/// Who we are, and what we can do for a server: ask the person at the terminal, and wait for a
/// task.
fn identity() -> ClientConfig {
    let asks = ElicitationCapability::default()
        .with_form(FormElicitationCapability::default())
        .with_url(UrlElicitationCapability::default());
    let mut capabilities = ClientCapabilities::default();
    capabilities.elicitation = Some(asks);
    let tasks = (TASKS_EXTENSION_ID.to_owned(), JsonObject::new());
    capabilities.extensions = Some([tasks].into());
    let program = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let mut identity = ClientConfig::new(capabilities, program);
    identity.protocol_version = ProtocolVersion::LATEST_WITH_INITIALIZE;
    identity
}

/// The HTTP client for the server.
pub(crate) fn http_client(target: Target<'_>) -> Result<HttpClient, OutboundError> {
    let Tls { authorities, certificate } = target.tls;
    outbound::transport::client(target.endpoint.url(), authorities, certificate)
}

/// The server's name for a refusal (`x-request-id`), which rmcp does not pass on. The server is
/// asked once more, for nothing: `ping` with the same token. `None` if it does not refuse that
/// with 401, or names no request.
pub(crate) async fn refusal_id(target: Target<'_>) -> Option<String> {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let mut request = http_client(target)
        .ok()?
        .post(target.endpoint.as_str())
        .header(header::ACCEPT, "application/json, text/event-stream")
        .json(&message);
    if let Some(token) = target.token {
        request = request.bearer_auth(token.expose());
    }
    let response = request.send().await.ok()?;
    request_id(&response).filter(|_| response.status() == StatusCode::UNAUTHORIZED)
}

/// Whether the server speaks the transport of 2024-11-05: a stream at the very place where it takes
/// no messages.
pub(crate) async fn speaks_only_sse(target: Target<'_>) -> bool {
    let Ok(client) = http_client(target) else {
        return false;
    };
    let mut request =
        client.get(target.endpoint.as_str()).header(header::ACCEPT, "text/event-stream");
    if let Some(token) = target.token {
        request = request.bearer_auth(token.expose());
    }
    // The head is enough: the stream has no end.
    let answer = tokio::time::timeout(SSE_TIMEOUT, request.send()).await;
    answer.is_ok_and(|answer| {
        answer.is_ok_and(|answer| {
            let kind = answer.headers().get(header::CONTENT_TYPE);
            let is_stream =
                kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
            answer.status().is_success() && is_stream
        })
    })
}
