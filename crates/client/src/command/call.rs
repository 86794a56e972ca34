//! `call`: one `tools/call`.

use rmcp::{
    ServiceError,
    model::{CallToolRequestParams, CallToolResult, ErrorCode},
};

use super::{ToolCall, tools};
use crate::connect::Session;

/// Calls a tool.
///
/// A server may want some arguments repeated in headers (`x-mcp-header` in the tool's schema), which
/// rmcp does for tools that it has seen listed. To list them before each call would cost a round trip
/// that few tools need, so that is done where the server asks for it.
pub(super) async fn call(
    session: &Session,
    call: &ToolCall,
) -> Result<CallToolResult, ServiceError> {
    let params =
        CallToolRequestParams::new(call.tool.clone()).with_arguments(call.arguments.clone());
    match session.service().call_tool(params.clone()).await {
        Err(ServiceError::McpError(error)) if error.code == ErrorCode::HEADER_MISMATCH => {
            tools::list(session).await?;
            session.service().call_tool(params).await
        }
        result => result,
    }
}
