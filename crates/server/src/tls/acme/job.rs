//! The job that has a certificate, and renews it.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, JobHealth};
use instant_acme::{Account, Error, NewAccount};
use listener::{Certificate, ClientAuthorities, Tls};
use tokio_util::sync::CancellationToken;

use super::{
    AcmeConfig,
    error::AcmeError,
    http::Client,
    order::order,
    schedule::{until_renewal, until_retry},
    store::Store,
};
use crate::{
    admin::readiness::{Failing, Readiness},
    tls::expiry::Expiry,
};

/// How long one attempt may take, in all.
const ATTEMPT: Duration = Duration::from_mins(5);

/// Keeps a certificate by ACME.
pub(crate) struct AcmeJob {
    config: AcmeConfig,
    clients: Option<ClientAuthorities>,
    tls: Tls,
    expiry: Expiry,
    clock: Arc<dyn Clock>,
    health: JobHealth,
}

impl AcmeJob {
    /// Puts the certificate that is kept in force, if there is one.
    pub(crate) fn new(
        config: AcmeConfig,
        clients: Option<ClientAuthorities>,
        expiry: Expiry,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (tls, health) =
            (Tls::without_certificate(), JobHealth::new("the order of a certificate"));
        let job = Self { config, clients, tls, expiry, clock, health };
        match Store::open(&job.config.folder).and_then(|it| it.certificate(&job.config.name)) {
            Ok(Some(certificate)) => {
                if let Err(error) = job.put_in_force(&certificate) {
                    job.failed(&error);
                }
            }
            Ok(None) => tracing::info!(
                name = job.config.name,
                "There is no certificate yet: one is ordered, and no one is served until it is here"
            ),
            Err(error) => job.failed(&error),
        }
        job
    }

    /// What speaks TLS with the certificate.
    pub(crate) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Lets `/readyz` say what fails.
    pub(crate) fn add_to(&self, readiness: &Readiness) {
        readiness.add_job(self.health.clone());
        let (expiry, clock) = (self.expiry.clone(), Arc::clone(&self.clock));
        readiness.add(move || {
            let what = "there is no TLS certificate yet".to_owned();
            let is_missing = expiry.age(clock.now()).is_none();
            is_missing.then_some(Failing { what, since: None, affects_callers: true })
        });
    }

    /// Orders and renews, until `stop` is cancelled.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut failures = 0_u32;
        loop {
            let random = random();
            let wait = if failures > 0 {
                until_retry(failures, random)
            } else {
                self.until_renewal(random)
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            let attempt = tokio::time::timeout(ATTEMPT, self.renew());
            let renewed = tokio::select! {
                renewed = attempt => renewed.unwrap_or(Err(Error::Timeout(None).into())),
                () = stop.cancelled() => return,
            };
            match renewed {
                Ok(()) => {
                    failures = 0;
                    self.health.succeeded();
                    tracing::info!(name = self.config.name, "A new certificate is in force");
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.failed(&error);
                }
            }
        }
    }

    fn until_renewal(&self, random: u16) -> Duration {
        let now = self.clock.now();
        let Some((_, validity)) = self.expiry.age(now) else { return Duration::ZERO };
        until_renewal(validity, now.as_secs().unsigned_abs(), random)
    }

    async fn renew(&self) -> Result<(), AcmeError> {
        let store = Store::open(&self.config.folder)?;
        let account = self.account(&store).await?;
        let issued = order(&account, &self.config.name, &self.tls).await?;
        self.put_in_force(&store.keep(&issued, &self.config.name)?)
    }

    /// The account that is kept, or a new one.
    async fn account(&self, store: &Store) -> Result<Account, AcmeError> {
        let AcmeConfig { directory, contact, authorities, .. } = &self.config;
        let client = Client::new(authorities.clone());
        let client = client.map_err(|error| Error::Other(Box::new(error)))?;
        let builder = Account::builder_with_http(Box::new(client));
        if let Some(kept) = store.account(directory)? {
            let credentials = serde_json::from_str(&kept).map_err(Error::Json)?;
            return Ok(builder.from_credentials(credentials).await?);
        }
        let contact: Vec<_> = contact.iter().map(|contact| format!("mailto:{contact}")).collect();
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (account, credentials) = builder.create(&new, directory.clone(), None).await?;
        let text = serde_json::to_string(&credentials).map_err(Error::Json)?;
        store.keep_account(directory, &text)?;
        Ok(account)
    }

    fn put_in_force(&self, certificate: &Certificate) -> Result<(), AcmeError> {
        self.tls.replace(certificate, self.clients.as_ref())?;
        self.expiry.set(certificate.validity());
        Ok(())
    }

    fn failed(&self, error: &AcmeError) {
        self.health.failed(error, self.clock.now());
        let error: &(dyn std::error::Error + 'static) = error;
        tracing::warn!(error, name = self.config.name, "No certificate could be ordered");
    }
}

/// A number by chance; without randomness the middle.
fn random() -> u16 {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_or(u16::MAX / 2, |()| u16::from_le_bytes(bytes))
}
