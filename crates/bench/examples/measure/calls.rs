//! The requests, as bytes.

use std::fmt::Write;

use serde_json::json;

/// A revision of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revision {
    V2025,
    V2026,
}

impl Revision {
    pub(crate) const ALL: [Self; 2] = [Self::V2025, Self::V2026];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V2025 => "2025-11-25",
            Self::V2026 => "2026-07-28",
        }
    }
}

/// `tools/call` of `get_time`, with `token` if there is one.
pub(crate) fn get_time(revision: Revision, token: Option<&str>) -> Vec<u8> {
    call(revision, token, "get_time")
}

/// `tools/call` of `tool`.
pub(crate) fn call(revision: Revision, token: Option<&str>, tool: &str) -> Vec<u8> {
    let mut params = json!({ "name": tool, "arguments": {} });
    let mut more = String::new();
    if revision == Revision::V2026 {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "measure", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        more = format!("Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n");
    }
    if let Some(token) = token {
        write!(more, "Authorization: Bearer {token}\r\n").unwrap();
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let body = body.to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost:8000\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {}\r\n{more}\
         Content-Length: {}\r\n\r\n{body}",
        revision.name(),
        body.len(),
    )
    .into_bytes()
}
