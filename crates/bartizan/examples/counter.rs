//! An rmcp server behind the guard: its policy in TOML, one issuer, and its users.
#![expect(clippy::disallowed_methods, reason = "an example reads its own environment")]

use std::{
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bartizan::prelude::*;
use rmcp::{
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::net::TcpListener;

const POLICY: &str = r#"
    [scopes]
    "Count" = "Count up"

    [roles]
    counter = ["Count"]

    [tools]
    increment = "Count"
"#;

#[derive(Clone, Default)]
struct Counter(Arc<AtomicU32>);

#[tool_router(server_handler)]
impl Counter {
    #[tool(description = "Adds one")]
    async fn increment(&self, _caller: Permitted) -> String {
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let resource = env::var("MCP_RESOURCE").unwrap_or("http://localhost:8000/mcp".into());
    let address = env::var("BIND_ADDR").unwrap_or("127.0.0.1:8000".into());

    // Whose tokens count: those that this issuer signs with the secret, for this resource.
    let issuer: Issuer = "https://issuer.example".parse()?;
    let key = VerifyingKey::from_secret(env::var("JWT_SECRET")?.as_bytes())?;
    let trusted = TrustedIssuer::new(issuer.clone(), KeySet::from_iter([key]));
    let tokens = TokenVerifier::new(resource.parse()?).trust(trusted);
    let tokens = TokenAuthenticator::new(tokens, SystemClock);

    // Who the users are, and their roles.
    let users = MemoryUsers::new().user(issuer, "alice".parse()?, ["counter".parse()?]);
    let authenticate = UserAuthenticator::new(users.into(), tokens, Arc::new(SystemClock));

    // Who may do what. An error if a tool has no rule.
    let (policy, offers) = (policy_from_toml(POLICY)?, Counter::tool_router().offers());
    let guard = Guard::new(resource.parse()?, policy, offers, authenticate)?;

    let counter = Counter::default();
    let mcp = StreamableHttpService::new(
        move || Ok(counter.clone()),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let app = axum::Router::new()
        .route_service("/mcp", guard.protect(mcp))
        .route_service("/.well-known/oauth-protected-resource/mcp", guard.metadata());
    Ok(axum::serve(TcpListener::bind(address).await?, app).await?)
}
