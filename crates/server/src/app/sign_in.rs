//! The authorization server in this process: its keys, its tables, its routes.

use std::sync::Arc;

use auth_core::{Algorithm, Clock, FailureChange, Issuer, JobHealth};
use axum::{Router, extract::Request, middleware::map_request};
use bartizan::PeerAddress;
use directory::{AnyDirectory, Shared, authorization::AuthorizationStore};
use issuer::{
    AssertionProviders, AuthorizationServer, IssuerConfig, Lifetimes, ServedResource,
    providers::Providers,
};
use settings::{SignInSettings, key_folder::KeyFolder};
use tokio::time::{Duration, interval};
use tokio_util::sync::CancellationToken;

use super::{nodes::KeyAgreement, start_code::StartCode};
use crate::{
    config::{
        local_issuer::LocalIssuer,
        settings::{Config, ConfigError},
    },
    failure::Failure,
    key_files::WatchedFolder,
    mcp::server::SERVER_NAME,
};

/// How often what is over is removed.
const PRUNING: Duration = Duration::from_mins(10);

/// The authorization server in this process.
pub(crate) struct SignIn {
    pub(crate) server: AuthorizationServer,
    issuer: Issuer,
    folder: Arc<KeyFolder>,
    agreement: KeyAgreement,
    pruning: JobHealth,
    clock: Arc<dyn Clock>,
    store: AnyDirectory,
}

impl SignIn {
    /// The one that `config` describes, if there is to be one. Its first key is made now.
    pub(crate) async fn open(
        config: &Config,
        store: &AnyDirectory,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Self>, Failure> {
        let Some(local) = &config.local else { return Ok(None) };
        let Some(settings) = &local.sign_in else { return Ok(None) };
        let path = &settings.key_folder;
        let folder =
            KeyFolder::open_or_make(path, Algorithm::Es256, clock.now()).map_err(|fault| {
                let (path, off) = (path.display(), "SIGN_IN=off");
                let text = format!(
                    "SIGNING_KEYS {path}: {fault}. Choose another folder, or set {off} if tokens come from elsewhere"
                );
                ConfigError(vec![text])
            })?;
        let folder = Arc::new(folder);
        let issuer = local.issuer.clone();
        let shared = Shared::new(store.clone());
        let agreement =
            KeyAgreement::reached(shared, Arc::clone(&folder), Arc::clone(clock)).await?;
        let wanted = issuer_config(config, issuer.clone(), settings)?;
        let server = AuthorizationServer::open(
            wanted,
            store.clone(),
            Arc::clone(&folder) as _,
            config.authorities.clone(),
            Arc::clone(clock),
        );
        let server = server.await?;
        let pruning = JobHealth::new("removing old authorizations");
        let (clock, store) = (Arc::clone(clock), store.clone());
        Ok(Some(Self { server, issuer, folder, agreement, pruning, clock, store }))
    }

    /// Its keys, for those that verify its tokens.
    pub(crate) fn watched(&self, config: &Config) -> WatchedFolder {
        let others = config.local.as_ref().map(LocalIssuer::key_set).unwrap_or_default();
        WatchedFolder::new(self.issuer.clone(), Arc::clone(&self.folder), others)
    }

    /// What prints a code at start, if users sign in with codes.
    pub(crate) fn start_code(&self) -> Option<StartCode> {
        self.server.config().passwords.then(|| StartCode {
            issuer: self.issuer.clone(),
            store: AuthorizationStore::new(self.store.clone()),
            clock: Arc::clone(&self.clock),
        })
    }

    /// Whether this node has the keys of the others.
    pub(crate) fn agreement(&self) -> KeyAgreement {
        self.agreement.clone()
    }

    /// Whether what is over can be removed.
    pub(crate) fn health(&self) -> JobHealth {
        self.pruning.clone()
    }

    /// Removes what is over every [`PRUNING`], until `stop` is cancelled.
    pub(crate) async fn prune(self, stop: CancellationToken) {
        let mut interval = interval(PRUNING);
        // The first tick is now: it is left for a start that is not delayed.
        interval.reset();
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = stop.cancelled() => return,
            }
            match self.server.prune().await {
                Ok(()) => {
                    if self.pruning.succeeded() {
                        tracing::info!("Old authorizations are removed again");
                    }
                }
                Err(error) => {
                    if self.pruning.failed(&error, self.clock.now()) != FailureChange::Same {
                        tracing::warn!(%error, "Old authorizations cannot be removed");
                    }
                }
            }
        }
    }
}

/// What the authorization server is configured to do.
fn issuer_config(
    config: &Config,
    issuer: Issuer,
    settings: &SignInSettings,
) -> Result<IssuerConfig, ConfigError> {
    let fault = |fault: &dyn std::fmt::Display| ConfigError(vec![fault.to_string()]);
    let sections = &config.providers;
    let providers = Providers::new(sections.sign_in.clone(), &config.authorities);
    let assertions = AssertionProviders::new(sections.assertions.clone(), &config.authorities);
    let resource = ServedResource {
        uri: config.resource.clone(),
        name: SERVER_NAME.to_owned(),
        policy: Arc::new(config.policy.clone()),
    };
    let lifetimes = Lifetimes {
        access_token: settings.access_lifetime,
        refresh_idle: settings.refresh_idle,
        ..Lifetimes::default()
    };
    let defaults = IssuerConfig::new(issuer, vec![resource]);
    Ok(IssuerConfig {
        lifetimes,
        providers: providers.map_err(|error| fault(&error))?,
        assertion_providers: assertions.map_err(|error| fault(&error))?,
        registration: settings.registration.is_some(),
        max_clients: settings.registration.map_or(0, |it| it.most),
        registrations_per_minute: settings.registration.map_or(0, |it| it.per_minute),
        metadata_documents: settings.client_documents,
        passwords: settings.passwords,
        second_factor_roles: settings.second_factor_roles.clone(),
        ..defaults
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
