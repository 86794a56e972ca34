//! The MCP server over HTTP, without sessions: what is behind the guard unless `SESSIONS=database`.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bartizan::CatchPanic;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Full, combinators::BoxBody};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::mcp::server::McpServer;

/// An [`McpServer`] over HTTP. Cloning it copies one reference; cloning rmcp's service would copy
/// all of its settings.
#[derive(Clone)]
pub struct McpService(Arc<StreamableHttpService<CatchPanic<McpServer>, NeverSessionManager>>);

impl McpService {
    /// Serves `server`. Its streams end when `shutdown` is cancelled.
    ///
    /// Both protocol generations are served without sessions: a request carries all that it needs,
    /// so there is no session to hijack, and any node can answer.
    #[must_use]
    pub fn new(server: McpServer, shutdown: &CancellationToken) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            // A single response needs no stream.
            .with_json_response(true)
            // The guard has checked Host and Origin already.
            .disable_allowed_hosts()
            .with_cancellation_token(shutdown.child_token());
        let sessions = Arc::new(NeverSessionManager::default());
        let make = move || Ok(CatchPanic::new(server.clone()));
        Self(Arc::new(StreamableHttpService::new(make, sessions, config)))
    }
}

impl Service<Request<Full<Bytes>>> for McpService {
    type Response = Response<BoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let service = Arc::clone(&self.0);
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}
