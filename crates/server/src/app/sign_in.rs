//! The authorization server in this process.

use std::sync::Arc;

use auth_core::Clock;
use axum::{Router, extract::Request, middleware::map_request};
use bartizan::PeerAddress;
use directory::{AnyDirectory, authorization::AuthorizationStore};
use issuer::{AuthorizationServer, ServedResource};
use issuer_setup::{IssuerSetup, KeyAgreement, OpenIssuer};

use super::start_code::StartCode;
use crate::{
    admin::readiness::Failing,
    config::{local_issuer::LocalIssuer, settings::Config},
    failure::Failure,
    key_files::WatchedFolder,
};

/// The one that `config` describes, if there is to be one: for all of `resources`.
pub(super) async fn open(
    config: &Config,
    resources: Vec<ServedResource>,
    store: &AnyDirectory,
    clock: &Arc<dyn Clock>,
) -> Result<Option<OpenIssuer>, Failure> {
    let Some(local) = &config.local else { return Ok(None) };
    let Some(settings) = &local.sign_in else { return Ok(None) };
    let setup = IssuerSetup {
        issuer: local.issuer.clone(),
        resources,
        settings: settings.clone(),
        providers: config.providers.clone(),
        authorities: config.authorities.clone(),
    };
    Ok(Some(OpenIssuer::open(setup, store, clock).await?))
}

/// Its keys, for those that verify its tokens.
pub(super) fn watched(sign_in: &OpenIssuer, config: &Config) -> WatchedFolder {
    let others = config.local.as_ref().map(LocalIssuer::key_set).unwrap_or_default();
    WatchedFolder::new(sign_in.watch(), others)
}

/// What prints a code at start, if users sign in with codes.
pub(super) fn start_code(
    sign_in: &OpenIssuer,
    store: &AnyDirectory,
    clock: &Arc<dyn Clock>,
) -> Option<StartCode> {
    let config = sign_in.server.config();
    config.passwords.then(|| StartCode {
        issuer: config.issuer.clone(),
        store: AuthorizationStore::new(store.clone()),
        clock: Arc::clone(clock),
    })
}

/// What fails while a key of another node is missing, for `/readyz`.
pub(super) fn missing_key(agreement: &KeyAgreement) -> Option<Failing> {
    agreement.missing().map(|(key, since)| Failing {
        what: format!("the signing key {key} of another node is not here"),
        since: Some(since),
        affects_callers: true,
        reason: None,
    })
}

/// The routes of the authorization server, with the peer address as it knows it.
pub(super) fn routes(server: AuthorizationServer) -> Router {
    server.router().layer(map_request(|mut request: Request| async move {
        if let Some(PeerAddress(address)) = request.extensions().get::<PeerAddress>().copied() {
            request.extensions_mut().insert(issuer::PeerAddress(address));
        }
        request
    }))
}
