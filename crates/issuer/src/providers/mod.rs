//! Signing in through another identity provider: OpenID Connect, and GitHub.
//!
//! ```text
//! sign-in page ──POST /sign-in/with/NAME──► page that leads on ──► provider
//! provider ──GET /sign-in/callback/NAME──► code exchange ──► user, roles, session ──► /authorize
//! ```
//!
//! 1. The way to the provider begins with a form of the sign-in page, which names the client (MCP
//!    security best practices, "Confused deputy"). The client's consent follows in any case.
//! 2. What binds the answer to the browser is a sealed cookie (`flow`): `state`, `nonce` and the
//!    PKCE verifier are derived from it, on any node. It works once, for ten minutes, and at the
//!    provider that it was made for.
//! 3. The answer, the ID token and the user are judged by [`auth_core::openid`].
//! 4. Of the provider's tokens nothing is stored or given on. Tokens of this server have no claim
//!    of them.
//! 5. What the provider writes in an error is not shown; its code is in the log, escaped.
//! 6. At most 32 sign-ins wait for one provider at once. What it says of itself is kept (`kept`).
//!
//! **Invariant:** a session begins only for the user whom the provider confirmed for this sign-in
//! of this browser, and who is active here.

mod asking;
mod callback;
mod config;
mod fault;
mod flow;
mod github;
mod http;
mod kept;
mod metadata;
mod preset;
mod preset_values;
mod problem;
mod provider;
mod provision;
mod registry;
mod start;

use axum::{
    Router, middleware,
    routing::{get, post},
};
pub use config::{
    ClientAuthentication, ProviderConfigError, ProviderKind, SignInProvider, UnknownUsers,
};
pub(crate) use fault::ProviderFault;
pub(crate) use http::{NamedBy, ProviderClient};
pub(crate) use kept::Kept;
pub(crate) use metadata::{fetch_keys, unreachable};
pub use preset::{ProviderPreset, UnknownProviderPresetError};
pub(crate) use provision::{Found, Provisioning, provision_by};
pub use registry::{Providers, ProvidersError};

use crate::{AuthorizationServer, reporting};

/// The path below the issuer's where a sign-in begins.
pub(crate) fn forms() -> Router<AuthorizationServer> {
    Router::new().route("/sign-in/with/{name}", post(start::start))
}

/// The path to which the browser comes back: what it changes runs to its end, as a `POST` does.
pub(crate) fn callbacks(server: &AuthorizationServer) -> Router<AuthorizationServer> {
    let finished = middleware::from_fn_with_state(server.clone(), reporting::finish);
    Router::new().route("/sign-in/callback/{name}", get(callback::callback).layer(finished))
}
