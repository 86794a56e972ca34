//! A server made of settings that can be replaced: the issuers and their keys, the resources, and
//! the bounds of callers.

use std::sync::Arc;

use auth_core::{Clock, IssuerKeys, TrustedIssuer};
use bartizan::Issuers;
use directory::{AnyDirectory, CachedDirectory, Directory};
use issuer::ServedResource;
use metrics::Source;
use tokio_util::sync::CancellationToken;

use super::{
    App, Bounds, Resource,
    foundation::{Foundation, until},
    reload::UpstreamFiles,
    resource::Backend,
    sign_in,
    upstream_resource::UpstreamResource,
};
use crate::{
    admin::{
        readiness::{Check, Readiness},
        readings,
    },
    config::{
        issuers,
        settings::{Config, ConfigError},
    },
    key_files::{KeyFiles, SharedKeyFiles},
    mcp::server::{McpServer, SERVER_NAME},
};

/// A server that is ready to be put in force.
pub(super) struct Generation {
    /// What serves.
    pub(super) app: App<CachedDirectory<AnyDirectory>>,
    /// Whose tokens are accepted at the first resource; the others share their keys.
    pub(super) issuers: Issuers,
    /// The files of each upstream, which are read again.
    pub(super) upstream_files: UpstreamFiles,
    /// What fails, for `/readyz`.
    pub(super) checks: Vec<Check>,
    /// What is read for the metrics.
    pub(super) sources: Vec<Source>,
    /// The files with keys.
    pub(super) key_files: SharedKeyFiles,
}

impl Foundation {
    /// The server that `config` describes: `upstreams`, or the demo server if there are none.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the issuers cannot be used together.
    pub(super) fn generation(
        &self,
        config: &Config,
        upstreams: &[UpstreamResource],
    ) -> Result<Generation, ConfigError> {
        let clock = &self.clock;
        let issuers = trusted_issuers(config, clock)?;
        let folder = self.sign_in.as_ref().map(|it| sign_in::watched(it, config));
        if let Some((folder, local)) = folder.as_ref().zip(config.local.as_ref()) {
            let keys = folder.added_to(local.key_set());
            issuers.replace_keys(IssuerKeys::new(local.issuer.clone(), keys));
        }
        let key_files = KeyFiles::new(config.key_files(), issuers.clone(), Arc::clone(clock));
        let key_files = key_files.with_folder(folder);

        let mut app = App::assemble(config, issuers.clone(), Arc::clone(&self.directory), clock);
        app.audit = self.audit.as_ref().map(|audit| audit.log().clone());
        app.traces.clone_from(&self.traces);
        app.limits_store.clone_from(&self.limits_store);
        app.metrics.clone_from(&self.metrics);
        app.readiness = self.readiness.clone();
        app.server_command.clone_from(&self.server_command);
        if !upstreams.is_empty() {
            let upstreams = upstreams.iter().cloned();
            app.resources = upstreams.map(|it| it.resource(&issuers)).collect();
        }
        if let Some(sessions) = &self.sessions {
            app.resources = app.resources.into_iter().map(|it| it.sessions(sessions)).collect();
        }
        let server = self.sign_in.as_ref().map(|it| &it.server);
        app.authorization_server =
            server.map(|it| it.for_resources(served_resources(config, upstreams)));

        let key_files = key_files.shared();
        let checks = upstreams.iter().flat_map(UpstreamResource::checks).collect();
        let sources = upstreams.iter().map(UpstreamResource::source).collect();
        let upstream_files = upstreams.iter().map(UpstreamResource::files).collect();
        Ok(Generation { app, issuers, upstream_files, checks, sources, key_files })
    }
}

/// Keeps `issuers` and their key files fresh until `stop` is cancelled.
pub(super) fn keep_keys(issuers: Issuers, key_files: SharedKeyFiles, stop: &CancellationToken) {
    tokio::spawn(key_files.keep_fresh(stop.clone()));
    tokio::spawn(until(stop.clone(), async move { issuers.keep_fresh().await }));
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
        let app = Self::assemble(config, trusted_issuers(config, clock)?, directory, clock);
        let metrics = config.admin.as_ref().map(|_| readings::new_metrics(clock.as_ref()));
        Ok(Self { metrics, ..app })
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
                body_memory: config.bounds.body_memory,
                // The other half of the connections is left for everything else.
                streams: (config.bounds.connections / 2).max(1),
                calls_of_each: config.bounds.calls_per_caller,
                calls: config.bounds.calls,
                failed_authentications: config.bounds.failed_authentications,
                ..Bounds::default()
            },
            has_client_certificates: config.transport.has_client_certificates(),
            limits_store: None,
            traces: None,
            audit: None,
            metrics: None,
            clock: Arc::clone(clock),
            server_command: "server".into(),
        }
    }
}

/// The resources that the authorization server issues tokens for.
pub(crate) fn served_resources(
    config: &Config,
    upstreams: &[UpstreamResource],
) -> Vec<ServedResource> {
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
