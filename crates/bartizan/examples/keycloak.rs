//! An rmcp server behind the guard, with the users of a Keycloak realm.
#![expect(clippy::disallowed_methods, reason = "an example reads its own environment")]

use std::{collections::BTreeSet, env, error::Error, sync::Arc};

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
    "greet" = "Be greeted"

    [roles]
    guest = ["greet"]

    [tools]
    greet = "greet"
"#;

#[derive(Clone)]
struct Greeter;

#[tool_router(server_handler)]
impl Greeter {
    #[tool(description = "Greets the caller by name")]
    async fn greet(&self, caller: Permitted) -> Result<String, rmcp::ErrorData> {
        let principal = caller.authenticated()?;
        Ok(format!("Hello, {}!", principal.display_name().unwrap_or("caller without a name")))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let resource = env::var("MCP_RESOURCE").unwrap_or("http://localhost:8000/mcp".into());
    let address = env::var("BIND_ADDR").unwrap_or("127.0.0.1:8000".into());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);

    // Whose tokens count: those of this realm, whose keys are fetched.
    let issuer: Issuer = env::var("KEYCLOAK_REALM")?.parse()?;
    let client = IssuerClient::new(Arc::clone(&clock))?;
    let realm = Preset::Keycloak.discover(&client, issuer.clone())?;
    let tokens = Issuers::new(resource.parse()?, Arc::clone(&clock), [realm])?;

    // Users of the realm are added at their first use, as guests.
    let guests = BTreeSet::from(["guest".parse()?]);
    let authenticate = UserAuthenticator::new(MemoryUsers::new().into(), tokens.clone(), clock)
        .provisioning([(issuer.clone(), guests)].into());

    let (policy, offers) = (policy_from_toml(POLICY)?, Greeter::tool_router().offers());
    let guard =
        Guard::new(resource.parse()?, policy, offers, authenticate)?.authorization_server(issuer);

    let mcp = StreamableHttpService::new(
        || Ok(Greeter),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let app = axum::Router::new()
        .route_service("/mcp", guard.protect(mcp))
        .route_service("/.well-known/oauth-protected-resource/mcp", guard.metadata());
    tokio::spawn(async move { tokens.keep_fresh().await });
    Ok(axum::serve(TcpListener::bind(address).await?, app).await?)
}
