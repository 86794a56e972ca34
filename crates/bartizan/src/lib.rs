//! Protects an MCP server: a [tower](https://docs.rs/tower) layer that lets a request through only when
//! its token is valid, its user exists, and both hold the scope that this very tool, resource or prompt
//! needs.
//!
//! # Protect your own rmcp server
//!
//! The counter below is any rmcp server; `guard` and the two routes are all that protection takes.
//!
//! ```
//! use auth_core::{KeySet, Policy, PolicyDocument, SystemClock, TokenVerifier, TrustedIssuer, VerifyingKey};
//! use bartizan::{Guard, TokenAuthenticator};
//! # use std::sync::atomic::{AtomicU32, Ordering};
//! # use rmcp::{tool, tool_router, transport::streamable_http_server::{
//! #     StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager}};
//! # static COUNT: AtomicU32 = AtomicU32::new(0);
//! # #[derive(Clone)]
//! # struct Counter;
//! # #[tool_router(server_handler)]
//! # impl Counter {
//! #     #[tool(description = "Adds one")]
//! #     async fn increment(&self) -> String { (COUNT.fetch_add(1, Ordering::Relaxed) + 1).to_string() }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = [7; 32];
//! # let rules = r#"{ "scopes": { "Count": "Count up" }, "tools": { "increment": "Count" } }"#;
//! # let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
//! # let mcp = StreamableHttpService::new(|| Ok(Counter), NeverSessionManager::default().into(), config);
//! let policy = Policy::try_from(serde_json::from_str::<PolicyDocument>(rules)?)?;
//! let keys = KeySet::from_iter([VerifyingKey::from_secret(&secret)?]);
//! let issuer = TrustedIssuer::new("http://localhost:8000".parse()?, keys);
//! let verifier = TokenVerifier::new("http://localhost:8000/mcp".parse()?).trust(issuer);
//! let authenticate = TokenAuthenticator::new(verifier, SystemClock);
//! let offers = [auth_core::Action::CallTool("increment".into())];
//! let guard = Guard::new("http://localhost:8000/mcp".parse()?, policy, offers, authenticate)?;
//! let app = axum::Router::<()>::new()
//!     .route_service("/mcp", guard.protect(mcp))
//!     .route_service("/.well-known/oauth-protected-resource/mcp", guard.metadata());
//! # use tower::ServiceExt;
//! # let call = |token: Option<String>| {
//! #     let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"increment","arguments":{}}}"#;
//! #     let mut request = http::Request::post("http://localhost:8000/mcp").header("host", "localhost:8000")
//! #         .header("accept", "application/json, text/event-stream").header("content-type", "application/json");
//! #     if let Some(token) = token { request = request.header("authorization", format!("Bearer {token}")); }
//! #     app.clone().oneshot(request.body(axum::body::Body::from(body)).unwrap())
//! # };
//! # let token = |scope: &str| {
//! #     use auth_core::*;
//! #     let key = SigningKey::from_secret(&secret).unwrap();
//! #     let request = TokenRequest::new("alice".parse().unwrap(), "http://localhost:8000/mcp".parse().unwrap(),
//! #         TokenId::from_random([1; 16])).scopes(scope.parse().unwrap());
//! #     let issuer = TokenIssuer::new("http://localhost:8000".parse().unwrap(), key);
//! #     issuer.issue(&request, SystemClock.now()).unwrap().expose().to_owned()
//! # };
//! assert_eq!(call(None).await?.status(), 401);
//! assert_eq!(call(Some(token("Other"))).await?.status(), 403);
//! assert_eq!(call(Some(token("Count"))).await?.status(), 200);
//! assert_eq!(COUNT.load(Ordering::Relaxed), 1);
//! # Ok(()) }
//! ```
//!
//! # The way of a request
//!
//! | | step | refusal |
//! |---|---|---|
//! | 1 | `Host` and `Origin` ([`Guard::allow_host`], [`Guard::allow_origin`]); a preflight is answered here | 403 |
//! | 2 | exactly one bearer token, in the header; it is taken out here | 401 without an error code; 400 `invalid_request` |
//! | 3 | [`Authenticate`]: token → principal | 401 `invalid_token`; 403; 503 |
//! | 4 | the body: bounded in size, time, and memory that others need too; and read strictly | 405; 413; 503; 408; 400 |
//! | 5 | `Mcp-Method` and `Mcp-Name` may only agree with the body | 400 |
//! | 6 | [`Policy::decide`](auth_core::Policy::decide) on the body alone | 403, with every scope that is needed |
//! | 7 | the names of sessions, events and tasks are the caller's own | 404; a JSON-RPC error |
//! | 8 | no more streams at once than a caller may have ([`Guard::max_streams`]) | 429 |
//! | 9 | the server behind, with a [`Caller`] in the request's extensions | |
//! | 10 | its answer: lists and notifications are filtered, streams end when the caller may not go on | |
//!
//! # Invariants
//!
//! 1. No byte of the body is looked at before step 3 has passed, unless the policy calls something
//!    public; what is refused before is thrown away unseen, up to a bound, so that the connection can go
//!    on.
//! 2. The server behind sees the very bytes that were judged, and never the token.
//! 3. What the caller is told never depends on which check of the token failed.
//! 4. A panic of the server behind is the answer to its own request, and ends nothing else (for rmcp's
//!    handlers: `CatchPanic`).

mod answer;
mod authenticate;
mod caller;
mod catch_panic;
mod guard;
mod metadata;
mod observer;
mod ownership;
mod request;
mod request_id;
mod response;
#[cfg(feature = "rmcp")]
mod rmcp;
mod rules;
mod service;

pub use answer::guarded_body::GuardedBody;
#[cfg(feature = "discovery")]
pub use authenticate::{
    Address, AddressError, CertificateAuthorities, FetchError, FetchFault, IntrospectWhen,
    Introspection, IssuerClient, IssuerStatus, Issuers, IssuersError, Keyring, Location,
    OutboundError, Trust,
};
pub use authenticate::{
    Authenticate, AuthenticateError, InvalidToken, PeerAddress, Presented, TokenAuthenticator,
};
pub use caller::Caller;
#[cfg(feature = "rmcp")]
pub use catch_panic::CatchPanic;
pub use guard::Guard;
pub use metadata::MetadataService;
pub use observer::{AuditEvent, LogObserver, Observer, Outcome, RefusalKind};
pub use request::message::{MessageError, action_of};
pub use request_id::RequestId;
pub use rules::{Limits, MissingRulesError, Rules, RulesHandle};
pub use service::{GuardLayer, GuardService};
