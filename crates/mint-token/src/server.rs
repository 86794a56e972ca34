//! Asks a running server, with the token in `MCP_TOKEN`.
//!
//! The server answers at `/admin/explain` and its MCP path: JSON-RPC over HTTP, behind the
//! same guard, for callers with the scope `Admin.Read`.

use auth_core::{AccessToken, ResourceUri};
use serde_json::{Value, json};
use settings::{Environment, Variable};
use terminal::{Invocation, Program};
use zeroize::Zeroizing;

use crate::{FetchError, Request, World, request};

/// A placeholder for the token, until it is put into the text. If the name of a tool is this text,
/// the request is malformed and refused.
const PLACE: &str = "the token that is asked about";

/// Why a server did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// There is no token to ask with.
    #[error("MCP_TOKEN: {0}. Asking a server needs a token with the scope Admin.Read")]
    Token(String),
    /// It could not be asked.
    #[error("{0}: {1}")]
    Fetch(String, FetchError),
    /// It does not let the caller ask.
    #[error(
        "{0}: the server answers {1}. Asking it needs a token in MCP_TOKEN with the scope Admin.Read, \
         of a user who may hold it"
    )]
    Refused(String, u16),
    /// It has no such question, or answers something else.
    #[error("the response is not the expected one: is this a Bartizan server?")]
    Answer,
    /// HTTP 429.
    #[error("{0}: rate limit exceeded: try again in a moment")]
    RateLimited(String),
}

impl ServerError {
    /// The command that helps.
    pub(crate) fn hint(&self, invocation: &Invocation) -> Option<String> {
        let is_token = matches!(self, Self::Token(_) | Self::Refused(..));
        let command = invocation.command(Program::MintToken, "--scope Admin.Read --save");
        is_token.then(|| format!("`{command}` stores such a token"))
    }
}

/// The result of `method` with `params` and, if there is one, with the token that it is about,
/// which is wiped from memory afterwards.
pub(crate) fn ask(
    resource: &ResourceUri,
    method: &str,
    params: &Value,
    about: Option<&str>,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Value, ServerError> {
    let token = environment.get(Variable::McpToken).unwrap_or_default();
    let token: AccessToken =
        token.parse().map_err(|fault| ServerError::Token(format!("{fault}")))?;
    let url = format!("{}/admin/explain{}", resource.origin(), resource.path());
    let mut body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let body = match (about, body.get_mut("params").and_then(Value::as_object_mut)) {
        (Some(about), Some(params)) => {
            // A place is kept for the token, which is put into the text alone.
            params.insert("token".into(), json!(PLACE));
            let about = Zeroizing::new(serde_json::to_string(about).unwrap_or_default());
            let text = body.to_string();
            let (before, after) = text.split_once(&format!("\"{PLACE}\"")).unwrap_or((&text, ""));
            let mut whole = Zeroizing::new(String::with_capacity(text.len() + about.len()));
            whole.extend([before, about.as_str(), after]);
            whole
        }
        _ => Zeroizing::new(body.to_string()),
    };
    let request =
        Request { token: Some(token), body: Some(body), ..request::get(url.clone(), environment) };
    let response =
        (world.fetch)(&request).map_err(|fault| ServerError::Fetch(url.clone(), fault))?;
    match response.status.as_u16() {
        200 => {}
        429 => return Err(ServerError::RateLimited(url)),
        status @ (401 | 403) => return Err(ServerError::Refused(url, status)),
        _ => return Err(ServerError::Answer),
    }
    let answer: Value = serde_json::from_slice(&response.body).map_err(|_| ServerError::Answer)?;
    answer.get("result").cloned().ok_or(ServerError::Answer)
}
