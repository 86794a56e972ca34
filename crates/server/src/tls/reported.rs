//! What `/readyz` and the metrics say of the certificate in force.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, NumericDate};
use listener::Validity;
use metrics::Metrics;
use tls_setup::{Expiry, Names};

use crate::admin::readiness::Failing;

/// What `/readyz` says of it. It does not say that callers are refused: those that reach the server
/// by a balancer need not look at the certificate.
pub(crate) fn failing(expiry: &Expiry, now: NumericDate) -> Option<Failing> {
    let what = expiry.warning(now)?;
    Some(Failing { what, since: None, affects_callers: false, reason: None })
}

/// What `/readyz` says of its names. It does not say that callers are refused, either.
pub(crate) fn for_others(names: &Names) -> Option<Failing> {
    let what = names.warning()?;
    Some(Failing { what, since: None, affects_callers: false, reason: None })
}

/// Lets `metrics` read for how long it is valid.
pub(crate) fn read_by(metrics: &Metrics, expiry: Expiry, clock: Arc<dyn Clock>) {
    metrics.read(move |readings| {
        if let Some((_, Validity { not_before, not_after })) = expiry.age(clock.now()) {
            let now = clock.now().as_secs().unsigned_abs();
            let until_end = |from| Duration::from_secs(not_after.saturating_sub(from));
            readings.certificate(until_end(now), until_end(not_before));
        }
    });
}
