//! Our guard before rmcp with any number of tools, all of which tell the time; and one that panics.

use std::{fmt::Write, sync::Arc};

use auth_core::{Clock, Policy, PolicyDocument, SystemClock};
use axum::Router;
use bartizan::{CatchPanic, Guard};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
    },
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
        ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use testkit::{RESOURCE, TestKey};

use crate::{Shape, ours};

#[derive(Clone)]
struct Many(Arc<ToolRouter<Many>>);

impl Many {
    fn new(count: usize) -> Self {
        let route = |number: usize| {
            let name = if number == 0 { "get_time".into() } else { format!("tool_{number}") };
            let tool = Tool::new(name, "The current time", serde_json::Map::new());
            ToolRoute::new_dyn(tool, |_: ToolCallContext<'_, Self>| {
                Box::pin(async {
                    let now = SystemClock.now().to_string();
                    Ok(CallToolResult::success(vec![ContentBlock::text(now)]).into())
                })
            })
        };
        let panics = Tool::new("panic", "A tool with a fault", serde_json::Map::new());
        let panics = ToolRoute::new_dyn(panics, |_: ToolCallContext<'_, Self>| {
            Box::pin(async { panic!("a tool with a fault") })
        });
        let router = ToolRouter::new().with_route(panics);
        let router = (0..count).fold(router, |router, it| router.with_route(route(it)));
        Self(Arc::new(router))
    }
}

impl ServerHandler for Many {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0.call(ToolCallContext::new(self, request, context)).await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.get(name).cloned()
    }
}

pub(crate) fn guarded(key: &TestKey, shape: &Shape) -> Router {
    let mut rules =
        "[scopes]\n\"User.Read\" = \"The time\"\n[tools]\nget_time = \"User.Read\"\npanic = \"User.Read\"\n".to_owned();
    for number in 1..shape.tools {
        writeln!(rules, "tool_{number} = \"User.Read\"").unwrap();
    }
    let document: PolicyDocument = toml::from_str(&rules).unwrap();
    let policy = Policy::try_from(document).unwrap();
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy, ours::issuers(key, shape));
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts();
    let many = Many::new(shape.tools);
    let mcp = StreamableHttpService::new(
        move || Ok(CatchPanic::new(many.clone())),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new().route_service("/mcp", guard.protect(mcp))
}
