//! A call, sent both ways, and what is said to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use auth_core::{Algorithm, KeySet, ResourceUri, TokenVerifier, TrustedIssuer};
use bartizan::{Guard, GuardService, TokenAuthenticator};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use rmcp::model::ProtocolVersion;
use serde_json::json;
use server::{BUILT_IN, McpServer, McpService, parse_policy};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{Metadata, Subscriber, span};

pub(super) type Service = GuardService<Swap, TokenAuthenticator<Arc<ManualClock>>>;

/// Both ways, behind guards that are the same.
pub(super) struct Ways {
    pub(super) short: Service,
    pub(super) rmcp: Service,
    /// Of two users.
    tokens: [String; 2],
}

/// A request, in parts that can be spoilt.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// Which of the users calls.
    pub(super) caller: usize,
    pub(super) method: http::Method,
    pub(super) headers: Headers,
    pub(super) body: String,
    /// What a layer behind the guard puts in the place of method and body: none should, and nothing may
    /// come of it.
    pub(super) swapped: Swapped,
}

/// A header's name and its value, each as often as it is there.
pub(super) type Headers = Vec<(&'static str, String)>;

type Swapped = Option<(http::Method, String)>;

/// Such a layer.
#[derive(Clone)]
pub(super) struct Swap(McpService);

impl tower::Service<Request<Full<Bytes>>> for Swap {
    type Response = <McpService as tower::Service<Request<Full<Bytes>>>>::Response;
    type Error = <McpService as tower::Service<Request<Full<Bytes>>>>::Error;
    type Future = <McpService as tower::Service<Request<Full<Bytes>>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        if let Some((method, body)) = request.extensions_mut().remove::<Swapped>().flatten() {
            *request.method_mut() = method;
            *request.body_mut() = body.into();
        }
        self.0.call(request)
    }
}

impl Ways {
    pub(super) fn new() -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let resource = || RESOURCE.parse::<ResourceUri>().unwrap();
        let guard = || {
            let issuer =
                TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
            let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer);
            let authenticate = TokenAuthenticator::new(verifier, ManualClock::at(NOW));
            Guard::new(resource(), parse_policy(BUILT_IN).unwrap(), authenticate)
        };
        let server = McpServer::new(resource(), ManualClock::at(NOW));
        let shutdown = CancellationToken::new();
        let ways = Self {
            short: guard().protect(Swap(McpService::new(server.clone(), &shutdown))),
            rmcp: guard().protect(Swap(McpService::by_rmcp_alone(server, &shutdown))),
            tokens: ["one", "other"].map(|subject| {
                let forge = Forge::valid(key).claim("sub", subject);
                forge.claim("scope", "Admin.Write User.Read").sign(key)
            }),
        };
        // The first call in a revision makes the client that tools see, by a loop of its own.
        for revision in known() {
            let _ = ways.one(&ways.short, &good(revision, "get_time"));
        }
        ways
    }

    /// What both say to `call`, which must be the same; and whether it went the short way.
    pub(super) fn ask(&self, call: &Call) -> (StatusCode, bool) {
        let (by_rmcp, loops) = self.one(&self.rmcp, call);
        let (by_us, ours) = self.one(&self.short, call);
        assert_eq!(by_us, by_rmcp, "{call:?}");
        (by_us.0, ours < loops)
    }

    /// The answer, and how many loops rmcp has started for it.
    pub(super) fn one(
        &self,
        way: &Service,
        call: &Call,
    ) -> ((StatusCode, HeaderMap, Bytes), usize) {
        let mut request = Request::builder().method(call.method.clone()).uri("/mcp");
        for (name, value) in &call.headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut request = request
            .header(header::HOST, "localhost:8000")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.tokens[call.caller]))
            .body(Full::new(Bytes::from(call.body.clone())))
            .unwrap();
        request.extensions_mut().insert(call.swapped.clone());
        let loops = Arc::new(AtomicUsize::new(0));
        let answer = tracing::subscriber::with_default(Loops(Arc::clone(&loops)), || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let response = way.clone().oneshot(request).await.unwrap();
                let (mut parts, body) = Response::into_parts(response);
                let id = parts.headers.remove("x-request-id").unwrap();
                let body = body.collect().await.unwrap().to_bytes();
                // A refusal says it in its body too.
                let body = String::from_utf8_lossy(&body).replace(id.to_str().unwrap(), "");
                (parts.status, parts.headers, Bytes::from(body))
            })
        });
        (answer, loops.load(Ordering::Relaxed))
    }
}

/// Counts the spans in which rmcp's loop runs.
struct Loops(Arc<AtomicUsize>);

impl Subscriber for Loops {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "serve_inner"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        self.0.fetch_add(1, Ordering::Relaxed);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// A good call of `tool` in `revision`, as a client of it sends it.
pub(super) fn good(revision: Option<&str>, tool: &str) -> Call {
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
    Call { caller: 0, method: http::Method::POST, headers, body: body.to_string(), swapped: None }
}

/// The revisions, and none, which is one too.
pub(super) fn known() -> impl Iterator<Item = Option<&'static str>> {
    ProtocolVersion::KNOWN_VERSIONS.iter().map(|it| Some(it.as_str())).chain([None])
}

/// The same, and some that there are not.
pub(super) fn revisions() -> Vec<Option<&'static str>> {
    known().chain(["2024-01-01", "2099-12-31", "", "draft"].map(Some)).collect()
}
