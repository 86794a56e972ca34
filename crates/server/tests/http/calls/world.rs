//! The server behind the guard, in process, with two users.

use std::sync::Arc;

use auth_core::{Algorithm, KeySet, ResourceUri, TokenVerifier, TrustedIssuer};
use bartizan::{Guard, GuardService, TokenAuthenticator};
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use rmcp::model::ProtocolVersion;
use serde_json::{Value, json};
use server::{BUILT_IN, McpServer, McpService, parse_policy};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub(super) struct World {
    service: GuardService<McpService, TokenAuthenticator<Arc<ManualClock>>>,
    /// Tokens of the users `one` and `other`.
    tokens: [String; 2],
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Which of the users calls.
    pub(super) caller: usize,
    pub(super) headers: Headers,
    pub(super) body: String,
}

/// Names and values in order; a name may repeat.
pub(super) type Headers = Vec<(&'static str, String)>;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Bytes,
}

impl World {
    pub(super) fn new() -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let resource = || RESOURCE.parse::<ResourceUri>().unwrap();
        let issuer =
            TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer);
        let authenticate = TokenAuthenticator::new(verifier, ManualClock::at(NOW));
        let guard = Guard::new(
            resource(),
            parse_policy(BUILT_IN, &McpServer::offers()).unwrap(),
            McpServer::offers(),
            authenticate,
        )
        .unwrap();
        let server = McpServer::new(resource(), ManualClock::at(NOW));
        Self {
            service: guard.protect(McpService::new(server, &CancellationToken::new())),
            tokens: ["one", "other"].map(|subject| {
                let forge = Forge::valid(key).claim("sub", subject);
                forge.claim("scope", "Admin.Write User.Read").sign(key)
            }),
        }
    }

    pub(super) async fn send(&self, call: &Call) -> Answer {
        let mut request = Request::post("/mcp");
        for (name, value) in &call.headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let request = request
            .header(header::HOST, "localhost:8000")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.tokens[call.caller]))
            .body(Full::new(Bytes::from(call.body.clone())))
            .unwrap();
        let response = self.service.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, body }
    }

    /// Asserts that the answer to `call`, good or faulty, is no server error; returns its status.
    pub(super) async fn check(&self, call: &Call) -> StatusCode {
        let answer = self.send(call).await;
        assert!(!answer.status.is_server_error(), "{call:?}: {answer:?}");
        if answer.status == StatusCode::OK {
            let json = answer.json();
            let has_outcome = json["result"].is_object() || json["error"].is_object();
            assert!(has_outcome, "{call:?}: {answer:?}");
        }
        answer.status
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }
}

/// A well-formed call of `tool`, as a client of `revision` sends it.
pub(super) fn call(revision: Option<&str>, tool: &str) -> Call {
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
    ];
    let mut params = json!({ "name": tool, "arguments": {} });
    headers.extend(revision.map(|revision| ("mcp-protocol-version", revision.to_owned())));
    if let Some(revision) = revision.filter(|revision| *revision >= "2026-07-28") {
        headers.push(("mcp-method", "tools/call".into()));
        headers.push(("mcp-name", tool.into()));
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientInfo": { "name": "a test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    Call { caller: 0, headers, body: body.to_string() }
}

/// Every known revision, and a request that names none.
pub(super) fn revisions() -> impl Iterator<Item = Option<&'static str>> {
    ProtocolVersion::KNOWN_VERSIONS.iter().map(|it| Some(it.as_str())).chain([None])
}

pub(super) fn unknown_revisions() -> impl Iterator<Item = Option<&'static str>> {
    ["2024-01-01", "2099-12-31", "", "draft"].into_iter().map(Some)
}
