//! The authorization server, opened: its keys, its tables, its configuration.

use std::sync::Arc;

use auth_core::{Algorithm, Clock, FailureChange, Issuer, JobHealth, display::chain};
use directory::{AnyDirectory, Shared};
use issuer::{
    AssertionProviders, AuthorizationServer, IssuerConfig, Lifetimes, ServedResource,
    providers::Providers,
};
use outbound::CertificateAuthorities;
use settings::{SignInSettings, key_folder::KeyFolder};
use tokio::time::{Duration, interval};
use tokio_util::sync::CancellationToken;

use crate::{FolderWatch, KeyAgreement, ProviderSections, SetupError};

/// How often what is over is removed.
const PRUNING: Duration = Duration::from_mins(10);

/// The algorithm of the keys that are made on first use.
pub const KEY_ALGORITHM: Algorithm = Algorithm::Es256;

/// What an authorization server is to be.
#[derive(Debug)]
pub struct IssuerSetup {
    /// Its name.
    pub issuer: Issuer,
    /// The resources that its tokens are for, each with its name and its policy.
    pub resources: Vec<ServedResource>,
    /// Its settings.
    pub settings: SignInSettings,
    /// The identity providers.
    pub providers: ProviderSections,
    /// Certificate authorities besides the system's, for what it fetches.
    pub authorities: CertificateAuthorities,
}

/// An authorization server that is ready, and what it needs in the background. Its clones are the
/// same.
#[derive(Clone)]
pub struct OpenIssuer {
    /// What answers.
    pub server: AuthorizationServer,
    issuer: Issuer,
    folder: Arc<KeyFolder>,
    agreement: KeyAgreement,
    pruning: JobHealth,
    clock: Arc<dyn Clock>,
}

impl OpenIssuer {
    /// Opens it on the tables of `store`. Its first key is made now.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if its keys or the directory cannot be used, or its providers not together.
    pub async fn open(
        setup: IssuerSetup,
        store: &AnyDirectory,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let path = &setup.settings.key_folder;
        let folder =
            KeyFolder::open_or_make(path, KEY_ALGORITHM, clock.now()).map_err(|fault| {
                let path = path.display();
                SetupError::Keys(format!("SIGNING_KEYS {path}: {fault}. Choose another folder"))
            })?;
        let folder = Arc::new(folder);
        warn_of_short_lives(&folder, &setup.settings, clock.as_ref());
        let issuer = setup.issuer.clone();
        let shared = Shared::new(store.clone());
        let agreement =
            KeyAgreement::reached(shared, Arc::clone(&folder), Arc::clone(clock)).await?;
        let authorities = setup.authorities.clone();
        let server = AuthorizationServer::open(
            config(setup)?,
            store.clone(),
            Arc::clone(&folder) as _,
            authorities,
            Arc::clone(clock),
        );
        let server = server.await?;
        let pruning = JobHealth::new("removing old authorizations");
        Ok(Self { server, issuer, folder, agreement, pruning, clock: Arc::clone(clock) })
    }

    /// Its keys, which change.
    #[must_use]
    pub fn watch(&self) -> FolderWatch {
        FolderWatch::new(self.issuer.clone(), Arc::clone(&self.folder))
    }

    /// Whether this node has the keys of the others.
    #[must_use]
    pub fn agreement(&self) -> KeyAgreement {
        self.agreement.clone()
    }

    /// Whether what is over can be removed.
    #[must_use]
    pub fn health(&self) -> JobHealth {
        self.pruning.clone()
    }

    /// Removes what is over every `PRUNING`, until `stop` is cancelled.
    pub async fn prune(self, stop: CancellationToken) {
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
                    let error = chain(&error);
                    if self.pruning.failed(&error, self.clock.now()) != FailureChange::Same {
                        tracing::warn!(%error, "Old authorizations cannot be removed");
                    }
                }
            }
        }
    }
}

/// A rotation that keeps keys for less time than tokens are to live shortens the tokens.
fn warn_of_short_lives(folder: &KeyFolder, settings: &SignInSettings, clock: &dyn Clock) {
    let keys = folder.keys();
    let longest = keys.signing(clock.now()).map(|(_, longest)| longest);
    if let Some(longest) = longest.filter(|longest| *longest < settings.access_lifetime) {
        tracing::warn!(
            seconds = longest.as_secs(),
            "Access tokens live shorter than ACCESS_TOKEN_MINUTES: the keys were rotated with a shorter --max-ttl"
        );
    }
}

/// What the authorization server is configured to do.
fn config(setup: IssuerSetup) -> Result<IssuerConfig, SetupError> {
    let IssuerSetup { issuer, resources, settings, providers, authorities } = setup;
    let fault = |fault: &dyn std::fmt::Display| SetupError::Settings(vec![fault.to_string()]);
    let assertions = AssertionProviders::new(providers.assertions, &authorities);
    let providers = Providers::new(providers.sign_in, &authorities);
    let lifetimes = Lifetimes {
        access_token: settings.access_lifetime,
        refresh_idle: settings.refresh_idle,
        ..Lifetimes::default()
    };
    let defaults = IssuerConfig::new(issuer, resources);
    Ok(IssuerConfig {
        lifetimes,
        providers: providers.map_err(|error| fault(&error))?,
        assertion_providers: assertions.map_err(|error| fault(&error))?,
        registration: settings.registration.is_some(),
        max_clients: settings.registration.map_or(0, |it| it.most),
        registrations_per_minute: settings.registration.map_or(0, |it| it.per_minute),
        metadata_documents: settings.client_documents,
        passwords: settings.passwords,
        second_factor_roles: settings.second_factor_roles,
        ..defaults
    })
}
