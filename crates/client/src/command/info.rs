//! `info` and `ping`: what the server is, who the caller is to it, and whether it responds.

use std::time::Duration;

use rmcp::{
    RoleClient, ServiceError,
    model::{CallToolRequestParams, ClientRequest, PingRequest, RequestMetaObject},
    service::Peer,
};
use tokio::time::Instant;

use super::lists;
use crate::{connect::Session, request::Info};

/// The tool that says who the caller is.
const WHO_AM_I: &str = "whoami";

/// Asks for all of it.
pub(super) async fn info(session: &Session) -> Result<Info, ServiceError> {
    let server = session.service().peer_info().ok_or(ServiceError::UnexpectedResponse)?;
    let server = (*server).clone();
    let mut caller = None;
    if server.capabilities.tools.is_some() {
        // A server that lists no tools to this caller still says what it is.
        let tools = lists::tools(session.service()).await.map(|list| list.tools);
        let asks_nothing = tools.unwrap_or_default().iter().any(|tool| {
            let required = tool.input_schema.get("required").and_then(|names| names.as_array());
            tool.name == WHO_AM_I && required.is_none_or(Vec::is_empty)
        });
        if asks_nothing {
            let params = CallToolRequestParams::new(WHO_AM_I);
            let said = session.service().peer().call_tool(params).await.ok();
            caller = said.filter(|result| result.is_error != Some(true));
        }
    }
    Ok(Info { server, caller })
}

/// One round trip: `ping`, or since 2026-07-28, which has none, `server/discover`.
pub(super) async fn ping(peer: &Peer<RoleClient>) -> Result<Duration, ServiceError> {
    let start = Instant::now();
    if peer.peer_info().is_some_and(|info| info.protocol_version.has_initialize()) {
        let ping = PingRequest::default();
        peer.send_request(ClientRequest::PingRequest(ping)).await?;
    } else {
        peer.discover(RequestMetaObject::default()).await?;
    }
    Ok(start.elapsed())
}
