//! `/readyz` of the admin listener: what the other one says, with reasons and ages.
//!
//! | member | what |
//! |---|---|
//! | `ready` | whether callers are served |
//! | `failing` | what fails: `what`, `since`, `affects_callers`, and `reason`, if one is known |
//! | `directory` | `reachable`, `age_seconds` of its answers, `unavailable_since` |
//! | `jobs` | the jobs of the directory that fail: `job`, `since`, `error` |
//! | `issuers` | `issuer`, `usable`, `keys_fetched`, `failing_since`, `error`, `unanswered_since` |
//!
//! Dates are those of RFC 3339, or `null`. Reasons may name files and addresses. None has a token.

use auth_core::NumericDate;
use bartizan::IssuerStatus;
use directory::Directory;
use serde_json::{Value, json};
use terminal::date::rfc3339;

use super::{health::Health, readiness::Failing};

/// The document. `failing` is what fails now.
pub(super) fn detail<D: Directory>(health: &Health<D>, failing: &[Failing]) -> Value {
    let directory = &health.directory;
    let unavailable_since = directory.unavailable_since();
    let jobs = directory.failing().into_iter().map(|failure| {
        json!({ "job": failure.job, "since": rfc3339(failure.since), "error": failure.error })
    });
    json!({
        "ready": !failing.iter().any(|failing| failing.affects_callers),
        "failing": failing.iter().map(of_failing).collect::<Vec<_>>(),
        "directory": {
            "reachable": unavailable_since.is_none(),
            "age_seconds": directory.age().map(|age| age.as_secs_f64()),
            "unavailable_since": date(unavailable_since),
        },
        "jobs": jobs.collect::<Vec<_>>(),
        "issuers": health.status().into_iter().map(of_issuer).collect::<Vec<_>>(),
    })
}

/// What fails, and why.
pub(super) fn of_failing(failing: &Failing) -> Value {
    let Failing { what, since, affects_callers, reason } = failing;
    json!({
        "what": what, "since": date(*since), "affects_callers": affects_callers, "reason": reason,
    })
}

fn of_issuer(status: IssuerStatus) -> Value {
    let (since, error) = status.failing.unzip();
    json!({
        "issuer": status.issuer,
        "usable": status.is_usable,
        "keys_fetched": date(status.keys_fetched),
        "failing_since": date(since),
        "error": error.map(|error| error.to_string()),
        "unanswered_since": date(status.unanswered_since),
    })
}

fn date(date: Option<NumericDate>) -> Option<String> {
    date.map(rfc3339)
}
