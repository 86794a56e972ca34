//! A policy for each tenant, from code: one server, whose customers have rules of their own.
//!
//! `cargo run --package bartizan --example tenants` prints the address and a token for each of two
//! tenants. At `acme` anybody may `export`; at `globex` it takes the scope `Export`.
//!
//! Here the tenant is the issuer: each customer brings their own. It could be anything that a
//! verified token says; what a caller sends beside it (a header, an argument) is no ground to
//! choose by.

#![expect(clippy::print_stdout, reason = "it says how it is tried")]

use std::{collections::HashMap, env, error::Error, sync::Arc};

use auth_core::{
    Clock, Issuer, KeySet, Policy, PolicyDocument, SigningKey, SystemClock, TokenId, TokenIssuer,
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
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Exporter;

#[tool_router(server_handler)]
impl Exporter {
    #[tool(description = "Exports the books")]
    async fn export(&self) -> String {
        "exported".into()
    }
}

const TENANTS: [&str; 2] = ["https://login.acme.example", "https://login.globex.example"];

fn policy(export: &Value) -> Result<Arc<Policy>, Box<dyn Error>> {
    let document =
        json!({ "scopes": { "Export": "Take the books away" }, "tools": { "export": export } });
    Ok(Arc::new(Policy::try_from(serde_json::from_value::<PolicyDocument>(document)?)?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).unwrap_or_else(|| "8080".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let resource = format!("http://{}/mcp", listener.local_addr()?);

    let [acme, globex] = TENANTS;
    let policies: HashMap<Issuer, Arc<Policy>> = HashMap::from([
        (acme.parse()?, policy(&json!([]))?),
        (globex.parse()?, policy(&json!("Export"))?),
    ]);
    // For callers without a token, and for tenants without a policy of their own: nothing is
    // permitted.
    let nothing = Arc::new(Policy::try_from(PolicyDocument::default())?);

    let mut verifier = TokenVerifier::new(resource.parse()?);
    let mut tokens = Vec::new();
    for tenant in TENANTS {
        let mut secret = [0; 48];
        getrandom::fill(&mut secret)?;
        let (key, id) = secret.split_at(32);
        let key = SigningKey::from_secret(key)?;
        let keys = KeySet::from_iter([key.verifying_key()?]);
        verifier = verifier.trust(TrustedIssuer::new(tenant.parse()?, keys));
        // To try it with.
        let id = TokenId::from_random(id.try_into()?);
        let request = TokenRequest::new("alice".parse()?, resource.parse()?, id);
        tokens.push(TokenIssuer::new(tenant.parse()?, key).issue(&request, SystemClock.now())?);
    }

    let base = Policy::clone(&nothing);
    let guard =
        Guard::new(resource.parse()?, base, [], TokenAuthenticator::new(verifier, SystemClock))?
            .policy_by_caller(move |principal| {
                Arc::clone(policies.get(principal.issuer()).unwrap_or(&nothing))
            });
    let mcp = StreamableHttpService::new(
        || Ok(Exporter),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let app = Router::new().route_service("/mcp", guard.protect(mcp));

    println!("URL={resource}");
    for token in tokens {
        println!("TOKEN={}", token.expose());
    }
    Ok(axum::serve(listener, app).await?)
}
