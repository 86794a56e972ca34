//! An rmcp server with two tools, with the settings that our server has: no sessions, one JSON
//! document as the answer, and panics of tools caught.

use std::{
    convert::Infallible,
    fmt::Display,
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use auth_core::Action;
use axum::{
    Router,
    body::{Body, HttpBody},
    http::{Request, Response},
};
use bartizan::{Caller, CatchPanic};
use rmcp::{
    ErrorData, Json, RoleServer, ServerHandler,
    handler::server::{router::tool::ToolRouter, tool::ToolCallContext},
    model::{
        CallToolRequestParams, CallToolResponse, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use tower::Service;

use crate::time::Time;

static TOOLS: LazyLock<ToolRouter<Demo>> = LazyLock::new(Demo::tool_router);

/// The server's handler.
#[derive(Clone)]
pub(crate) struct Demo {
    /// Whether a guard is in front, without which a call is an error.
    is_guarded: bool,
}

#[tool_router]
impl Demo {
    #[tool(description = "The current time where the server runs")]
    async fn get_time(&self) -> Json<Time> {
        Json(Time::now())
    }

    #[tool(description = "The subject of the caller's token")]
    async fn whoami(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        let principal = Caller::of(&context)?.principal();
        Ok(principal.map_or_else(String::new, |it| it.subject().to_string()))
    }
}

impl ServerHandler for Demo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(TOOLS.list_all()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.is_guarded {
            Caller::permitted(&context, &Action::CallTool(request.name.to_string()))?;
        }
        TOOLS.call(ToolCallContext::new(self, request, context)).await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.get(name).cloned()
    }
}

/// Any handler over HTTP. A clone is one more reference, where a clone of rmcp's service copies its
/// settings.
pub(crate) struct Mcp<H>(Arc<StreamableHttpService<CatchPanic<H>, NeverSessionManager>>);

impl<H: ServerHandler + Clone> Mcp<H> {
    pub(crate) fn new(handler: H) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts();
        let sessions = Arc::new(NeverSessionManager::default());
        let make = move || Ok(CatchPanic::new(handler.clone()));
        Self(Arc::new(StreamableHttpService::new(make, sessions, config)))
    }
}

impl Mcp<Demo> {
    /// The server behind a guard.
    pub(crate) fn guarded() -> Self {
        Self::new(Demo { is_guarded: true })
    }
}

impl<H> Clone for Mcp<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H, B> Service<Request<B>> for Mcp<H>
where
    H: ServerHandler,
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Display,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = Arc::clone(&self.0);
        Box::pin(async move { Ok(service.handle(request).await.map(Body::new)) })
    }
}

/// The server without a guard.
pub(crate) fn unprotected() -> Router {
    Router::new().route_service("/mcp", Mcp::new(Demo { is_guarded: false }))
}
