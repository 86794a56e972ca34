//! What lasts as long as the process: the directory, the sessions, the authorization server, the
//! audit log, the metrics, and the jobs that keep them.

use std::sync::Arc;

use audit_log::WriteFailure;
use audit_setup::{AuditCopy, OpenAudit, SignInRecords, Writer};
use auth_core::Clock;
use directory::{AnyDirectory, CacheSettings, CachedDirectory, Shared};
use issuer::ServedResource;
use issuer_setup::OpenIssuer;
use limits_store::{LimitsStore, StoreAnswers};
use metrics::Metrics;
use settings::fresh_secret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use traces::Traces;

use super::{rates::ResourceRates, sign_in, start_code::StartCode};
use crate::{
    admin::{
        readiness::{Failing, Readiness},
        readings,
    },
    config::{limits_store::LimitsStoreConfig, settings::Config},
    failure::Failure,
    mcp::sessions::Sessions,
    telemetry::{log, traces::Tracing},
};

/// What lasts as long as the process.
pub(crate) struct Foundation {
    /// The users.
    pub(crate) directory: Arc<CachedDirectory<AnyDirectory>>,
    /// The sessions of the demo server, if clients have any.
    pub(super) sessions: Option<Sessions>,
    /// The authorization server in this process, if there is one.
    pub(super) sign_in: Option<OpenIssuer>,
    /// What callers have spent of their rates.
    pub(super) rates: ResourceRates,
    /// Where several nodes count rates together, if they do.
    pub(super) limits_store: Option<LimitsStore>,
    /// The audit log, if there is one: to be closed at the end.
    pub(crate) audit: Option<OpenAudit>,
    /// Counts what happens, if an operator can ask for it.
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// What fails, for `/readyz`.
    pub(crate) readiness: Readiness,
    pub(crate) clock: Arc<dyn Clock>,
    /// What sends the traces, if there are any: to be started and stopped.
    pub(crate) tracing: Option<Tracing>,
    pub(super) traces: Option<Traces>,
    /// What prints a code for the first user, if there is an authorization server.
    pub(crate) start_code: Option<StartCode>,
    /// The name of the server's command line, for commands that the log suggests.
    pub(super) server_command: String,
}

impl Foundation {
    /// Opens what `config` describes. The authorization server issues tokens for `resources`. The
    /// log suggests commands of `server_command`.
    pub(crate) async fn open(
        config: &Config,
        resources: Vec<ServedResource>,
        clock: &Arc<dyn Clock>,
        server_command: String,
    ) -> Result<Self, Failure> {
        let store = AnyDirectory::open(&config.database_url).await?;
        let sessions = open_sessions(config, &store, clock).await?;
        let sign_in = sign_in::open(config, resources, &store, clock).await?;
        let start_code = sign_in.as_ref().and_then(|it| sign_in::start_code(it, &store, clock));
        let settings = CacheSettings {
            max_in_memory: config.bounds.users,
            max_age: config.bounds.users_max_age,
            clock: Arc::clone(clock),
        };
        let directory = Arc::new(CachedDirectory::load(store.clone(), settings).await?);
        let audit = open_audit(config, &store, clock).await?;
        let metrics = config.admin.as_ref().map(|_| readings::new_metrics(clock.as_ref()));
        let readiness = Readiness::default();
        if let (Some(sign_in), Some(audit)) = (&sign_in, &audit) {
            sign_in.server.observe_with(Arc::new(SignInRecords(audit.log().clone())));
        }
        check_all(&readiness, sessions.as_ref(), sign_in.as_ref(), audit.as_ref());
        let tracing = match &config.traces {
            Some(config) => Some(Tracing::new(config, clock)?),
            None => None,
        };
        let traces = tracing.as_ref().map(|it| it.traces().clone());
        if let Some(traces) = &traces {
            readiness.add_job(traces.health());
            if let Some(metrics) = &metrics {
                readings::of_traces(metrics, traces.clone());
            }
        }
        let limits_store = limits_store(config, clock, metrics.as_deref(), &readiness);
        if let (Some(metrics), Some(audit)) = (&metrics, audit.clone()) {
            metrics.read(move |readings| {
                let (waiting, limit) = audit.log().waiting();
                readings.audit(waiting, limit);
                if let Some(lag) = audit.copy().map(AuditCopy::lag) {
                    readings.audit_copy(lag);
                }
            });
        }
        Ok(Self {
            directory,
            sessions,
            sign_in,
            rates: ResourceRates::default(),
            limits_store,
            audit,
            metrics,
            tracing,
            traces,
            readiness,
            clock: Arc::clone(clock),
            start_code,
            server_command,
        })
    }

    /// Waits until the changes at the authorization server have ended whose callers have gone.
    pub(crate) async fn wait_for_changes(&self) {
        if let Some(sign_in) = &self.sign_in {
            sign_in.server.wait_for_changes().await;
        }
    }

    /// Starts the jobs. They end when `stop` is cancelled; what the calls need that are under way
    /// then, when `ended` is.
    pub(crate) fn start(&self, stop: &CancellationToken, ended: &CancellationToken) -> JoinSet<()> {
        let mut running = JoinSet::new();
        let directory = Arc::clone(&self.directory);
        running.spawn(until(stop.clone(), async move { directory.keep_fresh().await }));
        if let Some(sessions) = self.sessions.clone() {
            running.spawn(sessions.prune(stop.clone()));
        }
        if let Some(store) = self.limits_store.clone() {
            running.spawn(until(ended.clone(), async move { store.keep().await }));
        }
        if let Some(audit) = &self.audit {
            audit.start(&mut running, stop);
        }
        if let Some(sign_in) = self.sign_in.clone() {
            running.spawn(sign_in.agreement().keep(stop.clone()));
            running.spawn(sign_in.prune(stop.clone()));
        }
        running
    }
}

/// The store in which several nodes count rates together, if there is one. `readiness` and
/// `metrics` say how it is.
fn limits_store(
    config: &Config,
    clock: &Arc<dyn Clock>,
    metrics: Option<&Metrics>,
    readiness: &Readiness,
) -> Option<LimitsStore> {
    let LimitsStoreConfig { address, tls } = config.limits_store.clone()?;
    let store = LimitsStore::new(address, tls, Arc::clone(clock));
    readiness.add_job(store.health());
    if let Some(metrics) = metrics {
        let read = store.clone();
        metrics.read(move |readings| {
            let StoreAnswers { within, beyond, unknown } = read.answers();
            readings.limits_store(read.is_reachable(), within, beyond, unknown);
        });
    }
    Some(store)
}

/// The audit log, if the configuration has one.
async fn open_audit(
    config: &Config,
    store: &AnyDirectory,
    clock: &Arc<dyn Clock>,
) -> Result<Option<OpenAudit>, Failure> {
    let Some(settings) = &config.audit else { return Ok(None) };
    Ok(Some(OpenAudit::open(settings, Writer::Server, store, clock).await?))
}

/// Lets `/readyz` say what of these fails.
fn check_all(
    readiness: &Readiness,
    sessions: Option<&Sessions>,
    sign_in: Option<&OpenIssuer>,
    audit: Option<&OpenAudit>,
) {
    if let Some(log) = audit.map(|audit| audit.log().clone()) {
        readiness.add(move || {
            let WriteFailure { what, since } = log.failing()?;
            Some(Failing { what: what.into(), since, affects_callers: true, reason: None })
        });
    }
    let pruning = sessions.map(Sessions::health).into_iter();
    let pruning = pruning.chain(sign_in.map(OpenIssuer::health));
    for health in pruning.chain(audit.into_iter().flat_map(OpenAudit::health)) {
        readiness.add_job(health);
    }
    readiness.add(log::failing);
    if let Some(agreement) = sign_in.map(OpenIssuer::agreement) {
        readiness.add(move || sign_in::missing_key(&agreement));
    }
}

/// Runs `job` until `stop` is cancelled.
pub(super) async fn until(stop: CancellationToken, job: impl Future<Output = ()>) {
    stop.run_until_cancelled(job).await;
}

async fn open_sessions(
    config: &Config,
    store: &AnyDirectory,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Sessions>, Failure> {
    if !config.has_sessions {
        return Ok(None);
    }
    let key = fresh_secret().map_err(|error| Failure::Io {
        context: "no randomness for a secret",
        source: error.into(),
    })?;
    let shared = Shared::new(store.clone());
    Ok(Some(Sessions::open(shared, key.as_bytes(), Arc::clone(clock)).await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::RunArgs;

    #[tokio::test]
    async fn rates_are_counted_for_all_nodes_until_the_last_call_has_ended() {
        let pairs = [
            ("JWT_SECRET", "a-secret-of-thirty-two-characters-or-more"),
            ("SIGN_IN", "off"),
            ("DATABASE_URL", "sqlite::memory:"),
            // Nothing listens there.
            ("LIMITS_STORE", "redis://127.0.0.1:1"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = settings::Environment::from_pairs(pairs);
        let config = Config::resolve(&RunArgs::default(), &environment, &[]).unwrap();
        let clock: Arc<dyn Clock> = testkit::ManualClock::at(testkit::NOW);
        let foundation = Foundation::open(&config, Vec::new(), &clock, "server".into());
        let foundation = foundation.await.unwrap();
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let mut jobs = foundation.start(&stop, &ended);
        assert_eq!(jobs.len(), 2, "the directory, and the store");
        stop.cancel();
        jobs.join_next().await.unwrap().unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(jobs.try_join_next().is_none(), "the store ended with the stop");
        ended.cancel();
        jobs.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_background_job_ends_when_the_server_stops() {
        let stop = CancellationToken::new();
        let job = tokio::spawn(until(stop.clone(), std::future::pending()));
        tokio::task::yield_now().await;
        assert!(!job.is_finished());
        stop.cancel();
        job.await.unwrap();
    }
}
