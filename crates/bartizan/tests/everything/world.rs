//! The server with everything on a free port behind a guard, and callers.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{
    Algorithm, Ceiling, Clock, KeySet, Policy, PolicyDocument, Principal, TokenVerifier,
    TrustedIssuer, VerifyError,
};
use axum::serve::ListenerExt;
use bartizan::{
    Authenticate, AuthenticateError, CatchPanic, Guard, PeerAddress, Presented, RulesHandle,
};
use http::{HeaderMap, StatusCode};
use reqwest::{Client, RequestBuilder, Response};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio::{net::TcpListener, sync::broadcast};

use crate::fixture::{Everything, News};

/// Tokens as they are verified, and users who can be disabled and be given other roles.
#[derive(Debug)]
pub(crate) struct Users {
    verifier: TokenVerifier,
    clock: Arc<ManualClock>,
    pub(crate) disabled: Mutex<BTreeSet<String>>,
    pub(crate) revoked: Mutex<BTreeSet<String>>,
    pub(crate) unavailable: Mutex<bool>,
    pub(crate) roles: Mutex<BTreeSet<&'static str>>,
}

impl Authenticate for Users {
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        let claims = self.verifier.verify(presented.token, self.clock.now())?;
        if *self.unavailable.lock().unwrap() {
            return Err(AuthenticateError::Unavailable("no users today".into()));
        }
        let id = claims.token_id().unwrap().as_str();
        if self.revoked.lock().unwrap().contains(id) {
            return Err(VerifyError::Expired.into());
        }
        if self.disabled.lock().unwrap().contains(claims.subject().as_str()) {
            let (issuer, subject) = (claims.issuer().clone(), claims.subject().clone());
            return Err(AuthenticateError::DisabledUser { issuer, subject, remedy: None });
        }
        let roles = self.roles.lock().unwrap().iter().map(|role| role.parse().unwrap()).collect();
        Ok(Principal::new(&claims, Ceiling::Roles(Arc::new(roles))))
    }
}

/// The policy of the server with everything.
pub(crate) fn document() -> Value {
    json!({
        "scopes": { "A": "", "B": "", "All": { "about": "", "implies": ["A", "B"] } },
        "roles": { "a": ["A"], "b": ["B"] },
        "tools": {
            "a": "A", "b": "B", "open": [], "either": { "any": ["A", "B"] }, "slow": "A", "panic": "A",
            "work": "A", "touch": "A",
        },
        "resources": {
            "doc://a": "A", "doc://b": "B", "page://{id}": "A", "secret://{id}": "B",
            "page://secret": "B", "dir://a/": "A", "dir://a/a.txt": "A", "dir://a/b.txt": "B",
            "skill://a/SKILL.md": "A", "skill://b/SKILL.md": "B",
        },
        "prompts": { "a": "A", "b": "B" },
    })
}

pub(crate) fn policy(document: Value) -> Policy {
    Policy::try_from(serde_json::from_value::<PolicyDocument>(document).unwrap()).unwrap()
}

pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) users: Arc<Users>,
    pub(crate) news: broadcast::Sender<News>,
    pub(crate) rules: RulesHandle,
    http: Client,
}

/// The header with the address that a request is said to come from.
pub(crate) const PEER: &str = "x-test-peer";

async fn with_peer(mut request: axum::extract::Request) -> axum::extract::Request {
    let peer = request.headers().get(PEER).map(|peer| peer.to_str().unwrap().parse().unwrap());
    if let Some(peer) = peer {
        request.extensions_mut().insert(PeerAddress(peer));
    }
    request
}

/// A token for `subject` with `scope`, open to any change.
pub(crate) fn forge(subject: &str, scope: &str) -> Forge {
    Forge::valid(TestKey::shared(Algorithm::Hs256)).claim("sub", subject).claim("scope", scope)
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(document(), |guard| guard).await
    }

    pub(crate) async fn start_with(
        document: Value,
        change: impl FnOnce(Guard<Arc<Users>>) -> Guard<Arc<Users>>,
    ) -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let issuer =
            TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
        let clock = ManualClock::at(NOW);
        let users = Arc::new(Users {
            verifier: TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer),
            clock: Arc::clone(&clock),
            disabled: Mutex::default(),
            revoked: Mutex::default(),
            unavailable: Mutex::default(),
            roles: Mutex::new(BTreeSet::from(["a", "b"])),
        });
        let guard = Guard::new(RESOURCE.parse().unwrap(), policy(document), [], Arc::clone(&users));
        let guard = change(guard.unwrap());
        let rules = guard.rules();

        let news = broadcast::channel(16).0;
        let everything = Everything::new(news.clone());
        let mcp = StreamableHttpService::new(
            move || Ok(CatchPanic::new(everything.clone())),
            Arc::new(LocalSessionManager::default()),
            StreamableHttpServerConfig::default(),
        );
        let app = axum::Router::new()
            .route_service("/mcp", guard.protect(mcp))
            .layer(axum::middleware::map_request(with_peer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let http = Client::builder().no_proxy().build().unwrap();
        Self { url, clock, users, news, rules, http }
    }

    /// A token for `subject` with `scope`, through `client`.
    #[expect(clippy::unused_self, reason = "a world's tokens are good in it alone")]
    pub(crate) fn token(&self, subject: &str, scope: &str, client: &str) -> String {
        forge(subject, scope).claim("client_id", client).sign(TestKey::shared(Algorithm::Hs256))
    }

    /// A caller with a token of its own.
    pub(crate) fn caller(&self, subject: &str, scope: &str) -> Caller<'_> {
        self.with(Some(self.token(subject, scope, "testkit")))
    }

    pub(crate) fn anonymous(&self) -> Caller<'_> {
        self.with(None)
    }

    pub(crate) fn with(&self, token: Option<String>) -> Caller<'_> {
        Caller { world: self, token, session: None }
    }
}

/// Somebody with or without a token, in or out of a session.
#[derive(Clone)]
pub(crate) struct Caller<'a> {
    world: &'a World,
    pub(crate) token: Option<String>,
    pub(crate) session: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The one message with a result or an error; `null` if there is none.
    pub(crate) message: Value,
    pub(crate) text: String,
}

impl Caller<'_> {
    /// Begins a session of 2025-11-25, which later calls are in.
    pub(crate) async fn initialize(&mut self) {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = self.call_legacy("initialize", params).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        self.session = Some(answer.headers["mcp-session-id"].to_str().unwrap().to_owned());
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.send(self.post(&initialized)).await.status, StatusCode::ACCEPTED);
    }

    /// A request in a session of 2025-11-25.
    pub(crate) async fn call_legacy(&self, method: &str, params: Value) -> Answer {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.send(self.post(&body)).await
    }

    /// A request of 2026-07-28, which stands for itself.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Answer {
        self.send(self.request(method, params)).await
    }

    pub(crate) fn request(&self, method: &str, mut params: Value) -> RequestBuilder {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {
                "extensions": { "io.modelcontextprotocol/tasks": {} },
            },
        });
        let name = ["name", "uri", "taskId"].iter().find_map(|name| params[*name].as_str());
        let name = name.map(str::to_owned);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut request = self
            .post(&body)
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        if let Some(name) = name {
            request = request.header("mcp-name", name);
        }
        request
    }

    pub(crate) fn post(&self, body: &Value) -> RequestBuilder {
        let request = self.world.http.post(&self.world.url);
        self.dress(request)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.to_string())
    }

    /// The stream of a session.
    pub(crate) fn get(&self) -> RequestBuilder {
        self.dress(self.world.http.get(&self.world.url)).header("accept", "text/event-stream")
    }

    pub(crate) fn delete(&self) -> RequestBuilder {
        self.dress(self.world.http.delete(&self.world.url))
    }

    fn dress(&self, request: RequestBuilder) -> RequestBuilder {
        let request = self.token.iter().fold(request, RequestBuilder::bearer_auth);
        self.session
            .iter()
            .fold(request, |request, session| request.header("mcp-session-id", session))
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.timeout(Duration::from_secs(20)).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let messages = messages(&text);
        let last = messages.into_iter().rfind(|m| m.get("result").or(m.get("error")).is_some());
        Answer { status, headers, message: last.unwrap_or_default(), text }
    }
}

impl Answer {
    /// The names of what a list shows, in its order.
    pub(crate) fn names(&self, member: &str, key: &str) -> Vec<&str> {
        let entries = self.message["result"][member].as_array();
        let entries = entries.unwrap_or_else(|| panic!("no {member}: {}", self.text));
        entries.iter().map(|entry| entry[key].as_str().unwrap()).collect()
    }

    pub(crate) fn challenge(&self) -> Option<&str> {
        self.headers.get("www-authenticate").map(|value| value.to_str().unwrap())
    }

    /// Whether the server behind the guard answered with a result.
    pub(crate) fn is_result(&self) -> bool {
        self.status == StatusCode::OK && self.message.get("result").is_some()
    }
}

/// The messages in a JSON body or an event stream.
pub(crate) fn messages(text: &str) -> Vec<Value> {
    if let Ok(message) = serde_json::from_str(text) {
        return vec![message];
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

/// An open stream, read as it comes.
pub(crate) struct Open {
    response: Response,
    pub(crate) text: String,
}

impl Open {
    pub(crate) async fn new(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// Reads until `text` has come.
    pub(crate) async fn until(&mut self, text: &str) {
        let reading = async {
            while !self.text.contains(text) {
                let chunk = self.response.chunk().await.unwrap();
                let chunk = chunk.unwrap_or_else(|| panic!("ended before {text:?}: {}", self.text));
                self.text += std::str::from_utf8(&chunk).unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), reading).await;
        assert!(waited.is_ok(), "{text:?} did not come");
    }

    /// How long until the stream ends; `None` if it is open for longer than `patience`.
    pub(crate) async fn ends_within(&mut self, patience: Duration) -> Option<Duration> {
        let start = tokio::time::Instant::now();
        let end = async {
            while let Some(chunk) = self.response.chunk().await.unwrap() {
                self.text += std::str::from_utf8(&chunk).unwrap();
            }
        };
        tokio::time::timeout(patience, end).await.ok().map(|()| start.elapsed())
    }
}
