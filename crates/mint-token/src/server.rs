//! Asking a running server, in the name of whoever has `MCP_TOKEN`.
//!
//! The server answers at `/admin/explain`, beside its MCP path: JSON-RPC over HTTP, behind the same
//! guard, for callers with the scope `Admin.Read`.

use auth_core::{AccessToken, ResourceUri};
use serde_json::{Value, json};
use settings::{Environment, Variable};
use zeroize::Zeroizing;

use crate::{FetchFault, Request, World};

/// Why a server did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerFault {
    /// There is nobody in whose name to ask.
    #[error(
        "MCP_TOKEN: {0}. Asking a server needs a token with the scope Admin.Read: `mint-token --scope Admin.Read --save`"
    )]
    Token(String),
    /// It could not be asked.
    #[error("{0}: {1}")]
    Fetch(String, FetchFault),
    /// It does not let the caller ask.
    #[error(
        "{0}: the server answers {1}. Asking it needs a token in MCP_TOKEN with the scope Admin.Read, of a user who may hold it"
    )]
    Refused(String, u16),
    /// It has no such question, or answers something else.
    #[error("the server's answer is not what was asked for: is it a `server` of this kind?")]
    Answer,
    /// It is asked too often.
    #[error("{0}: the server is asked too often: try again in a moment")]
    TooOften(String),
}

/// The result of `method` with `params`.
pub(crate) fn ask(
    resource: &ResourceUri,
    method: &str,
    params: &Value,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Value, ServerFault> {
    let token = environment.get(Variable::McpToken).unwrap_or_default();
    let token: AccessToken =
        token.parse().map_err(|fault| ServerFault::Token(format!("{fault}")))?;
    let url = format!("{}/admin/explain", resource.origin());
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let body = Zeroizing::new(body.to_string());
    let request = Request { url: url.clone(), token: Some(token), body: Some(body) };
    let response =
        (world.fetch)(&request).map_err(|fault| ServerFault::Fetch(url.clone(), fault))?;
    match response.status {
        200 => {}
        429 => return Err(ServerFault::TooOften(url)),
        401 | 403 => return Err(ServerFault::Refused(url, response.status)),
        _ => return Err(ServerFault::Answer),
    }
    let answer: Value = serde_json::from_str(&response.body).map_err(|_| ServerFault::Answer)?;
    answer.get("result").cloned().ok_or(ServerFault::Answer)
}
