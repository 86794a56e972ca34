//! Public and protected tools in one server: `greet` for everybody, `greet_by_name` for who may.
//!
//! `cargo run --package bartizan --example mixed` prints the address and a token to try it with.
//!
//! Without a token a client can begin, sees `greet` alone and can call it. As soon as it calls
//! anything else it is answered 401 with a challenge, and knows where to log in. Each method that
//! it may use on the way is declared: what the policy does not call public needs a token.

#![expect(clippy::print_stdout, reason = "it says how it is tried")]

use std::{env, error::Error};

use auth_core::{
    Clock, KeySet, Policy, PolicyDocument, SigningKey, SystemClock, TokenId, TokenIssuer,
    TokenRequest, TokenVerifier, TrustedIssuer,
};
use axum::Router;
use bartizan::{Caller, Guard, TokenAuthenticator};
use rmcp::{
    ErrorData, RoleServer,
    service::RequestContext,
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde_json::json;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Greeter;

#[tool_router(server_handler)]
impl Greeter {
    #[tool(description = "Says hello to everybody")]
    async fn greet(&self) -> String {
        "Hello!".into()
    }

    #[tool(description = "Says hello to you")]
    async fn greet_by_name(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<String, ErrorData> {
        // The tool is public: a caller without a token has no principal.
        let principal = Caller::of(&context)?.principal();
        let name = principal.map_or("nobody", |principal| principal.subject().as_str());
        Ok(format!("Hello, {name}!"))
    }
}

const ISSUER: &str = "http://localhost:9000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).unwrap_or_else(|| "8080".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let resource = format!("http://{}/mcp", listener.local_addr()?);
    let mut secret = [0; 48];
    getrandom::fill(&mut secret)?;
    let key = SigningKey::from_secret(&secret)?;

    let public = json!({ "public": true });
    let policy = Policy::try_from(serde_json::from_value::<PolicyDocument>(json!({
        "scopes": { "Greet": "Be greeted by name" },
        "tools": { "greet": public, "greet_by_name": "Greet" },
        "methods": {
            "initialize": public,
            "notifications/initialized": public,
            "ping": public,
            "server/discover": public,
            "tools/list": public,
        },
        // Clients learn from the list which tools need a token, and with which scopes.
        "lists": { "show_scopes": true },
    }))?)?;
    let issuer = TrustedIssuer::new(ISSUER.parse()?, KeySet::from_iter([key.verifying_key()?]));
    let verifier = TokenVerifier::new(resource.parse()?).trust(issuer);
    let guard =
        Guard::new(resource.parse()?, policy, [], TokenAuthenticator::new(verifier, SystemClock))?
            .authorization_server(ISSUER.parse()?);
    // Without sessions: one begun without a token could not be gone on with by one who has one.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let mcp =
        StreamableHttpService::new(|| Ok(Greeter), NeverSessionManager::default().into(), config);
    let mut app = Router::new().route_service("/mcp", guard.protect(mcp));
    for path in guard.metadata_paths() {
        app = app.route_service(&path, guard.metadata());
    }

    // To try it with.
    let (_, id) = secret.split_at(32);
    let request = TokenRequest::new(
        "alice".parse()?,
        resource.parse()?,
        TokenId::from_random(id.try_into()?),
    )
    .scopes("Greet".parse()?);
    let token = TokenIssuer::new(ISSUER.parse()?, key).issue(&request, SystemClock.now())?;
    println!("URL={resource}\nTOKEN={}", token.expose());
    Ok(axum::serve(listener, app).await?)
}
