//! What the metrics read of this server's parts when they are asked for.

use auth_core::{Clock, ResourceUri};
use bartizan::{GuardUsage, Issuers, Rules, RulesHandle};
use directory::Directory;
use metrics::{Metrics, Readings, ResourceMetrics};

use super::{health::Health, readiness::Failing};

/// What is counted at the resource `uri`. Reads also what its callers hold, and how often its
/// tokens were cached.
pub(crate) fn of_resource(
    metrics: &Metrics,
    uri: &ResourceUri,
    usage: GuardUsage,
    rules: RulesHandle,
    issuers: &Issuers,
) -> ResourceMetrics {
    let counted = metrics.resource(uri);
    counted.name_tools(&rules.current().policy);
    let (uri, issuers) = (uri.clone(), issuers.clone());
    metrics.read(move |readings| {
        let Rules { limits, .. } = rules.current();
        let streams = [usage.streams(), limits.streams];
        readings.held(&uri, streams, [usage.body_bytes(), limits.body_memory]);
        let looked_up = issuers.token_cache_use();
        readings.token_cache(&uri, looked_up.hits, looked_up.misses);
    });
    counted
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
