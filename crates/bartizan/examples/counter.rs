//! An rmcp server behind the guard: its policy in TOML, one issuer, and its users.
#![expect(clippy::disallowed_methods, reason = "an example reads its own environment")]

use std::{env, error::Error, sync::Arc, sync::atomic};

use bartizan::prelude::*;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};

const POLICY: &str = r#"
    scopes = { "Count" = "Count up" }
    roles = { counter = ["Count"] }
    tools = { increment = "Count" }
"#;

static COUNT: atomic::AtomicU32 = atomic::AtomicU32::new(0);

struct Counter;

#[rmcp::tool_router(server_handler)]
impl Counter {
    #[rmcp::tool(description = "Adds one")]
    async fn increment(&self, _caller: Permitted) -> String {
        (COUNT.fetch_add(1, atomic::Ordering::Relaxed) + 1).to_string()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let resource = env::var("MCP_RESOURCE")?;
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
    let offers = Counter::tool_router().offers();
    let guard = Guard::new(resource.parse()?, policy_from_toml(POLICY)?, offers, authenticate)?;
    let mcp = StreamableHttpService::new(
        || Ok(Counter),
        Arc::<LocalSessionManager>::default(),
        StreamableHttpServerConfig::default(),
    );
    let app = axum::Router::new()
        .route_service("/mcp", guard.protect(mcp))
        .route_service("/.well-known/oauth-protected-resource/mcp", guard.metadata());
    let listener = tokio::net::TcpListener::bind(env::var("BIND_ADDR")?).await?;
    Ok(axum::serve(listener, app).await?)
}
