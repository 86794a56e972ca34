//! The MCP server: the only file that uses both rmcp and the tools.
//!
//! 1. No handler runs without a permit: the guard in front has decided already. Each tool takes its
//!    permit as an argument ([`Permitted`]) and cannot be called without; other handlers check for
//!    one: for this very action where there is a target ([`Caller::permitted`]), for this caller
//!    where there is none ([`Caller::of`]).
//! 2. Lists are whole here; the guard takes out what the caller may not use.
//! 3. The tool table is built once, not once per call.

use std::sync::{Arc, LazyLock};

use auth_core::{Action, Clock, ResourceUri};
use bartizan::{Caller, Offers, Permitted};
use rmcp::{
    ErrorData, Json, RoleServer, ServerHandler,
    handler::server::{router::tool::ToolRouter, tool::ToolCallContext},
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, Implementation,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        Resource, ResourceContents, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    tool, tool_router,
};

use crate::mcp::tools::{
    get_time::{TimeNow, get_time},
    whoami::{WhoAmI, whoami},
};

/// The name of the server, in its `serverInfo`, in its metadata (RFC 9728 `resource_name`) and in
/// the resource [`INFO_URI`].
pub(crate) const SERVER_NAME: &str = "bartizan-server";
/// The title of the server, for people.
const SERVER_TITLE: &str = "Bartizan";
/// The one resource.
const INFO_URI: &str = "server://info";

static TOOLS: LazyLock<ToolRouter<McpServer>> = LazyLock::new(McpServer::tool_router);

/// Answers MCP requests.
#[derive(Debug, Clone)]
pub struct McpServer(Arc<State>);

#[derive(Debug)]
struct State {
    clock: Arc<dyn Clock>,
    resource: ResourceUri,
}

impl McpServer {
    /// The server at `resource`, whose time is that of `clock`.
    #[must_use]
    pub fn new(resource: ResourceUri, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(State { clock, resource }))
    }

    /// Everything that it offers: each needs a rule.
    #[must_use]
    pub fn offers() -> Vec<Action> {
        let mut offers = TOOLS.offers();
        offers.push(Action::ReadResource(INFO_URI.into()));
        offers
    }

    fn info_document(&self) -> String {
        serde_json::json!({
            "name": SERVER_NAME,
            "version": env!("CARGO_PKG_VERSION"),
            "resource": self.0.resource.as_str(),
            "protocol_versions": ProtocolVersion::KNOWN_VERSIONS
                .iter()
                .map(ProtocolVersion::as_str)
                .collect::<Vec<_>>(),
        })
        .to_string()
    }
}

#[tool_router]
impl McpServer {
    #[tool(
        description = "The current time where the server runs",
        annotations(title = "Current time", read_only_hint = true, open_world_hint = false)
    )]
    async fn get_time(&self, _caller: Permitted) -> Json<TimeNow> {
        Json(get_time(self.0.clock.as_ref()))
    }

    #[tool(
        description = "Who the server takes you for, with your token's scopes and your roles",
        annotations(title = "Who am I", read_only_hint = true, open_world_hint = false)
    )]
    async fn whoami(&self, caller: Permitted) -> Result<Json<WhoAmI>, ErrorData> {
        Ok(Json(whoami(caller.authenticated()?)))
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new(SERVER_NAME, env!("CARGO_PKG_VERSION"))
                    .with_title(SERVER_TITLE),
            )
            .with_instructions("Every call needs a bearer token; `whoami` says what yours allows.")
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Caller::of(&context)?;
        let mut result = ListToolsResult::with_all_items(TOOLS.list_all());
        (result.ttl_ms, result.cache_scope) = cache_hints(&context);
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        TOOLS.call(ToolCallContext::new(self, request, context)).await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.get(name).cloned()
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Caller::of(&context)?;
        let info = Resource::new(INFO_URI, "info")
            .with_description("What this server is")
            .with_mime_type("application/json");
        let mut result = ListResourcesResult::with_all_items(vec![info]);
        (result.ttl_ms, result.cache_scope) = cache_hints(&context);
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Caller::of(&context)?;
        let mut result = ListResourceTemplatesResult::with_all_items(Vec::new());
        (result.ttl_ms, result.cache_scope) = cache_hints(&context);
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Caller::permitted(&context, &Action::ReadResource(request.uri.clone()))?;
        if request.uri != INFO_URI {
            return Err(ErrorData::resource_not_found("no such resource", None));
        }
        let contents = ResourceContents::text(self.info_document(), INFO_URI)
            .with_mime_type("application/json");
        let mut result = ReadResourceResult::new(vec![contents]);
        (result.ttl_ms, result.cache_scope) = cache_hints(&context);
        Ok(result.into())
    }
}

/// Lists and contents are for this caller alone, and are not to be cached. Revisions before
/// 2026-07-28 have no such members.
fn cache_hints(context: &RequestContext<RoleServer>) -> (Option<u64>, Option<CacheScope>) {
    let known = context.protocol_version().is_some_and(|v| v >= ProtocolVersion::V_2026_07_28);
    (known.then_some(0), known.then_some(CacheScope::Private))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_names_itself() {
        let resource = "http://localhost:8000/mcp".parse().unwrap();
        let server = McpServer::new(resource, Arc::new(auth_core::SystemClock));
        let info = server.get_info().server_info;
        assert_eq!(info.name, "bartizan-server");
        assert_eq!(info.title.as_deref(), Some("Bartizan"));
        let document: serde_json::Value = serde_json::from_str(&server.info_document()).unwrap();
        assert_eq!(document["name"], "bartizan-server");
    }
}
