//! Our guard before rmcp with any number of tools, all of which tell the time; and one that panics.

use std::sync::Arc;

use auth_core::{Clock, SystemClock};
use axum::Router;
use bartizan::Guard;
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
};
use serde_json::json;
use testkit::{RESOURCE, TestKey};

use crate::{demo::Mcp, guarded, shape::Shape};

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

pub(crate) fn router(key: &TestKey, shape: &Shape) -> Router {
    let numbered = (1..shape.tools).map(|number| format!("tool_{number}"));
    let names = numbered.chain(["get_time".to_owned(), "panic".to_owned()]);
    let policy = guarded::policy_of(names.map(|name| (name, json!("User.Read"))));
    let authenticator = guarded::authenticator(key, shape);
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy, [], authenticator).unwrap();
    let mcp = Mcp::new(Many::new(shape.tools));
    Router::new().route_service("/mcp", guard.protect(mcp))
}
