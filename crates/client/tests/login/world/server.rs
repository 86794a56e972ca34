//! The MCP server and its guard.

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, header},
    middleware::Next,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, InputRequests,
        InputRequiredResult, JsonObject, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use super::{World, tokens::Inner};

impl Inner {
    /// What is wrong with a request, as a status and a challenge without its pointer.
    fn refusal(&mut self, headers: &HeaderMap, body: &Value) -> Option<(u16, String)> {
        let token = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
        let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) else {
            return Some((401, "scope=\"read\"".to_owned()));
        };
        let Some(granted) = self.tokens.get(token).filter(|_| !self.knobs.is_deaf) else {
            return Some((401, "error=\"invalid_token\"".to_owned()));
        };
        if body["method"] != "tools/call" {
            return None;
        }
        let tool = body["params"]["name"].as_str().unwrap();
        if self.knobs.forbidden.contains(tool) {
            return Some((403, String::new()));
        }
        let needs = self.knobs.needs.get(tool)?;
        let nth = self.calls.entry(tool.to_owned()).or_default();
        let needed = needs[(*nth).min(needs.len() - 1)];
        *nth += 1;
        if needed.split(' ').all(|scope| granted.iter().any(|has| has == scope)) {
            return None;
        }
        Some((403, format!("error=\"insufficient_scope\", scope=\"{needed}\"")))
    }
}

pub(super) async fn guard(
    State(world): State<World>,
    request: Request,
    next: Next,
) -> Response<Body> {
    if !request.uri().path().starts_with("/mcp") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let refusal = world.inner.lock().unwrap().refusal(&parts.headers, &json);
    let Some((status, challenge)) = refusal else {
        return next.run(Request::from_parts(parts, Body::from(bytes))).await;
    };
    let pointer = match world.inner.lock().unwrap().knobs.pointer {
        None => format!("{}/resource", world.origin),
        Some("") => format!("{}/nothing", world.origin),
        Some(elsewhere) => elsewhere.to_owned(),
    };
    let pointer = format!("resource_metadata=\"{pointer}\"");
    let challenge = if challenge.is_empty() {
        format!("Bearer {pointer}")
    } else {
        format!("Bearer {challenge}, {pointer}")
    };
    let knobs = world.inner.lock().unwrap().knobs.clone();
    let challenge = if knobs.is_spaced { challenge.replace("=\"", " = \"") } else { challenge };
    let mut response = Response::builder().status(status);
    for line in knobs.lines_before {
        response = response.header(header::WWW_AUTHENTICATE, line);
    }
    response.header(header::WWW_AUTHENTICATE, challenge).body(Body::empty()).unwrap()
}

#[derive(Clone)]
pub(super) struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools();
        ServerConfig::new(capabilities.enable_tool_list_changed().build())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name| {
            let mut schema = JsonObject::new();
            schema.insert("type".into(), "object".into());
            Tool::new(name, "", schema)
        };
        Ok(ListToolsResult::with_all_items(vec![tool("one"), tool("two")]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "asks" && request.request_state.as_deref() != Some("asked") {
            return Ok(InputRequiredResult::new(Some(question()), Some("asked".to_owned())).into());
        }
        let text = format!("called {}", request.name);
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// What `asks` wants to know before it answers.
fn question() -> InputRequests {
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    let params = json!({ "mode": "form", "message": "who?", "requestedSchema": schema });
    let question = json!({ "who": { "method": "elicitation/create", "params": params } });
    serde_json::from_value(question).unwrap()
}
