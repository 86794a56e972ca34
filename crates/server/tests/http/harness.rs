//! A server on a free port, and callers.

use std::sync::Arc;

use auth_core::{KeySet, NumericDate, ResourceUri, TrustedIssuer};
use bartizan::{Issuers, Trust};
use directory::{
    AnyDirectory, Directory, Edit, MemoryDirectory, NewUser, Shared, Stamp, UserName, UserStatus,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use server::{
    App, BUILT_IN, Backend, Bounds, McpServer, Provisioning, Resource, SessionBounds, Sessions,
    parse_policy,
};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Changes are made by a test, at `secs`.
pub(crate) fn stamp(secs: i64) -> Stamp {
    Stamp::new("a test", NumericDate::from_secs(secs).unwrap())
}

/// A user of the harness's issuer.
pub(crate) fn user(subject: &str) -> UserName {
    UserName { issuer: ISSUER.parse().unwrap(), subject: subject.parse().unwrap() }
}

/// A running server. It ends with the test's runtime.
pub(crate) struct TestServer<D = MemoryDirectory> {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: Arc<D>,
    key: &'static TestKey,
    http: reqwest::Client,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl TestServer {
    /// The shipped policy, HS256, and one user for each role: `guest`, `user`, `admin`, and
    /// `disabled`, an admin who was disabled. `user-userson` is an admin.
    pub(crate) async fn start() -> Self {
        Self::start_with(TestKey::shared(auth_core::Algorithm::Hs256), BUILT_IN).await
    }

    pub(crate) async fn start_with(key: &'static TestKey, policy: &str) -> Self {
        let directory = MemoryDirectory::default();
        let users = [
            ("user-userson", "admin"),
            ("guest", "guest"),
            ("user", "user"),
            ("admin", "admin"),
            ("disabled", "admin"),
        ];
        for (subject, role) in users {
            let user = NewUser {
                issuer: ISSUER.parse().unwrap(),
                subject: subject.parse().unwrap(),
                display_name: subject.into(),
                roles: [role.parse().unwrap()].into(),
            };
            directory.add(user, &stamp(NOW)).await.unwrap();
        }
        let disable = Edit::SetStatus(user("disabled"), UserStatus::Disabled);
        let _ = directory.edit(disable, &stamp(NOW)).await.unwrap();
        Self::start_over(key, policy, directory).await
    }
}

impl TestServer<AnyDirectory> {
    /// A server with sessions, and users who may do nothing.
    pub(crate) async fn start_with_sessions(bounds: SessionBounds) -> (Self, Sessions) {
        let directory = AnyDirectory::open("sqlite::memory:").await.unwrap();
        for subject in ["alice", "bob", "carol"] {
            let user = NewUser {
                issuer: ISSUER.parse().unwrap(),
                subject: subject.parse().unwrap(),
                display_name: subject.into(),
                roles: [].into(),
            };
            directory.add(user, &stamp(NOW)).await.unwrap();
        }
        let (key, clock) = (TestKey::shared(auth_core::Algorithm::Hs256), ManualClock::at(NOW));
        let shared = Shared::new(directory.clone());
        let sessions = Sessions::open(shared, &[7; 32], clock.clone()).await.unwrap();
        let sessions = sessions.bounded(bounds);
        let issuer =
            TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
        let trusts = [issuer.trust_roles(true).into()];
        let (refuse_unknown, own) = (Provisioning::new(), Some(sessions.clone()));
        let server =
            Self::start_whole(key, BUILT_IN, directory, clock, trusts, refuse_unknown, own).await;
        (server, sessions)
    }
}

impl<D: Directory> TestServer<D> {
    pub(crate) async fn start_over(key: &'static TestKey, policy: &str, directory: D) -> Self {
        let issuer =
            TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
        let trusts = [issuer.trust_roles(true).into()];
        Self::start_trusting(key, policy, directory, ManualClock::at(NOW), trusts).await
    }

    /// A server that trusts others than the issuer of the harness.
    pub(crate) async fn start_trusting(
        key: &'static TestKey,
        policy: &str,
        directory: D,
        clock: Arc<ManualClock>,
        trusts: impl IntoIterator<Item = Trust>,
    ) -> Self {
        Self::start_as(key, policy, directory, clock, trusts, Provisioning::new()).await
    }

    /// A server that adds users of some issuers when they are first seen.
    pub(crate) async fn start_provisioning(
        key: &'static TestKey,
        directory: D,
        trusts: impl IntoIterator<Item = Trust>,
        provisioning: Provisioning,
    ) -> Self {
        let clock = ManualClock::at(NOW);
        Self::start_as(key, BUILT_IN, directory, clock, trusts, provisioning).await
    }

    async fn start_as(
        key: &'static TestKey,
        policy: &str,
        directory: D,
        clock: Arc<ManualClock>,
        trusts: impl IntoIterator<Item = Trust>,
        provisioning: Provisioning,
    ) -> Self {
        Self::start_whole(key, policy, directory, clock, trusts, provisioning, None).await
    }

    async fn start_whole(
        key: &'static TestKey,
        policy: &str,
        directory: D,
        clock: Arc<ManualClock>,
        trusts: impl IntoIterator<Item = Trust>,
        provisioning: Provisioning,
        sessions: Option<Sessions>,
    ) -> Self {
        let directory = Arc::new(directory);
        let issuers = Issuers::new(RESOURCE.parse().unwrap(), clock.clone(), trusts).unwrap();
        let uri: ResourceUri = RESOURCE.parse().unwrap();
        let resource = Resource {
            policy: parse_policy(policy, &McpServer::offers()).unwrap(),
            issuers,
            backend: Backend::Demo(McpServer::new(uri.clone(), clock.clone())),
            uri,
        };
        let app = App {
            readiness: server::Readiness::default(),
            allowed_origins: vec!["https://app.example".into()],
            resources: vec![match sessions {
                Some(sessions) => resource.sessions(&sessions),
                None => resource,
            }],
            directory: Arc::clone(&directory),
            provisioning,
            has_client_certificates: false,
            bounds: Bounds::default(),
            limits_store: None,
            audit: None,
            traces: None,
            clock: clock.clone(),
            authorization_server: None,
            metrics: None,
            server_command: "bartizan-server".into(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = app.router(&CancellationToken::new()).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, clock, directory, key, http }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// A token for `subject` with `scope`.
    pub(crate) fn token(&self, subject: &str, scope: &str) -> String {
        Forge::valid(self.key).claim("sub", subject).claim("scope", scope).sign(self.key)
    }

    pub(crate) fn forge(&self) -> Forge {
        Forge::valid(self.key)
    }

    pub(crate) fn sign(&self, forge: &Forge) -> String {
        forge.sign(self.key)
    }

    /// A POST as an MCP client makes it, without a token.
    pub(crate) fn post(&self, body: impl Into<String>) -> reqwest::RequestBuilder {
        self.http
            .post(self.url())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .body(body.into())
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Calls `get_time`.
    pub(crate) async fn get_time(&self, token: &str) -> Answer {
        self.call("get_time", token).await
    }

    pub(crate) async fn call(&self, tool: &str, token: &str) -> Answer {
        send(self.post(call(tool)).bearer_auth(token)).await
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    }
}

/// `tools/call` of `tool`, as a client of before 2026-07-28 sends it.
pub(crate) fn call(tool: &str) -> String {
    request("tools/call", &json!({ "name": tool, "arguments": {} }))
}

pub(crate) fn request(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

impl Answer {
    /// The one `WWW-Authenticate` value.
    pub(crate) fn challenge(&self) -> Option<String> {
        let mut values = self.headers.get_all(header::WWW_AUTHENTICATE).iter();
        let value = values.next()?.to_str().unwrap().to_owned();
        assert!(values.next().is_none(), "two challenges");
        Some(value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Asserts a 401 `invalid_token` with nothing about the reason in it.
    pub(crate) fn assert_invalid_token(&self, why: &str) {
        assert_eq!(self.status, StatusCode::UNAUTHORIZED, "{why}");
        assert_eq!(
            self.challenge().unwrap(),
            r#"Bearer error="invalid_token", error_description="The access token is not valid", scope="Admin.Write User.Read", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp""#,
            "{why}"
        );
    }

    /// Asserts that the tool was called: nothing was refused on the way.
    pub(crate) fn assert_called(&self, why: &str) {
        assert_eq!(self.status, StatusCode::OK, "{why}: {}", self.body);
        assert_eq!(self.json()["result"]["isError"], json!(false), "{why}: {}", self.body);
    }
}
