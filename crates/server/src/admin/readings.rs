//! What the metrics read of this server's parts when they are asked for.

use std::sync::Arc;

use auth_core::{Clock, ResourceUri};
use bartizan::{GuardUsage, Issuers, Rules, RulesHandle};
use directory::Directory;
use metrics::{Metrics, Readings, ResourceMetrics, Source};
use traces::{Counts, Traces};

use super::{health::Health, readiness::Failing};

/// The metrics of this process, which starts now.
pub(crate) fn new_metrics(clock: &dyn Clock) -> Arc<Metrics> {
    let started = u32::try_from(clock.now().as_secs()).unwrap_or(u32::MAX);
    Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), started.into()))
}

/// What is counted at the resource `uri`; and what reads what its callers hold, and how often its
/// tokens were cached.
pub(crate) fn of_resource(
    metrics: &Metrics,
    uri: &ResourceUri,
    usage: GuardUsage,
    rules: RulesHandle,
    issuers: &Issuers,
) -> (ResourceMetrics, Source) {
    let counted = metrics.resource(uri);
    counted.name_tools(&rules.current().policy);
    let (uri, issuers) = (uri.clone(), issuers.clone());
    let source = move |readings: &mut Readings| {
        let Rules { limits, .. } = rules.current();
        let streams = [usage.streams(), limits.streams];
        let calls = [usage.calls(), limits.calls];
        readings.held(&uri, streams, calls, [usage.body_bytes(), limits.body_memory]);
        let looked_up = issuers.token_cache_use();
        readings.token_cache(&uri, looked_up.hits, looked_up.misses);
    };
    (counted, Box::new(source))
}

/// Reads what becomes of the spans.
pub(crate) fn of_traces(metrics: &Metrics, traces: Traces) {
    metrics.read(move |readings| {
        let Counts { exported, dropped, failed, waiting, limit } = traces.counts();
        readings.traces([exported, dropped, failed], waiting, limit);
    });
}

/// Reads whether callers are served: `failing` is what fails now.
pub(super) fn of_health<D: Directory>(
    readings: &mut Readings,
    health: &Health<D>,
    failing: &[Failing],
    clock: &dyn Clock,
) {
    let refusing = failing.iter().filter(|failing| failing.affects_callers).count();
    readings.readiness(refusing == 0, refusing, failing.len() - refusing);
    let directory = &health.directory;
    readings.directory(directory.age(), directory.unavailable_since().is_none());
    for status in health.status() {
        let age = status.keys_fetched.map(|fetched| clock.now().since(fetched));
        let is_failing = status.failing.is_some() || status.unanswered_since.is_some();
        readings.issuer(&status.issuer, age, status.is_usable, is_failing);
    }
}
