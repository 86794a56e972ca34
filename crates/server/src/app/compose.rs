//! The composition root: the one place that puts configuration, directory, issuers, sessions and
//! background jobs together.

use std::sync::Arc;

use auth_core::{Clock, IssuerKeys, TrustedIssuer};
use bartizan::Issuers;
use directory::{AnyDirectory, CacheSettings, CachedDirectory, Directory, Shared};
use issuer::ServedResource;
use issuer_setup::OpenIssuer;
use metrics::Metrics;
use settings::fresh_secret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    App, Bounds, Resource, reload::UpstreamFiles, resource::Backend, sign_in,
    start_code::StartCode, upstream_resource::UpstreamResource,
};
use crate::{
    admin::readiness::Readiness,
    audit::kept::KeptLog,
    config::{
        issuers,
        settings::{Config, ConfigError},
    },
    failure::Failure,
    key_files::KeyFiles,
    mcp::{
        server::{McpServer, SERVER_NAME},
        sessions::Sessions,
    },
    telemetry::log,
};

/// A server that is ready to serve, with its background jobs not yet started.
pub(crate) struct Composition {
    /// What serves.
    pub(crate) app: App<CachedDirectory<AnyDirectory>>,
    /// What runs in the background meanwhile.
    pub(crate) jobs: Jobs,
    /// What prints a code for the first user, if there is an authorization server.
    pub(crate) start_code: Option<StartCode>,
    /// The audit log, if there is one: to be closed at the end.
    pub(crate) audit: Option<KeptLog>,
    /// The files of each upstream, which are read again.
    pub(crate) upstream_files: UpstreamFiles,
}

/// The background jobs of a server.
pub(crate) struct Jobs {
    directory: Arc<CachedDirectory<AnyDirectory>>,
    issuers: Issuers,
    key_files: KeyFiles,
    sessions: Option<Sessions>,
    sign_in: Option<OpenIssuer>,
    audit: Option<KeptLog>,
}

impl Composition {
    /// Opens the directory and puts the parts together: `upstreams`, or the demo server if there
    /// are none.
    pub(crate) async fn new(
        config: &Config,
        upstreams: Vec<UpstreamResource>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let store = AnyDirectory::open(&config.database_url).await?;
        let sessions = open_sessions(config, &store, clock).await?;
        let served = served_resources(config, &upstreams);
        let sign_in = sign_in::open(config, served, &store, clock).await?;
        let start_code = sign_in.as_ref().and_then(|it| sign_in::start_code(it, &store, clock));
        let settings = CacheSettings {
            max_in_memory: config.directory_max_users,
            max_age: config.directory_max_age,
            clock: Arc::clone(clock),
        };
        let directory = Arc::new(CachedDirectory::load(store.clone(), settings).await?);
        let issuers = trusted_issuers(config, clock)?;
        let folder = sign_in.as_ref().map(|it| sign_in::watched(it, config));
        if let Some((folder, local)) = folder.as_ref().zip(config.local.as_ref()) {
            let keys = folder.added_to(local.key_set());
            issuers.replace_keys(IssuerKeys::new(local.issuer.clone(), keys));
        }
        let key_files = KeyFiles::new(config.key_files(), issuers.clone(), Arc::clone(clock));
        let key_files = key_files.with_folder(folder);

        let mut app = App::assemble(config, issuers.clone(), Arc::clone(&directory), clock);
        let audit = match &config.audit {
            Some(config) => Some(KeptLog::open(config, &store, clock).await?),
            None => None,
        };
        if let Some(KeptLog { log, .. }) = audit.clone() {
            app.audit = Some(log.clone());
            app.readiness.add(move || log.failing());
        }
        if let (Some(metrics), Some(log)) = (&app.metrics, app.audit.clone()) {
            metrics.read(move |readings| {
                let (waiting, limit) = log.waiting();
                readings.audit(waiting, limit);
            });
        }
        let upstream_files = upstreams.iter().map(UpstreamResource::files).collect();
        if !upstreams.is_empty() {
            for upstream in &upstreams {
                upstream.checks().into_iter().for_each(|check| app.readiness.add(check));
                if let Some(metrics) = &app.metrics {
                    upstream.read_into(metrics);
                }
            }
            app.resources = upstreams.into_iter().map(|it| it.resource(&issuers)).collect();
        }
        if let Some(sessions) = &sessions {
            app.resources = app.resources.into_iter().map(|it| it.sessions(sessions)).collect();
        }
        app.authorization_server = sign_in.as_ref().map(|sign_in| sign_in.server.clone());
        let pruning = sessions.as_ref().map(Sessions::health);
        let pruning = pruning.into_iter().chain(sign_in.as_ref().map(OpenIssuer::health));
        let keeping = audit.as_ref().map(KeptLog::health);
        for health in key_files.health().into_iter().chain(pruning).chain(keeping) {
            app.readiness.add_job(health);
        }
        app.readiness.add(log::failing);
        if let Some(agreement) = sign_in.as_ref().map(OpenIssuer::agreement) {
            app.readiness.add(move || sign_in::missing_key(&agreement));
        }
        let jobs = Jobs { directory, issuers, key_files, sessions, sign_in, audit: audit.clone() };
        Ok(Self { app, jobs, start_code, audit, upstream_files })
    }
}

impl Jobs {
    /// Starts the jobs. They end when `stop` is cancelled.
    pub(crate) fn start(self, stop: &CancellationToken) -> JoinSet<()> {
        let Self { directory, issuers, key_files, sessions, sign_in, audit } = self;
        let mut running = JoinSet::new();
        running.spawn(key_files.keep_fresh(stop.clone()));
        running.spawn(until(stop.clone(), async move { directory.keep_fresh().await }));
        running.spawn(until(stop.clone(), async move { issuers.keep_fresh().await }));
        if let Some(sessions) = sessions {
            running.spawn(sessions.prune(stop.clone()));
        }
        if let Some(audit) = audit {
            running.spawn(audit.keep(stop.clone()));
        }
        if let Some(sign_in) = sign_in {
            running.spawn(sign_in.agreement().keep(stop.clone()));
            running.spawn(sign_in.prune(stop.clone()));
        }
        running
    }
}

/// Runs `job` until `stop` is cancelled.
async fn until(stop: CancellationToken, job: impl Future<Output = ()>) {
    stop.run_until_cancelled(job).await;
}

impl<D: Directory> App<D> {
    /// The demo server that `config` describes, with users from `directory` and without sessions.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the issuers cannot be used together, or their certificate authorities not
    /// at all.
    pub fn new(
        config: &Config,
        directory: Arc<D>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        Ok(Self::assemble(config, trusted_issuers(config, clock)?, directory, clock))
    }

    fn assemble(
        config: &Config,
        issuers: Issuers,
        directory: Arc<D>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let server = McpServer::new(config.resource.clone(), Arc::clone(clock));
        let demo = Resource {
            uri: config.resource.clone(),
            policy: config.policy.clone(),
            issuers,
            backend: Backend::Demo(server),
        };
        Self {
            resources: vec![demo],
            directory,
            authorization_server: None,
            provisioning: config.provisioning.clone(),
            allowed_origins: config.allowed_origins.clone(),
            readiness: Readiness::default(),
            bounds: Bounds {
                body_memory: config.max_body_memory,
                // The other half of the connections is left for everything else.
                streams: (config.max_connections / 2).max(1),
                failed_authentications: config.max_failed_authentications,
                ..Bounds::default()
            },
            audit: None,
            metrics: config.admin.is_some().then(|| {
                let started = u32::try_from(clock.now().as_secs()).unwrap_or(u32::MAX);
                Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), started.into()))
            }),
            clock: Arc::clone(clock),
            server_command: "server".into(),
        }
    }
}

/// The resources that the authorization server issues tokens for.
fn served_resources(config: &Config, upstreams: &[UpstreamResource]) -> Vec<ServedResource> {
    if upstreams.is_empty() {
        return vec![ServedResource {
            uri: config.resource.clone(),
            name: SERVER_NAME.to_owned(),
            policy: config.policy.clone().into(),
        }];
    }
    let served = |upstream: &UpstreamResource| ServedResource {
        uri: upstream.uri.clone(),
        name: upstream.upstream.name().to_owned(),
        policy: upstream.policy.clone().into(),
    };
    upstreams.iter().map(served).collect()
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

/// The issuers, ready to verify tokens for the configured resource at the time of `clock`.
///
/// Roles in tokens of the local issuer are trusted: the directory bounds what they grant.
fn trusted_issuers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Issuers, ConfigError> {
    let error = |error: &dyn std::fmt::Display| ConfigError(vec![format!("the issuers: {error}")]);
    let local = config.local.iter().map(|local| {
        let trusted = TrustedIssuer::new(local.issuer.clone(), local.key_set());
        trusted.trust_roles(true).leeway(local.leeway()).into()
    });
    let others = issuers::trusts(&config.issuers, clock, &config.authorities)
        .map_err(|fault| error(&fault))?;
    let audience = config.resource.audience().clone();
    Issuers::new(audience, Arc::clone(clock), local.chain(others)).map_err(|fault| error(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;

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
