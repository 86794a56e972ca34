//! The job that has a certificate, and renews it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Clock, JobHealth};
use instant_acme::{Account, Error, NewAccount};
use listener::{Certificate, Tls};
use tls_setup::{InForce, date};
use tokio_util::sync::CancellationToken;

use super::{
    AcmeConfig,
    error::AcmeError,
    http::Client,
    order::{Issued, order},
    schedule::{until_renewal, until_retry},
    store::Store,
};
use crate::{
    admin::readiness::{Failing, Readiness},
    random::random,
};

/// How long one attempt may take, in all.
const ATTEMPT: Duration = Duration::from_mins(5);

/// What is said of a certificate that is kept and does not serve.
const UNUSABLE: &str = "The certificate that is kept cannot be used: another one is ordered";

/// Keeps a certificate by ACME.
pub(crate) struct AcmeJob {
    config: AcmeConfig,
    in_force: InForce,
    clock: Arc<dyn Clock>,
    health: JobHealth,
    /// A certificate that is in force and could not be kept yet.
    unkept: Mutex<Option<Issued>>,
}

impl AcmeJob {
    /// Puts the certificate that is kept in force, if there is one.
    pub(crate) fn new(config: AcmeConfig, in_force: InForce, clock: Arc<dyn Clock>) -> Self {
        let health = JobHealth::new("the order of a certificate");
        let job = Self { config, in_force, clock, health, unkept: Mutex::new(None) };
        match Store::at(&job.config.folder).certificate(&job.config.name) {
            Ok(Some(certificate)) => {
                if let Err(error) = job.put_in_force(&certificate) {
                    job.failed(&error, UNUSABLE);
                }
                // It serves until it is renewed, so there is time to say this.
                if let Err(error) = Store::open(&job.config.folder) {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::warn!(error, "The certificate cannot be renewed");
                }
            }
            Ok(None) => tracing::info!(
                name = job.config.name,
                "There is no certificate yet: one is ordered, and no one is served until it is here"
            ),
            Err(error) => job.failed(&error, UNUSABLE),
        }
        job
    }

    /// What speaks TLS with the certificate.
    pub(crate) fn tls(&self) -> Tls {
        self.in_force.tls()
    }

    /// Lets `/readyz` say what fails.
    pub(crate) fn add_to(&self, readiness: &Readiness) {
        readiness.add_job(self.health.clone());
        let (expiry, clock) = (self.in_force.expiry(), Arc::clone(&self.clock));
        readiness.add(move || {
            let what = "there is no TLS certificate yet".to_owned();
            let is_missing = expiry.age(clock.now()).is_none();
            is_missing.then_some(Failing { what, since: None, affects_callers: true, reason: None })
        });
    }

    /// Orders and renews, until `stop` is cancelled.
    pub(crate) async fn run(self, stop: CancellationToken) {
        self.repeat(|| self.renew(), &stop).await;
    }

    /// Makes an attempt each time that one is due. Between two there is the time of the first retry
    /// at least, whatever the clock and the certificate say.
    async fn repeat<F>(&self, attempt: impl Fn() -> F, stop: &CancellationToken)
    where
        F: Future<Output = Result<(), AcmeError>>,
    {
        let (mut failures, mut least) = (0_u32, Duration::ZERO);
        loop {
            let random = by_chance();
            let wait = match failures {
                0 => self.until_renewal(random).max(least),
                _ => until_retry(failures, random),
            };
            least = until_retry(1, random);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            let attempt = tokio::time::timeout(ATTEMPT, attempt());
            let renewed = tokio::select! {
                renewed = attempt => renewed.unwrap_or(Err(Error::Timeout(None).into())),
                () = stop.cancelled() => return,
            };
            match renewed.and_then(|()| self.check_is_lasting()) {
                Ok(()) => {
                    failures = 0;
                    self.health.succeeded();
                    tracing::info!(name = self.config.name, "A new certificate is in force");
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.failed(&error, error.summary());
                }
            }
        }
    }

    fn until_renewal(&self, random: u16) -> Duration {
        let now = self.clock.now();
        let Some((_, validity)) = self.in_force.expiry().age(now) else { return Duration::ZERO };
        until_renewal(validity, now.as_secs().unsigned_abs(), random)
    }

    /// Whether the certificate in force is one to wait with. If it is due as soon as it is here,
    /// the clock is wrong, or the authority issues none that last.
    fn check_is_lasting(&self) -> Result<(), AcmeError> {
        match self.in_force.expiry().age(self.clock.now()) {
            Some((_, validity)) if self.until_renewal(0).is_zero() => Err(AcmeError::DueAtOnce {
                begins: date(validity.not_before),
                ends: date(validity.not_after),
            }),
            _ => Ok(()),
        }
    }

    async fn renew(&self) -> Result<(), AcmeError> {
        let store = Store::open(&self.config.folder)?;
        let unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(issued) = unkept {
            return self.keep(&store, issued);
        }
        let account = self.account(&store).await?;
        let issued = order(&account, &self.config.name, &self.in_force.tls()).await?;
        self.accept(&store, issued)
    }

    /// Puts what was issued in force, and keeps it. A full disk takes no certificate away.
    fn accept(&self, store: &Store, issued: Issued) -> Result<(), AcmeError> {
        self.put_in_force(&issued.certificate(&self.config.name)?)?;
        self.keep(store, issued)
    }

    fn keep(&self, store: &Store, issued: Issued) -> Result<(), AcmeError> {
        let kept = store.keep(&issued);
        if kept.is_err() {
            *self.unkept.lock().unwrap_or_else(PoisonError::into_inner) = Some(issued);
        }
        kept
    }

    /// The account that is kept, or a new one.
    async fn account(&self, store: &Store) -> Result<Account, AcmeError> {
        let AcmeConfig { directory, contact, authorities, .. } = &self.config;
        let client = Client::new(authorities.clone());
        let client = client.map_err(|error| Error::Other(Box::new(error)))?;
        let builder = Account::builder_with_http(Box::new(client));
        if let Some(kept) = store.account(directory)? {
            return match builder.from_credentials(kept).await {
                Err(Error::KeyRejected | Error::Crypto) => Err(store.unusable_account(directory)),
                account => Ok(account?),
            };
        }
        let contact: Vec<_> = contact.iter().map(|contact| format!("mailto:{contact}")).collect();
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (account, credentials) = builder.create(&new, directory.clone(), None).await?;
        store.keep_account(directory, &credentials)?;
        Ok(account)
    }

    fn put_in_force(&self, certificate: &Certificate) -> Result<(), AcmeError> {
        Ok(self.in_force.put_certificate(certificate)?)
    }

    fn failed(&self, error: &AcmeError, summary: &str) {
        self.health.failed(error, self.clock.now());
        let error: &(dyn std::error::Error + 'static) = error;
        tracing::warn!(error, name = self.config.name, "{summary}");
    }
}

/// A number by chance; without randomness the middle.
fn by_chance() -> u16 {
    random().map_or(u16::MAX / 2, u16::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bartizan::CertificateAuthorities;
    use instant_acme::AccountCredentials;
    use listener::Validity;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use testkit::ManualClock;

    use super::{
        super::fake::{Authority, Outcome},
        *,
    };

    const NOW: i64 = 1_767_225_600;

    fn job(folder: &std::path::Path) -> AcmeJob {
        let config = AcmeConfig {
            directory: "http://127.0.0.1:9/dir".into(),
            contact: None,
            folder: folder.join("acme"),
            name: "localhost".into(),
            authorities: CertificateAuthorities::default(),
        };
        AcmeJob::new(config, InForce::default(), ManualClock::at(NOW))
    }

    /// A certificate that is valid for this time.
    fn certificate(Validity { not_before, not_after }: Validity) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let at = |secs| date_time_ymd(1970, 1, 1) + Duration::from_secs(secs);
        (params.not_before, params.not_after) = (at(not_before), at(not_after));
        let chain = params.self_signed(&key).unwrap().pem();
        Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    /// How many attempts begin in this time, if each ends with `attempt`.
    async fn attempts_in(
        time: Duration,
        job: &AcmeJob,
        attempt: impl Fn() -> Result<(), AcmeError>,
    ) -> u32 {
        let (count, stop) = (Cell::new(0), CancellationToken::new());
        let counted = || {
            count.set(count.get() + 1);
            std::future::ready(attempt())
        };
        let _ = tokio::time::timeout(time, job.repeat(counted, &stop)).await;
        count.get()
    }

    #[tokio::test(start_paused = true)]
    async fn orders_do_not_follow_one_another_where_each_certificate_is_due_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let now = NOW.unsigned_abs();
        // The clock is ahead; the certificate has a time that is too short; a moment is left.
        for (validity, in_an_hour) in [
            (Validity { not_before: now - 9000, not_after: now - 1000 }, 5),
            (Validity { not_before: now - 60, not_after: now }, 5),
            (Validity { not_before: now - 60, not_after: now + 33 }, 30),
        ] {
            let job = job(folder.path());
            let issue = || job.put_in_force(&certificate(validity));
            let hour = Duration::from_hours(1);
            let attempts = attempts_in(hour, &job, issue).await;
            assert!((1..=in_an_hour).contains(&attempts), "{validity:?}: {attempts}");
            let failure = job.health.failure().map(|failure| failure.error);
            let is_due = in_an_hour == 5;
            assert_eq!(failure.is_some_and(|it| it.contains("check the clock")), is_due);
        }
    }

    #[tokio::test]
    async fn nothing_is_asked_of_the_authority_while_its_answer_cannot_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("acme"), "no folder").unwrap();
        let fault = job(folder.path()).renew().await.unwrap_err();
        assert!(matches!(fault, AcmeError::Folder { .. }), "{fault}");
    }

    #[tokio::test]
    async fn a_certificate_that_cannot_be_kept_serves_and_is_kept_later_without_another_order() {
        let folder = tempfile::tempdir().unwrap();
        let (job, store) = (job(folder.path()), Store::open(&folder.path().join("acme")).unwrap());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem().into());
        let in_the_way = folder.path().join("acme/certificate.pem");
        std::fs::create_dir(&in_the_way).unwrap();
        let fault = job.accept(&store, Issued { chain, key }).unwrap_err();
        assert!(matches!(fault, AcmeError::NotKept { .. }), "{fault}");
        assert!(job.in_force.expiry().age(job.clock.now()).is_some(), "it is in force");
        let again = job.renew().await.unwrap_err();
        assert!(matches!(again, AcmeError::NotKept { .. }), "{again}");
        // The authority cannot be reached here, so an order would fail.
        std::fs::remove_dir(&in_the_way).unwrap();
        job.renew().await.unwrap();
        assert!(store.certificate("localhost").unwrap().is_some());
        assert!(matches!(job.renew().await, Err(AcmeError::Authority(_))), "it is kept once");
    }

    #[tokio::test]
    async fn an_account_whose_key_cannot_be_used_is_named_and_no_other_one_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::start(Outcome::NeverReady).await;
        let mut job = job(folder.path());
        job.config.directory = authority.directory();
        let store = Store::open(&job.config.folder).unwrap();
        let kept = serde_json::json!({
            "id": "x", "key_pkcs8": "AAAA", "directory": authority.directory(),
        });
        let kept: AccountCredentials = serde_json::from_str(&kept.to_string()).unwrap();
        store.keep_account(&authority.directory(), &kept).unwrap();
        let fault = job.renew().await.unwrap_err();
        assert!(matches!(fault, AcmeError::Account(_)), "{fault}");
        assert!(!authority.was_asked("/new-account"));
    }

    #[test]
    fn what_failed_is_said_of_the_attempt() {
        let summary = |error: AcmeError| error.summary();
        let source = || std::io::Error::other("full");
        let not_kept = AcmeError::NotKept { path: "x".into(), source: source() };
        assert!(summary(not_kept).ends_with("could not be kept"));
        let due = AcmeError::DueAtOnce { begins: String::new(), ends: String::new() };
        assert!(summary(due).ends_with("is due already"));
        let folder = AcmeError::Folder { path: "x".into(), source: source() };
        assert_eq!(summary(folder), "No certificate could be ordered");
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_that_lasts_is_ordered_once() {
        let folder = tempfile::tempdir().unwrap();
        let (job, now) = (job(folder.path()), NOW.unsigned_abs());
        let issue = || {
            let validity = Validity { not_before: now, not_after: now + 90 * 24 * 3600 };
            job.put_in_force(&certificate(validity))
        };
        assert_eq!(attempts_in(Duration::from_hours(24), &job, issue).await, 1);
        assert_eq!(job.health.failure(), None);
    }
}
