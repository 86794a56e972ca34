//! A server with all that the official MCP conformance suite asks for, behind the guard as any user
//! of it would put theirs; and beside it, to compare, the same server bare. For tests only: the
//! token is printed.

mod fixture;
mod gateway;

use std::{
    error::Error,
    io::{self, Write},
    net::Ipv4Addr,
    process::ExitCode,
    sync::Arc,
};

use auth_core::{
    Clock, Issuer, KeySet, Policy, PolicyDocument, ResourceUri, SigningKey, SystemClock, TokenId,
    TokenIssuer, TokenRequest, TokenVerifier, TrustedIssuer,
};
use axum::{Router, serve::ListenerExt};
use bartizan::{Guard, TokenAuthenticator};
use clap::Parser;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::net::TcpListener;

use crate::fixture::{Fixture, Only};

type Failure = Box<dyn Error + Send + Sync>;

/// The fixture for the official MCP conformance suite.
#[derive(Debug, Parser)]
#[command(name = "conformance-server")]
struct Args {
    /// Where to listen on loopback; 0 for any free port
    #[arg(required_unless_present = "stdio", conflicts_with = "stdio")]
    port: Option<u16>,
    /// Serve the fixture a second time, at /unguarded, without the guard
    #[arg(long)]
    unguarded: bool,
    /// Put the gateway between the guard and the fixture, which is then a child process, or served
    /// over HTTP at /unguarded
    #[arg(long, value_name = "TRANSPORT", conflicts_with = "unguarded")]
    gateway: Option<Transport>,
    /// Serve the fixture over stdin and stdout
    #[arg(long)]
    stdio: bool,
    /// Speak only the revisions with sessions, or only those without
    #[arg(long)]
    only: Option<Only>,
}

/// How the gateway reaches the fixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Transport {
    /// A child process.
    Stdio,
    /// Streamable HTTP.
    Http,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(code) = upstream::warden::run_if_asked(std::env::args_os()) {
        return code;
    }
    let args = Args::parse();
    let served = if args.stdio { serve_stdio(args.only).await } else { serve(&args).await };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The fixture over stdin and stdout, until the end of stdin.
async fn serve_stdio(only: Option<Only>) -> Result<(), Failure> {
    let sessions = Arc::new(LocalSessionManager::default());
    let fixture = Fixture::new(sessions)?.only(only);
    rmcp::serve_server(fixture, rmcp::transport::stdio()).await?.waiting().await?;
    Ok(())
}

async fn serve(args: &Args) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port.unwrap_or_default())).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}/mcp");
    let resource: ResourceUri = url.parse()?;
    let issuer: Issuer = format!("http://{address}").parse()?;

    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let key = SigningKey::from_secret(&secret)?;
    let policy = policy()?;
    let token = token(&url, &TokenIssuer::new(issuer.clone(), key.clone()), &policy)?;

    let trusted = TrustedIssuer::new(issuer.clone(), KeySet::from_iter([key.verifying_key()?]));
    let verifier = TokenVerifier::new(url.parse()?).trust(trusted);
    let guard = Guard::new(resource, policy, [], TokenAuthenticator::new(verifier, SystemClock))?
        .authorization_server(issuer)
        .name("conformance");
    let unguarded = format!("http://{address}/unguarded");
    let mut router = match args.gateway {
        None => Router::new().route_service("/mcp", guard.protect(mcp(args.only)?)),
        Some(transport) => {
            let gateway = match transport {
                Transport::Stdio => gateway::over_stdio(args.only)?,
                Transport::Http => gateway::over_http(&unguarded)?,
            };
            Router::new().route_service("/mcp", guard.protect(gateway))
        }
    };
    for path in guard.metadata_paths() {
        router = router.route_service(&path, guard.metadata());
    }

    let mut stdout = io::stdout();
    writeln!(stdout, "URL={url}")?;
    if args.unguarded || args.gateway == Some(Transport::Http) {
        router = router.route_service("/unguarded", mcp(args.only)?);
        writeln!(stdout, "UNGUARDED={unguarded}")?;
    }
    writeln!(stdout, "TOKEN={token}")?;
    stdout.flush()?;

    // Streams of small events: none may wait for the one before it to be acknowledged.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}

/// The fixture over HTTP: with sessions up to 2025-11-25, without from 2026-07-28 on.
fn mcp(only: Option<Only>) -> Result<StreamableHttpService<Fixture, LocalSessionManager>, Failure> {
    let sessions = Arc::new(LocalSessionManager::default());
    let fixture = Fixture::new(Arc::clone(&sessions))?.only(only);
    let config = StreamableHttpServerConfig::default();
    Ok(StreamableHttpService::new(move || Ok(fixture.clone()), sessions, config))
}

/// The policy, which has a rule for all that the fixture offers.
fn policy() -> Result<Policy, Failure> {
    let document: PolicyDocument = toml::from_str(include_str!("policy.toml"))?;
    let policy = Policy::try_from(document)?;
    let offers = fixture::offers();
    let open = policy.without_rule(&offers);
    if open.is_empty() { Ok(policy) } else { Err(format!("no rule for {open:?}").into()) }
}

/// A token for all that some rule of the policy asks for.
fn token(url: &str, issuer: &TokenIssuer, policy: &Policy) -> Result<String, Failure> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    let request = TokenRequest::new("conformance".parse()?, url.parse()?, TokenId::from_random(id))
        .scopes(policy.scopes());
    Ok(issuer.issue(&request, SystemClock.now())?.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offer_has_a_rule() {
        policy().unwrap();
    }
}
