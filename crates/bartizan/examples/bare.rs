//! Your own rmcp server behind the guard: one tool, one scope, tokens by one issuer.
//!
//! `cargo run --package bartizan --example bare` prints the address and a token to try it with.
//! In a real server the key is the issuer's (a public one), and nothing here makes tokens.

#![expect(clippy::print_stdout, reason = "it says how it is tried")]

use std::{env, error::Error};

use auth_core::{
    Clock, KeySet, Policy, PolicyDocument, SigningKey, SystemClock, TokenId, TokenIssuer,
    TokenRequest, TokenVerifier, TrustedIssuer,
};
use axum::Router;
use bartizan::{Guard, TokenAuthenticator};
use rmcp::{
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Greeter;

#[tool_router(server_handler)]
impl Greeter {
    #[tool(description = "Says hello")]
    async fn greet(&self) -> String {
        "Hello!".into()
    }
}

const ISSUER: &str = "http://localhost:9000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).unwrap_or_else(|| "8080".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let resource = format!("http://{}/mcp", listener.local_addr()?);
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let key = SigningKey::from_secret(&secret)?;

    // 1. Who may do what. What has no rule is refused.
    let policy = Policy::try_from(serde_json::from_value::<PolicyDocument>(json!({
        "scopes": { "Greet": "Be greeted" },
        "tools": { "greet": "Greet" },
    }))?)?;
    // 2. Whose tokens count, and for what they must be meant.
    let issuer = TrustedIssuer::new(ISSUER.parse()?, KeySet::from_iter([key.verifying_key()?]));
    let verifier = TokenVerifier::new(resource.parse()?).trust(issuer);
    // 3. The guard, in front of any rmcp server.
    let guard =
        Guard::new(resource.parse()?, policy, [], TokenAuthenticator::new(verifier, SystemClock))?
            .authorization_server(ISSUER.parse()?);
    let mcp = StreamableHttpService::new(
        || Ok(Greeter),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let mut app = Router::new().route_service("/mcp", guard.protect(mcp));
    for path in guard.metadata_paths() {
        app = app.route_service(&path, guard.metadata());
    }

    // To try it with.
    let request =
        TokenRequest::new("alice".parse()?, resource.parse()?, TokenId::from_random(random()?))
            .scopes("Greet".parse()?);
    let token = TokenIssuer::new(ISSUER.parse()?, key).issue(&request, SystemClock.now())?;
    println!("URL={resource}\nTOKEN={}", token.expose());
    Ok(axum::serve(listener, app).await?)
}

fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
