//! What is read when it is asked for: the state of a server's parts.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{Issuer, ResourceUri};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Unit,
};

/// The labels of a sample.
pub(crate) type Labels = Vec<(&'static str, Arc<str>)>;

/// One of the listeners of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// That of callers.
    Main,
    /// That of operators.
    Admin,
}

impl Listener {
    const fn text(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Admin => "admin",
        }
    }
}

/// A family of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    name: &'static str,
    unit: Option<ReadUnit>,
    is_counter: bool,
    help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadUnit {
    Bytes,
    Seconds,
}

const fn gauge(name: &'static str, help: &'static str) -> Reading {
    Reading { name, unit: None, is_counter: false, help }
}

const fn counter(name: &'static str, help: &'static str) -> Reading {
    Reading { is_counter: true, ..gauge(name, help) }
}

const fn seconds(name: &'static str, help: &'static str) -> Reading {
    Reading { unit: Some(ReadUnit::Seconds), ..gauge(name, help) }
}

const fn bytes(name: &'static str, help: &'static str) -> Reading {
    Reading { unit: Some(ReadUnit::Bytes), ..gauge(name, help) }
}

/// Defines the families, their number, and the order in which they are written.
macro_rules! readings {
    ($($name:ident = $reading:expr;)*) => {
        $(const $name: Reading = $reading;)*
        const ALL: [Reading; [$($name),*].len()] = [$($name),*];
    };
}

readings! {
    READY = gauge("bartizan_ready", "Whether callers are served: 1 or 0.");
    FAILING = gauge("bartizan_failing_checks", "Checks of readiness that fail now.");
    CACHE = counter("bartizan_token_cache_lookups", "Tokens that were looked up among those that were verified before.");
    KEYS_AGE = seconds("bartizan_issuer_keys_age", "How long ago the keys of an issuer were fetched.");
    ISSUER_USABLE = gauge("bartizan_issuer_usable", "Whether tokens of an issuer can be judged: 1 or 0.");
    ISSUER_FAILING = gauge("bartizan_issuer_failing", "Whether the last fetch of an issuer's keys, or the last question about a token, failed: 1 or 0.");
    DIRECTORY_AGE = seconds("bartizan_directory_age", "How long ago the user database was asked with success.");
    DIRECTORY_UP = gauge("bartizan_directory_reachable", "Whether the user database answers: 1 or 0.");
    CONNECTIONS = gauge("bartizan_connections", "Open connections.");
    CONNECTIONS_LIMIT = gauge("bartizan_connections_limit", "How many connections may be open, without the reserve.");
    CONNECTIONS_REFUSED = counter("bartizan_connections_refused", "Connections that were closed at once, as their address had all that it may have.");
    HANDSHAKES_FAILED = counter("bartizan_tls_handshakes_failed", "TLS handshakes that failed or took too long.");
    CERTIFICATE = seconds("bartizan_tls_certificate_left", "For how long the TLS certificate is valid; 0 once it has ended.");
    CERTIFICATE_LIFETIME = seconds("bartizan_tls_certificate_lifetime", "For how long the TLS certificate is valid in all, from its first second.");
    STREAMS = gauge("bartizan_streams", "Open streams.");
    STREAMS_LIMIT = gauge("bartizan_streams_limit", "How many streams may be open.");
    CALLS = gauge("bartizan_calls", "Calls under way.");
    CALLS_LIMIT = gauge("bartizan_calls_limit", "How many calls may be under way.");
    BODIES = bytes("bartizan_held_bodies", "How much of request bodies is in memory.");
    BODIES_LIMIT = bytes("bartizan_held_bodies_limit", "How much of request bodies may be in memory.");
    AUDIT_WAITING = gauge("bartizan_audit_waiting_records", "Records of decisions that are not written yet.");
    AUDIT_LIMIT = gauge("bartizan_audit_waiting_records_limit", "How many records may wait before calls are refused.");
    STORE_UP = gauge("bartizan_limits_store_reachable", "Whether the limits store answers: 1 or 0.");
    STORE_ANSWERS = counter("bartizan_limits_store_answers", "How often the limits store was asked, by what it said.");
    SPANS = counter("bartizan_trace_spans", "Spans of traces: exported, dropped as the queue was full, or failed.");
    SPANS_WAITING = gauge("bartizan_trace_waiting_spans", "Spans that are not sent yet.");
    SPANS_LIMIT = gauge("bartizan_trace_waiting_spans_limit", "How many spans may wait before further ones are dropped.");
    AUDIT_LAG = seconds("bartizan_audit_copy_lag", "For how long the database has lacked records of the audit log that the file has.");
    UPSTREAM_UP = gauge("bartizan_upstream_up", "Whether the servers of an upstream could be started or reached the last time: 1 or 0.");
    HIDDEN = gauge("bartizan_hidden_definitions", "Definitions of an upstream that are hidden, as they were not accepted.");
    REFUSED = counter("bartizan_refused_definitions", "Calls of definitions that were not accepted.");
}

/// What was read. Each method adds the samples of one part.
#[derive(Debug, Default)]
pub struct Readings(Vec<(Reading, Labels, Value)>);

#[derive(Debug, Clone, Copy)]
enum Value {
    Float(f64),
    Count(u64),
}

impl Readings {
    /// Whether callers are served, and how many checks fail because of which they are not, and
    /// though they are.
    pub fn readiness(&mut self, is_ready: bool, refusing: usize, serving: usize) {
        self.push(READY, [], is_ready.into());
        self.push(FAILING, [("affects_callers", "true")], refusing.into());
        self.push(FAILING, [("affects_callers", "false")], serving.into());
    }

    /// How often tokens for `resource` were in the cache of verified tokens, and how often not.
    pub fn token_cache(&mut self, resource: &ResourceUri, hits: u64, misses: u64) {
        let resource = ("resource", resource.as_str());
        self.push(CACHE, [resource, ("result", "hit")], Value::Count(hits));
        self.push(CACHE, [resource, ("result", "miss")], Value::Count(misses));
    }

    /// The keys of a trusted issuer: their age if they were fetched.
    pub fn issuer(
        &mut self,
        issuer: &Issuer,
        keys_age: Option<Duration>,
        is_usable: bool,
        is_failing: bool,
    ) {
        let issuer = [("issuer", issuer.as_str())];
        if let Some(age) = keys_age {
            self.push(KEYS_AGE, issuer, age.into());
        }
        self.push(ISSUER_USABLE, issuer, is_usable.into());
        self.push(ISSUER_FAILING, issuer, is_failing.into());
    }

    /// The directory: how old its answers are, if they come from memory, and whether the database
    /// answers.
    pub fn directory(&mut self, age: Option<Duration>, is_reachable: bool) {
        if let Some(age) = age {
            self.push(DIRECTORY_AGE, [], age.into());
        }
        self.push(DIRECTORY_UP, [], is_reachable.into());
    }

    /// The connections of a listener.
    pub fn connections(
        &mut self,
        listener: Listener,
        open: usize,
        in_reserve: usize,
        limit: usize,
        refused: u64,
    ) {
        let listener = ("listener", listener.text());
        self.push(CONNECTIONS, [listener, ("kind", "ordinary")], open.into());
        self.push(CONNECTIONS, [listener, ("kind", "reserve")], in_reserve.into());
        self.push(CONNECTIONS_LIMIT, [listener], limit.into());
        self.push(CONNECTIONS_REFUSED, [listener], Value::Count(refused));
    }

    /// How many TLS handshakes failed.
    pub fn failed_handshakes(&mut self, count: u64) {
        self.push(HANDSHAKES_FAILED, [], Value::Count(count));
    }

    /// For how long the certificate of the server is still valid, and in all.
    pub fn certificate(&mut self, left: Duration, lifetime: Duration) {
        self.push(CERTIFICATE, [], left.into());
        self.push(CERTIFICATE_LIFETIME, [], lifetime.into());
    }

    /// What the callers of a resource hold: streams, calls under way and bytes of bodies, each with
    /// its limit.
    pub fn held(
        &mut self,
        resource: &ResourceUri,
        [streams, most_streams]: [usize; 2],
        [calls, most_calls]: [usize; 2],
        [bodies, most_bytes]: [usize; 2],
    ) {
        let resource = [("resource", resource.as_str())];
        self.push(STREAMS, resource, streams.into());
        self.push(STREAMS_LIMIT, resource, most_streams.into());
        self.push(CALLS, resource, calls.into());
        self.push(CALLS_LIMIT, resource, most_calls.into());
        self.push(BODIES, resource, bodies.into());
        self.push(BODIES_LIMIT, resource, most_bytes.into());
    }

    /// The audit log: how many records wait to be written, and how many may.
    pub fn audit(&mut self, waiting: usize, limit: usize) {
        self.push(AUDIT_WAITING, [], waiting.into());
        self.push(AUDIT_LIMIT, [], limit.into());
    }

    /// The store in which several nodes count rates: whether it answers, and how often there was
    /// something left of a budget, nothing left, and no answer.
    pub fn limits_store(&mut self, is_reachable: bool, within: u64, beyond: u64, unknown: u64) {
        self.push(STORE_UP, [], is_reachable.into());
        for (result, count) in [("within", within), ("beyond", beyond), ("unknown", unknown)] {
            self.push(STORE_ANSWERS, [("result", result)], Value::Count(count));
        }
    }

    /// Traces: how many spans were exported, were dropped as the queue was full, and failed; how
    /// many wait, and how many may.
    pub fn traces(&mut self, results: [u64; 3], waiting: usize, limit: usize) {
        for (result, count) in ["exported", "queue_full", "failed"].into_iter().zip(results) {
            self.push(SPANS, [("result", result)], Value::Count(count));
        }
        self.push(SPANS_WAITING, [], waiting.into());
        self.push(SPANS_LIMIT, [], limit.into());
    }

    /// For how long the copy of the audit log has been behind the file.
    pub fn audit_copy(&mut self, lag: Duration) {
        self.push(AUDIT_LAG, [], lag.into());
    }

    /// An upstream of the configuration: whether it is available, how many changed and new
    /// definitions are hidden, and how many calls of such were refused.
    pub fn upstream(&mut self, name: &str, is_up: bool, changed: usize, new: usize, refused: u64) {
        let upstream = ("upstream", name);
        self.push(UPSTREAM_UP, [upstream], is_up.into());
        self.push(HIDDEN, [upstream, ("state", "changed")], changed.into());
        self.push(HIDDEN, [upstream, ("state", "new")], new.into());
        self.push(REFUSED, [upstream], Value::Count(refused));
    }

    fn push<const N: usize>(
        &mut self,
        reading: Reading,
        labels: [(&'static str, &str); N],
        value: Value,
    ) {
        let labels: Labels =
            labels.into_iter().map(|(name, value)| (name, Arc::from(value))).collect();
        // Resources share their issuers.
        if !self.0.iter().any(|(other, its, _)| *other == reading && *its == labels) {
            self.0.push((reading, labels, value));
        }
    }
}

impl From<bool> for Value {
    fn from(is_so: bool) -> Self {
        Self::Float(if is_so { 1.0 } else { 0.0 })
    }
}

impl From<usize> for Value {
    #[expect(clippy::cast_precision_loss, reason = "what is held is far below 2^53")]
    fn from(count: usize) -> Self {
        Self::Float(count as f64)
    }
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Float(duration.as_secs_f64())
    }
}

impl Reading {
    fn unit(self) -> Option<Unit> {
        self.unit.map(|unit| match unit {
            ReadUnit::Bytes => Unit::Bytes,
            ReadUnit::Seconds => Unit::Seconds,
        })
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for reading in ALL {
            let unit = reading.unit();
            let kind = if reading.is_counter { MetricType::Counter } else { MetricType::Gauge };
            let mut metric =
                encoder.encode_descriptor(reading.name, reading.help, unit.as_ref(), kind)?;
            for (_, labels, value) in self.0.iter().filter(|(other, ..)| *other == reading) {
                if labels.is_empty() {
                    value.encode(&mut metric)?;
                } else {
                    value.encode(&mut metric.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}

impl Value {
    fn encode(self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Float(value) => encoder.encode_gauge(&value),
            Self::Count(value) => encoder.encode_counter(&value, None::<&Exemplar<Labels, u64>>),
        }
    }
}
