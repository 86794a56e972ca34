//! The server in force, and how another takes its place.
//!
//! 1. The new server is made whole beside the one in force, from the same directory, sessions,
//!    authorization server, audit log and metrics. What cannot be made changes nothing.
//! 2. Then the routes are replaced, by one store: a request takes the old server or the new one.
//!    Requests that are under way are answered by the old one.
//! 3. Open streams of the old one end within a second; their clients open them again.
//! 4. What changes in a policy is logged, as when its file alone was read again.
//! 5. Keys that were fetched are taken over, so an issuer that cannot be asked now is no worse off.
//! 6. So is what callers have spent of their rates, where the rates are the same.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth_core::ResourceUri;
use axum::Router;
use bartizan::Issuers;
use directory::{AnyDirectory, CachedDirectory};
use tokio_util::sync::CancellationToken;

use super::{
    Routed,
    foundation::Foundation,
    generation::{Generation, keep_keys},
    reload::parts,
    rules::ResourceRules,
    served::Served,
    upstream_resource::UpstreamResource,
};
use crate::{
    admin::health::{Health, IssuersInForce},
    current_router::CurrentRouter,
    failure::Failure,
    policy::changes::Changes,
    reload::{AskedKeys, ChangeRecords, Part, ReplaceableParts},
};

/// How long the keys of new issuers are waited for before requests may need them.
const KEYS: Duration = Duration::from_secs(5);

/// The server in force.
pub(crate) struct InForce {
    foundation: Arc<Foundation>,
    router: CurrentRouter,
    explaining: CurrentRouter,
    issuers: IssuersInForce,
    parts: ReplaceableParts,
    stop: CancellationToken,
    ended: CancellationToken,
    serving: Option<Serving>,
}

/// What ends when another server takes the place of this one.
struct Serving {
    resources: Vec<ResourceUri>,
    issuers: Issuers,
    upstreams: Vec<UpstreamResource>,
    rules: Vec<ResourceRules>,
    stop: CancellationToken,
}

impl InForce {
    /// None so far. Streams and jobs end when `stop` is cancelled. Calls that are under way then go
    /// on until `ended` is.
    pub(crate) fn new(
        foundation: Arc<Foundation>,
        stop: CancellationToken,
        ended: CancellationToken,
    ) -> Self {
        Self {
            foundation,
            router: CurrentRouter::new(Router::new()),
            explaining: CurrentRouter::new(Router::new()),
            issuers: IssuersInForce::new([]),
            parts: ReplaceableParts::default(),
            stop,
            ended,
            serving: None,
        }
    }

    /// The routes in force.
    pub(crate) fn router(&self) -> CurrentRouter {
        self.router.clone()
    }

    /// The routes of the admin listener that explain decisions.
    pub(crate) fn explaining(&self) -> CurrentRouter {
        self.explaining.clone()
    }

    /// The files of what is in force, which are read again.
    pub(crate) fn parts(&self) -> ReplaceableParts {
        self.parts.clone()
    }

    /// Whether it can serve.
    pub(crate) fn health(&self) -> Health<CachedDirectory<AnyDirectory>> {
        Health {
            directory: Arc::clone(&self.foundation.directory),
            issuers: self.issuers.clone(),
            readiness: self.foundation.readiness.clone(),
        }
    }

    /// The MCP servers behind the gateway, each with its policy in force.
    pub(super) fn upstreams(&self) -> Vec<UpstreamResource> {
        let Some(serving) = &self.serving else { return Vec::new() };
        let with_policy = |(upstream, rules): (&UpstreamResource, &ResourceRules)| {
            let policy = rules.current().as_ref().clone();
            UpstreamResource { policy, ..upstream.clone() }
        };
        serving.upstreams.iter().zip(&serving.rules).map(with_policy).collect()
    }

    /// The digests of the files of the policies in force, each once.
    pub(super) fn policy_digests(&self) -> Option<String> {
        let rules = self.serving.iter().flat_map(|serving| &serving.rules);
        let digests: BTreeSet<_> = rules.filter_map(|rules| rules.current().source()).collect();
        let digests: Vec<_> = digests.iter().map(ToString::to_string).collect();
        (!digests.is_empty()).then(|| digests.join(" "))
    }

    /// Puts what `served` describes in force.
    ///
    /// # Errors
    ///
    /// If it cannot be made; what was in force before still is.
    pub(crate) async fn put(&mut self, served: Served) -> Result<(), Failure> {
        let Served { config, recheck, upstreams } = served;
        let foundation = &self.foundation;
        let generation = foundation.generation(&config, &upstreams)?;
        if let Some(before) = &self.serving {
            generation.issuers.begin_with(&before.issuers);
            // A caller who needs a key that is not here yet waits for it: that is no error.
            let _ = tokio::time::timeout(KEYS, generation.issuers.renew_due()).await;
        }
        let Generation { app, issuers, upstream_files, mut checks, mut sources, key_files } =
            generation;
        let resources: Vec<ResourceUri> = app.resources.iter().map(|it| it.uri.clone()).collect();
        let of_resources: Vec<Issuers> =
            app.resources.iter().map(|it| it.issuers.clone()).collect();
        let Routed { router, explaining, rules, sources: more } =
            app.route(&self.ended, &foundation.rates)?;
        sources.extend(more);
        let mut parts = parts(&config, upstream_files, rules.clone(), &recheck, &foundation.clock);
        parts.extend(AskedKeys::all(&key_files).map(|part| -> Box<dyn Part> { Box::new(part) }));
        let records = ChangeRecords::of(foundation.audit.as_ref());
        for part in &mut parts {
            part.record_in(&records);
        }
        for health in parts.iter().map(|part| part.health()) {
            checks.push(Box::new(move || health.failing()));
        }

        // Nothing fails from here on.
        foundation.rates.keep(&resources);
        self.router.replace(router);
        self.explaining.replace(explaining);
        self.issuers.replace(of_resources);
        foundation.readiness.check_instead(checks);
        if let Some(metrics) = &foundation.metrics {
            metrics.read_instead(sources);
        }
        self.parts.replace(parts);
        let stop = self.stop.child_token();
        keep_keys(issuers.clone(), key_files, &stop);
        tokio::spawn(end_streams(rules.clone(), stop.clone()));
        let now = Serving { resources, issuers, upstreams, rules, stop };
        if let Some(before) = &self.serving {
            log_changes(before, &now);
            before.stop.cancel();
        }
        self.serving = Some(now);
        Ok(())
    }
}

/// Logs what changes in the policies of resources that there were before.
fn log_changes(before: &Serving, now: &Serving) {
    for (resource, rules) in now.resources.iter().zip(&now.rules) {
        let mut pairs = before.resources.iter().zip(&before.rules);
        let Some((_, old)) = pairs.find(|(other, _)| *other == resource) else { continue };
        let (old, new) = (old.current(), rules.current());
        if old != new {
            Changes::between(&old, &new).log();
        }
    }
}

/// Ends the open streams of resources with these rules once `stop` is cancelled. Their calls go on.
async fn end_streams(rules: Vec<ResourceRules>, stop: CancellationToken) {
    stop.cancelled().await;
    rules.iter().for_each(ResourceRules::retire);
}
