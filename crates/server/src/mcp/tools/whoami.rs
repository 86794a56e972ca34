//! `whoami`: the identity of the caller, with the token's scopes and the roles that bound them.

use auth_core::{Ceiling, Principal};
use schemars::JsonSchema;
use serde::Serialize;

/// The caller, as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct WhoAmI {
    /// `sub`: who you are, within your issuer.
    subject: String,
    /// `iss`: who issued your token.
    issuer: String,
    /// Your name on this server.
    name: Option<String>,
    /// `client_id`: through which client you call.
    client_id: Option<String>,
    /// The scopes of your token.
    scopes: Vec<String>,
    /// Your roles on this server: they bound what your token can grant.
    roles: Vec<String>,
    /// `exp`: when your token expires, in seconds since 1970-01-01T00:00:00Z.
    expires_at: i64,
}

/// Describes `principal`.
pub(crate) fn whoami(principal: &Principal) -> WhoAmI {
    let roles = match principal.ceiling() {
        Ceiling::Roles(roles) => roles.iter().map(ToString::to_string).collect(),
        Ceiling::IssuerDecides => Vec::new(),
    };
    WhoAmI {
        subject: principal.subject().to_string(),
        issuer: principal.issuer().to_string(),
        name: principal.display_name().map(str::to_owned),
        client_id: principal.client_id().map(ToString::to_string),
        scopes: principal.scopes().iter().map(ToString::to_string).collect(),
        roles,
        expires_at: principal.expires_at().as_secs(),
    }
}
