//! The way to the server: an HTTP client that keeps the token to itself, and an MCP session over it.
//!
//! 1. No redirect is followed: it would take the token, or the call, somewhere else.
//! 2. A server on this machine is reached directly, whatever proxy the environment names; a proxy
//!    would see the token that plain http carries.
//! 3. Root certificates are loaded for https only: that takes longer than a whole call to localhost.

use std::time::Duration;

use reqwest::redirect::Policy;
use rmcp::{
    RoleClient,
    model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion},
    service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RunningService},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};

use crate::{config::Config, endpoint::Endpoint};

/// How long the TCP and TLS handshakes may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to end a session. Its answer is of no interest any more.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// A redirect that was not followed.
#[derive(Debug, thiserror::Error)]
#[error("redirect to {location}")]
pub(crate) struct RefusedRedirect {
    /// The status, such as 307.
    pub(crate) status: u16,
    /// Where it would have gone.
    pub(crate) location: String,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The HTTP client could not be made: no root certificates, for one.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// The server did not answer the way an MCP server does.
    #[error(transparent)]
    Startup(#[from] Box<ClientInitializeError>),
}

/// An MCP session with a server.
pub(crate) struct Session(RunningService<RoleClient, ClientConfig>);

impl Session {
    /// Opens a session: `server/discover` of 2026-07-28, or else `initialize`.
    pub(crate) async fn open(config: &Config) -> Result<Self, ConnectError> {
        let http = http_client(&config.endpoint)?;
        let auto = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        match serve(http.clone(), config, auto).await {
            // rmcp falls back where `server/discover` is unknown, but not where a server knows it
            // well enough to name its versions, all of them older.
            Err(ClientInitializeError::NoCompatibleProtocolVersion {
                server_supported, ..
            }) if server_supported.iter().any(ProtocolVersion::has_initialize) => {
                serve(http, config, ClientLifecycleMode::Initialize).await
            }
            result => result,
        }
        .map(Self)
        .map_err(|error| Box::new(error).into())
    }

    /// The connection, to send requests on.
    pub(crate) fn service(&self) -> &RunningService<RoleClient, ClientConfig> {
        &self.0
    }

    /// Ends the session, and tells a server that keeps sessions so.
    pub(crate) async fn close(mut self) {
        // Whether the server takes note or not: there is nobody left to tell.
        let _ = self.0.close_with_timeout(CLOSE_TIMEOUT).await;
    }
}

async fn serve(
    http: reqwest::Client,
    config: &Config,
    lifecycle: ClientLifecycleMode,
) -> Result<RunningService<RoleClient, ClientConfig>, ClientInitializeError> {
    let mut transport = StreamableHttpClientTransportConfig::with_uri(config.endpoint.as_str());
    if let Some(token) = &config.token {
        transport = transport.auth_header(token.expose());
    }
    let identity = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let mut client = ClientConfig::new(ClientCapabilities::default(), identity);
    client.protocol_version = ProtocolVersion::LATEST_WITH_INITIALIZE;
    client
        .serve_with_lifecycle(
            StreamableHttpClientTransport::with_client(http, transport),
            lifecycle,
        )
        .await
}

/// The HTTP client for an endpoint.
pub(crate) fn http_client(endpoint: &Endpoint) -> reqwest::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::custom(|attempt| {
            let refused = RefusedRedirect {
                status: attempt.status().as_u16(),
                location: attempt.url().to_string(),
            };
            attempt.error(refused)
        }));
    if endpoint.is_https() {
        builder = builder.https_only(true);
    } else {
        builder = builder.tls_certs_only([]);
    }
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build()
}
