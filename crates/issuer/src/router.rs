//! The routes.

use axum::{Router, routing::get};

use crate::{AuthorizationServer, metadata};

/// The paths below the issuer's that belong to the authorization server: no resource may be there.
pub const OWN_PATHS: [&str; 14] = [
    "/authorize",
    "/token",
    "/register",
    "/device_authorization",
    "/revoke",
    "/introspect",
    "/jwks.json",
    "/sign-in",
    "/sign-out",
    "/device",
    "/account",
    "/style.css",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

impl AuthorizationServer {
    /// Every route, at the paths of the issuer.
    pub fn router(self) -> Router {
        let base = self.config().base_path().to_owned();
        let endpoints = Router::new().route("/jwks.json", get(metadata::key_set));
        let mut router =
            if base.is_empty() { endpoints } else { Router::new().nest(&base, endpoints) };
        for path in metadata::paths(self.config()) {
            router = router.route(&path, get(metadata::document));
        }
        router.with_state(self)
    }
}
