//! The metadata document (RFC 8414) and the key set (RFC 7517 §5).
//!
//! Clients look for the metadata at the root, at the path of the resource behind the well-known
//! name, and below the path of the resource; it is the same document.

use std::collections::BTreeSet;

use auth_core::{
    ScopeSet, VerifyingKey,
    oauth::{ServerFeatures, ServerMetadata},
};
use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    AuthorizationServer, IssuerConfig,
    respond::{self, Refusal},
};

/// How long documents may be cached: a new key is published long before it signs.
const CACHE: HeaderValue = HeaderValue::from_static("max-age=300");

/// Where the metadata is.
pub(crate) fn paths(config: &IssuerConfig) -> BTreeSet<String> {
    let own = ServerMetadata::path(config.base_path());
    let well_known = ServerMetadata::path("");
    let of_resources = config.resources.iter().flat_map(|resource| {
        let path = resource.uri.path().trim_end_matches('/').to_owned();
        [ServerMetadata::path(&path), format!("{path}{well_known}")]
    });
    of_resources.chain([own]).collect()
}

/// `GET /.well-known/oauth-authorization-server`
pub(crate) async fn document(State(server): State<AuthorizationServer>) -> Response {
    let config = server.config();
    let scopes = config.resources.iter().fold(ScopeSet::empty(), |all, resource| {
        all.union(&resource.policy.current().requestable_scopes())
    });
    let grants: Vec<_> = config.grant_types().into_iter().collect();
    let features = ServerFeatures {
        scopes: &scopes,
        grants: &grants,
        registration: config.registration,
        metadata_documents: config.metadata_documents,
        id_jag: config.accepts_id_jags(),
    };
    let mut response =
        respond::json(StatusCode::OK, &ServerMetadata::new(&config.issuer, &features));
    response.headers_mut().insert(header::CACHE_CONTROL, CACHE);
    response
}

/// `GET /jwks.json`
pub(crate) async fn key_set(
    State(server): State<AuthorizationServer>,
) -> Result<Response, Refusal> {
    let keys = server.keys().published()?;
    let keys: Vec<_> = keys.iter().filter_map(VerifyingKey::to_jwk).collect();
    let mut response = respond::json(StatusCode::OK, &json!({ "keys": keys }));
    response.headers_mut().insert(header::CACHE_CONTROL, CACHE);
    Ok(response)
}
