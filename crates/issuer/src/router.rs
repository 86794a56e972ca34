//! The routes.
//!
//! 1. The endpoints for programs answer every origin ([`cors`]), the pages none.
//! 2. What cannot be answered now is JSON for programs, and a page for people.
//! 3. What changes something is refused while it could not be recorded, and runs to its end also
//!    where the caller disconnects ([`reporting`]).
//! 4. An unknown path is a plain 404, another method a 405 with `Allow` (RFC 9110 §15.5.6).

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::{
    AuthorizationServer, account, authorize, cors, device, introspect, metadata, pages, providers,
    register, reporting, respond, revoke, sign_in, token,
};

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
        let config = self.config();
        let base = config.base_path().to_owned();
        let mut documents = Router::new();
        for path in metadata::paths(config) {
            documents = documents.route(&path, get(metadata::document));
        }
        let documents = documents.route_layer(middleware::from_fn(cors::any_origin));

        let mut for_programs = Router::new()
            .route("/jwks.json", get(metadata::key_set))
            .route("/token", post(token::endpoint))
            .route("/device_authorization", post(device::begin))
            .route("/revoke", post(revoke::endpoint));
        if config.registration {
            for_programs = for_programs.route("/register", post(register::endpoint));
        }
        let recordable = middleware::from_fn_with_state(self.clone(), reporting::require_record);
        let finished = middleware::from_fn_with_state(self.clone(), reporting::finish_post);
        let for_programs = for_programs
            .route_layer(recordable.clone())
            .route_layer(finished.clone())
            .route("/introspect", post(introspect::endpoint))
            .route_layer(middleware::from_fn(cors::any_origin));

        let as_page = middleware::map_response_with_state(self.clone(), respond::as_page);
        let finished_any = middleware::from_fn_with_state(self.clone(), reporting::finish);
        let decide = post(authorize::decide).layer(finished_any).layer(as_page.clone());
        let for_people = sign_in::routes()
            .merge(account::routes())
            .merge(device::pages())
            .merge(providers::forms())
            .route_layer(recordable)
            .route_layer(finished)
            .merge(providers::callbacks(&self))
            .route_layer(as_page.clone())
            // Some programs ask it, too: it answers each in its form.
            .route("/authorize", get(authorize::show).merge(decide))
            .route("/style.css", get(pages::style));

        let endpoints = for_programs.merge(for_people);
        let endpoints =
            if base.is_empty() { endpoints } else { Router::new().nest(&base, endpoints) };
        endpoints.merge(documents).with_state(self)
    }
}
