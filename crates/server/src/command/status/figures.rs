//! What a server says at one time, and the figures between two such times.
//!
//! 1. Without an earlier reading of the same process the figures are those since its start.
//! 2. Requests are those of which the guard decided something; those that were not permitted are
//!    refused.
//! 3. A percentile is the upper bound of its bucket: so many operations took that long or less.
//!    Streams (`subscriptions/listen`) are not counted there.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use auth_core::NumericDate;
use serde::Serialize;
use serde_json::{Map, Value};
use terminal::date::rfc3339;
use tokio::time::Instant;

use super::samples::{Sample, Samples};

const DECISIONS: &str = "bartizan_decisions_total";
const BUCKETS: &str = "mcp_server_operation_duration_seconds_bucket";

/// What a server said.
#[derive(Debug)]
pub(super) struct Reading {
    /// Of `/metrics`.
    pub(super) samples: Samples,
    /// Of `/readyz`.
    pub(super) readiness: Map<String, Value>,
    /// When.
    pub(super) at: Instant,
}

/// How a server is, and what it did in a period.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) version: String,
    /// When it started (RFC 3339).
    pub(super) started: Option<String>,
    /// `ready`, `failing`, `directory`, `jobs` and `issuers`, as `/readyz` has them.
    #[serde(flatten)]
    pub(super) readiness: Map<String, Value>,
    /// How long the period is: that since the start, or since the earlier reading.
    pub(super) period_seconds: f64,
    pub(super) is_since_start: bool,
    pub(super) total: Traffic,
    pub(super) resources: BTreeMap<String, Traffic>,
    pub(super) refusals: Vec<Refusals>,
    pub(super) upstreams: BTreeMap<String, UpstreamStatus>,
    pub(super) connections: Bounded,
    /// Whether the store answers in which nodes count rates together; `None` without one.
    pub(super) is_limits_store_reachable: Option<bool>,
}

/// Requests in the period, and what is held now.
#[derive(Debug, Serialize)]
pub(super) struct Traffic {
    pub(super) requests: u64,
    pub(super) requests_per_second: f64,
    pub(super) refused: u64,
    pub(super) refused_per_second: f64,
    /// `None`: no operation, or longer than the last bucket.
    pub(super) p50_seconds: Option<f64>,
    pub(super) p99_seconds: Option<f64>,
    pub(super) calls: Bounded,
    pub(super) streams: Bounded,
    pub(super) body_bytes: Bounded,
}

/// Requests that were refused for one reason in the period.
#[derive(Debug, Serialize)]
pub(super) struct Refusals {
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) count: u64,
    pub(super) per_second: f64,
}

/// An upstream now.
#[derive(Debug, Serialize)]
pub(super) struct UpstreamStatus {
    pub(super) is_up: bool,
    pub(super) hidden_definitions: u64,
}

/// How much is in use, and how much may be.
#[derive(Debug, Serialize)]
pub(super) struct Bounded {
    pub(super) used: u64,
    pub(super) limit: u64,
}

impl Status {
    /// The figures from `earlier` to `reading`, which was made at the time `now`.
    pub(super) fn of(reading: &Reading, earlier: Option<&Reading>, now: NumericDate) -> Self {
        let samples = &reading.samples;
        let start = |samples: &Samples| whole(samples.sum("process_start_time_seconds", |_| true));
        let started = start(samples);
        let earlier = earlier.filter(|earlier| start(&earlier.samples) == started);
        let started = i64::try_from(started).ok().and_then(|it| NumericDate::from_secs(it).ok());
        let period = match (earlier, started) {
            (Some(earlier), _) => reading.at.duration_since(earlier.at),
            (None, Some(started)) => now.since(started).max(Duration::from_secs(1)),
            (None, None) => Duration::ZERO,
        };
        let secs = period.as_secs_f64().max(0.001);
        let period = Period { now: samples, before: earlier.map(|it| &it.samples), secs };
        let named = |name: &'static str, label: &str| {
            samples.named(name).map(|it| it.label(label).to_owned()).collect::<BTreeSet<_>>()
        };
        let resources = named("bartizan_streams", "resource").into_iter().map(|resource| {
            let traffic = period.traffic(|sample| sample.label("resource") == resource);
            (resource, traffic)
        });
        let upstreams = named("bartizan_upstream_up", "upstream").into_iter().map(|upstream| {
            let is_its = |sample: &Sample| sample.label("upstream") == upstream;
            let is_up = samples.sum("bartizan_upstream_up", is_its) > 0.0;
            let hidden_definitions = whole(samples.sum("bartizan_hidden_definitions", is_its));
            (upstream.clone(), UpstreamStatus { is_up, hidden_definitions })
        });
        let version = samples.named("bartizan_build_info").next();
        let is_main = |sample: &Sample| sample.label("listener") == "main";
        Self {
            version: version.map(|it| it.label("version").to_owned()).unwrap_or_default(),
            started: started.map(rfc3339),
            readiness: reading.readiness.clone(),
            period_seconds: period.secs,
            is_since_start: earlier.is_none(),
            total: period.traffic(|_| true),
            resources: resources.collect(),
            refusals: period.refusals(),
            upstreams: upstreams.collect(),
            is_limits_store_reachable: samples
                .named("bartizan_limits_store_reachable")
                .next()
                .map(|_| samples.sum("bartizan_limits_store_reachable", |_| true) > 0.0),
            connections: Bounded {
                used: whole(samples.sum("bartizan_connections", |it| {
                    is_main(it) && it.label("kind") == "ordinary"
                })),
                limit: whole(samples.sum("bartizan_connections_limit", is_main)),
            },
        }
    }
}

/// The samples at the end of a period and at its beginning, where that is not the start.
struct Period<'a> {
    now: &'a Samples,
    before: Option<&'a Samples>,
    secs: f64,
}

impl Period<'_> {
    /// By how much counters grew.
    fn growth(&self, name: &str, counts: impl Fn(&Sample) -> bool) -> f64 {
        self.now.sum(name, &counts) - self.before.map_or(0.0, |before| before.sum(name, &counts))
    }

    fn traffic(&self, is_its: impl Fn(&Sample) -> bool) -> Traffic {
        let is_request =
            |sample: &Sample| is_its(sample) && sample.label("outcome") != "stream_ended";
        let is_refused =
            |sample: &Sample| is_request(sample) && sample.label("outcome") != "permitted";
        let requests = self.growth(DECISIONS, is_request);
        let refused = self.growth(DECISIONS, is_refused);
        let held = |used, limit| Bounded {
            used: whole(self.now.sum(used, &is_its)),
            limit: whole(self.now.sum(limit, &is_its)),
        };
        Traffic {
            requests: whole(requests),
            requests_per_second: requests / self.secs,
            refused: whole(refused),
            refused_per_second: refused / self.secs,
            p50_seconds: self.percentile(0.5, &is_its),
            p99_seconds: self.percentile(0.99, &is_its),
            calls: held("bartizan_calls", "bartizan_calls_limit"),
            streams: held("bartizan_streams", "bartizan_streams_limit"),
            body_bytes: held("bartizan_held_bodies_bytes", "bartizan_held_bodies_limit_bytes"),
        }
    }

    /// The bound of the first bucket that has this share of the operations.
    fn percentile(&self, share: f64, is_its: impl Fn(&Sample) -> bool) -> Option<f64> {
        let is_operation = |sample: &Sample| {
            is_its(sample) && sample.label("mcp_method_name") != "subscriptions/listen"
        };
        let bounds: BTreeSet<_> = self.now.named(BUCKETS).map(|it| it.label("le")).collect();
        let mut buckets: Vec<(f64, f64)> = bounds
            .into_iter()
            .filter_map(|bound| {
                let count = self.growth(BUCKETS, |it| it.label("le") == bound && is_operation(it));
                Some((bound.parse().ok()?, count))
            })
            .collect();
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let all = buckets.last().map_or(0.0, |(_, count)| *count);
        let found = buckets.iter().find(|(_, count)| all > 0.0 && *count >= share * all);
        found.map(|(bound, _)| *bound).filter(|bound| bound.is_finite())
    }

    /// Those that were refused for each reason, if any were; the most first.
    fn refusals(&self) -> Vec<Refusals> {
        let pair = |it: &Sample| (it.label("outcome").to_owned(), it.label("reason").to_owned());
        let pairs: BTreeSet<_> = self.now.named(DECISIONS).map(pair).collect();
        let refused = pairs.into_iter().filter(|(outcome, _)| outcome != "permitted");
        let mut all: Vec<_> = refused
            .map(|(outcome, reason)| {
                let is_it =
                    |it: &Sample| it.label("outcome") == outcome && it.label("reason") == reason;
                let count = self.growth(DECISIONS, is_it);
                Refusals {
                    outcome: outcome.clone(),
                    reason: reason.clone(),
                    count: whole(count),
                    per_second: count / self.secs,
                }
            })
            .filter(|refusals| refusals.count > 0)
            .collect();
        all.sort_by_key(|refusals| Reverse(refusals.count));
        all
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count is whole, not negative and far below 2^53; the cast saturates"
)]
const fn whole(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
mod tests {
    use super::*;

    /// The text after `permitted` and `denied` requests, of which `slow` took up to a second and
    /// the others up to 10 ms.
    fn reading(started: u32, [permitted, denied, slow]: [u32; 3], at: Instant) -> Reading {
        let all = permitted + denied;
        let fast = all - slow;
        let text = format!(
            "process_start_time_seconds {started}\n\
             bartizan_decisions_total{{resource=\"r\",outcome=\"permitted\",reason=\"granted\"}} {permitted}\n\
             bartizan_decisions_total{{resource=\"r\",outcome=\"denied\",reason=\"no_rule\"}} {denied}\n\
             bartizan_decisions_total{{resource=\"r\",outcome=\"stream_ended\",reason=\"no_longer_permitted\"}} 0\n\
             mcp_server_operation_duration_seconds_bucket{{resource=\"r\",mcp_method_name=\"ping\",le=\"0.01\"}} {fast}\n\
             mcp_server_operation_duration_seconds_bucket{{resource=\"r\",mcp_method_name=\"ping\",le=\"1.0\"}} {all}\n\
             mcp_server_operation_duration_seconds_bucket{{resource=\"r\",mcp_method_name=\"ping\",le=\"+Inf\"}} {all}\n\
             mcp_server_operation_duration_seconds_bucket{{resource=\"r\",mcp_method_name=\"subscriptions/listen\",le=\"+Inf\"}} 900\n\
             bartizan_streams{{resource=\"r\"}} 2\n\
             bartizan_streams_limit{{resource=\"r\"}} 512\n\
             bartizan_calls{{resource=\"r\"}} 3\n\
             bartizan_calls_limit{{resource=\"r\"}} 9\n\
             bartizan_limits_store_reachable 0\n"
        );
        Reading { samples: Samples::read(&text).unwrap(), readiness: Map::new(), at }
    }

    fn date(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    #[test]
    fn without_an_earlier_reading_the_figures_are_those_since_the_start() {
        let reading = reading(1000, [98, 2, 3], Instant::now());
        let status = Status::of(&reading, None, date(1010));
        assert!(status.is_since_start);
        assert_eq!(status.period_seconds, 10.0);
        let Traffic { requests, refused, requests_per_second, p50_seconds, p99_seconds, .. } =
            status.total;
        assert_eq!((requests, refused, requests_per_second), (100, 2, 10.0));
        assert_eq!((p50_seconds, p99_seconds), (Some(0.01), Some(1.0)));
        assert_eq!(status.resources["r"].streams.used, 2);
        let calls = &status.resources["r"].calls;
        assert_eq!((calls.used, calls.limit), (3, 9));
        assert_eq!(status.is_limits_store_reachable, Some(false));
        let [refusals] = &status.refusals[..] else { panic!("{:?}", status.refusals) };
        assert_eq!((refusals.reason.as_str(), refusals.count), ("no_rule", 2));
    }

    #[test]
    fn with_one_they_are_those_between_the_two() {
        let at = Instant::now();
        let earlier = reading(1000, [98, 2, 3], at);
        let later = reading(1000, [106, 2, 3], at + Duration::from_secs(4));
        let status = Status::of(&later, Some(&earlier), date(1014));
        assert!(!status.is_since_start);
        let Traffic { requests, refused, requests_per_second, p99_seconds, .. } = status.total;
        assert_eq!((requests, refused, requests_per_second), (8, 0, 2.0));
        assert_eq!(p99_seconds, Some(0.01), "the slow ones were before");
        assert!(status.refusals.is_empty());
        let idle = Status::of(&later, Some(&later), date(1014));
        assert_eq!((idle.total.requests, idle.total.p50_seconds), (0, None));
    }

    #[test]
    fn after_a_restart_they_are_those_since_the_start_again() {
        let at = Instant::now();
        let earlier = reading(1000, [98, 2, 3], at);
        let later = reading(1012, [1, 0, 0], at + Duration::from_secs(4));
        let status = Status::of(&later, Some(&earlier), date(1014));
        assert!(status.is_since_start);
        assert_eq!((status.total.requests, status.period_seconds), (1, 2.0));
    }
}
