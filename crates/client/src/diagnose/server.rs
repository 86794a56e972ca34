//! The server: whether it is there, what it asks for, which versions it speaks.

use std::time::Duration;

use auth_core::{Challenge, display::quoted};
use http::{HeaderMap, StatusCode, header};
use outbound::{ConnectFault, OutboundError, transport::HttpResponse};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{AUDIENCE, Findings, TOKEN, subject::Subject};
use crate::{Exit, connect::http_client, failure::Failure, request::Answer};

const NEW: &str = "2026-07-28";
const OLD: &str = "2025-11-25";
/// How long the body of a response may take. The head is enough.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The response of the server to a request without a token.
pub(super) struct Answered {
    pub(super) headers: HeaderMap,
    /// Whether it accepts requests without a token.
    pub(super) is_open: bool,
    /// The challenge, if there is one that can be read.
    pub(super) challenge: Option<Challenge>,
}

/// Sends a request without a token. `None`, if the server does not respond.
pub(super) async fn reach(subject: &Subject<'_>, findings: &mut Findings) -> Option<Answered> {
    let endpoint = subject.endpoint();
    if endpoint.is_https() {
        findings.pass("https", "the connection is encrypted");
    } else if endpoint.is_loopback() {
        findings.pass("https", "not needed: the server is on this machine");
    } else {
        findings.fail(
            "https",
            "plain http: others on the network could read a token, so none is sent",
            "the server needs https; then --url https://...",
            Exit::Usage,
        );
    }
    let began = Instant::now();
    let sent = post(subject, OLD, &initialize(), None).await;
    let (status, headers) = match sent {
        Ok((status, headers, _)) => (status, headers),
        Err(error) => {
            let failure = Failure::from_outbound(&error, &subject.context());
            let is_it = "is the server running, and is the URL right? --url or MCP_URL sets it";
            let fix = match &error {
                OutboundError::Connect {
                    fault: ConnectFault::Timeout | ConnectFault::Other,
                    ..
                } => is_it,
                _ => failure.hint().unwrap_or(is_it),
            };
            findings.fail("reachable", failure.message().to_owned(), fix, Exit::Unreachable);
            return None;
        }
    };
    let took = began.elapsed().as_millis();
    findings.pass("reachable", format!("it answered in {took} ms with {status}"));
    let challenge = challenge(status, &headers, findings);
    Some(Answered { headers, is_open: status.is_success(), challenge })
}

fn challenge(
    status: StatusCode,
    headers: &HeaderMap,
    findings: &mut Findings,
) -> Option<Challenge> {
    let check = "challenge";
    if status.is_success() {
        findings.warn(
            check,
            "the server accepts unauthenticated requests",
            "if it should be protected: it must answer 401 without a token (RFC 6750 section 3)",
        );
        return None;
    }
    if status != StatusCode::UNAUTHORIZED {
        findings.fail(
            check,
            format!("a request without a token is answered with {status}, not with 401"),
            "is the URL that of the MCP endpoint? --url or MCP_URL sets it",
            Exit::Protocol,
        );
        return None;
    }
    let server_fix = "the server must send WWW-Authenticate: Bearer resource_metadata=\"...\"";
    match outbound::challenge(headers) {
        Ok(challenge) if challenge.resource_metadata.is_some() => {
            let scopes = challenge.scope.as_ref().map(|scopes| format!(" for the scopes {scopes}"));
            findings.pass(check, format!("401 with a pointer{}", scopes.unwrap_or_default()));
            Some(challenge)
        }
        Ok(challenge) => {
            findings.warn(check, "401, but it does not say where the metadata is", server_fix);
            Some(challenge)
        }
        Err(_) if !headers.contains_key(header::WWW_AUTHENTICATE) => {
            findings.warn(check, "401 without WWW-Authenticate", server_fix);
            None
        }
        Err(fault) => {
            findings.fail(check, format!("401, and {fault}"), server_fix, Exit::Protocol);
            None
        }
    }
}

/// Which versions it speaks, as far as it says so to this caller.
pub(super) async fn versions(subject: &Subject<'_>, findings: &mut Findings) {
    let check = "protocol";
    let token = subject.token.as_ref().filter(|_| subject.endpoint().keeps_secrets());
    let token = token.map(auth_core::AccessToken::expose);
    let discovered = post(subject, NEW, &discover(), token).await.ok();
    let result = discovered.as_ref().and_then(|(_, _, body)| body.get("result"));
    if let Some(versions) = result.and_then(|result| result.get("supportedVersions")?.as_array()) {
        let versions: Vec<&str> = versions.iter().filter_map(Value::as_str).collect();
        findings.pass(check, format!("it speaks {}", versions.join(", ")));
        return;
    }
    let asked = post(subject, OLD, &initialize(), token).await.ok();
    let version = asked
        .as_ref()
        .and_then(|(_, _, body)| body.pointer("/result/protocolVersion").and_then(Value::as_str));
    match (version, asked.as_ref().map(|(status, ..)| *status)) {
        (Some(version), _) => findings.pass(check, format!("it speaks {version}")),
        (None, Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => findings.warn(
            check,
            "it says which versions it speaks to those with a token only",
            match token {
                Some(_) => "the token that is sent is not enough: see `access`".to_owned(),
                None => format!("see `{TOKEN}`"),
            },
        ),
        (None, _) => findings.fail(
            check,
            format!("it answers neither server/discover ({NEW}) nor initialize ({OLD})"),
            "is the URL that of an MCP server over streamable HTTP?",
            Exit::Protocol,
        ),
    }
}

/// Whether the token is good enough, for the list and for a tool.
pub(super) fn judge_try(
    subject: &Subject<'_>,
    tool: Option<&str>,
    tried: Result<Answer, Failure>,
    findings: &mut Findings,
) {
    let check = "access";
    let login = || subject.sign_in("");
    let failure = match tried {
        Ok(Answer::Tools(list)) => {
            let count = match list.tools.len() {
                1 => "1 tool is shown".to_owned(),
                count => format!("{count} tools are shown"),
            };
            findings.pass(check, format!("{count} to you"));
            if let Some(tool) = tool {
                if list.tools.iter().any(|listed| listed.name == tool) {
                    findings.pass("tool", format!("`{tool}` is among them"));
                } else {
                    let exit = Exit::Forbidden;
                    let fix = format!(
                        "`{{client}} call {tool}` says which scopes it needs, if there is such a tool"
                    );
                    findings.fail("tool", format!("`{tool}` is not among them"), fix, exit);
                }
            }
            return;
        }
        Ok(_) => return,
        Err(failure) => failure,
    };
    let text = words(&failure);
    match failure.exit() {
        Exit::Unauthorized if subject.token.is_none() => {
            findings.warn(check, "there is no token", format!("see `{TOKEN}`"));
        }
        Exit::Unauthorized => {
            let hint = failure.hint().filter(|_| subject.was_given);
            let fix = if findings.fails(AUDIENCE) {
                format!("see `{AUDIENCE}`")
            } else {
                hint.map_or_else(login, str::to_owned)
            };
            findings.fail(check, text, fix, Exit::Unauthorized);
        }
        Exit::Forbidden => {
            let fix = match failure.required().filter(|_| failure.lacks_scope()) {
                Some(_) if subject.was_given => failure.hint().map_or_else(login, str::to_owned),
                Some(scopes) => {
                    subject.sign_in(&format!("--scope {}", quoted(&scopes.to_string())))
                }
                None => "a new token will not help: ask those who run the server".to_owned(),
            };
            findings.fail(check, text, fix, Exit::Forbidden);
        }
        exit => {
            let fix = failure.hint().unwrap_or("ask those who run the server").to_owned();
            findings.fail(check, text, fix, exit);
        }
    }
}

fn words(failure: &Failure) -> String {
    let mut words = failure.message().to_owned();
    if let Some(server) = failure.server() {
        words = format!("{words}: {server}");
    }
    if let Some(id) = failure.request_id() {
        words = format!("{words}; request {id}");
    }
    words
}

fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": OLD, "capabilities": {},
            "clientInfo": { "name": "client", "version": env!("CARGO_PKG_VERSION") },
        },
    })
}

fn discover() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "server/discover",
        "params": { "_meta": {
            "io.modelcontextprotocol/protocolVersion": NEW,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo":
                { "name": "client", "version": env!("CARGO_PKG_VERSION") },
        } },
    })
}

async fn post(
    subject: &Subject<'_>,
    version: &str,
    message: &Value,
    token: Option<&str>,
) -> Result<(StatusCode, HeaderMap, Value), OutboundError> {
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
    let mut request = http_client(subject.target())?
        .post(subject.endpoint().as_str())
        .timeout(subject.config.timeout)
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header(header::CONTENT_TYPE, "application/json")
        .header("mcp-protocol-version", version)
        .header("mcp-method", method)
        .body(message.to_string());
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok((status, headers, body(response).await))
}

/// The message in an answer: JSON, or the first such event of a stream.
async fn body(mut response: HttpResponse) -> Value {
    let mut bytes = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            bytes.extend_from_slice(&chunk);
            let text = String::from_utf8_lossy(&bytes);
            let event = text.lines().filter_map(|line| line.strip_prefix("data:"));
            let found = event.filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
            if let Some(message) = found.into_iter().next() {
                return Some(message);
            }
            if bytes.len() > 1024 * 1024 {
                break;
            }
        }
        serde_json::from_slice(&bytes).ok()
    };
    timeout(BODY_TIMEOUT, read).await.ok().flatten().unwrap_or_default()
}
