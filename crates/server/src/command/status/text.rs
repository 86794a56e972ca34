//! A status as people read it: a screen, or one line.

use std::{fmt::Write, time::Duration};

use auth_core::display;
use serde_json::Value;
use terminal::{duration, table::Table};

use super::figures::{Bounded, Status, Traffic};

/// Everything, on several lines, for a terminal of `columns` columns if there is one.
pub(super) fn screen(status: &Status, columns: Option<usize>) -> String {
    let mut text = String::new();
    let state = if is_ready(status) { "Ready" } else { "NOT READY" };
    let since = status.started.as_deref().unwrap_or("?");
    // A String takes everything.
    let _ =
        writeln!(text, "{state}, version {}, started {since}", display::escape(&status.version));
    let period = duration::words(
        Duration::try_from_secs_f64(status.period_seconds.round()).unwrap_or_default(),
    );
    let _ = if status.is_since_start {
        writeln!(text, "Figures since the start, {period} ago\n")
    } else {
        writeln!(text, "Figures of the last {period}\n")
    };
    let rows = status.resources.iter().map(|(resource, traffic)| row(resource, traffic));
    let head = ["RESOURCE", "REQUESTS", "PER SECOND", "REFUSED", "P50", "P99", "CALLS", "STREAMS"];
    let _ = writeln!(text, "{}", Table::new(head).rows(rows).within(columns));
    if !status.refusals.is_empty() {
        let rows = status.refusals.iter().map(|it| {
            [format!("{}: {}", it.outcome, it.reason), it.count.to_string(), rate(it.per_second)]
        });
        let _ = writeln!(text, "{}", Table::new(["REFUSED", "REQUESTS", "PER SECOND"]).rows(rows));
    }
    let _ = write!(text, "{}", Table::without_head().rows(state_rows(status)).within(columns));
    text
}

/// The totals on one line, each as `name=value`. `at`: when (RFC 3339).
pub(super) fn line(status: &Status, at: &str) -> String {
    let Traffic {
        requests_per_second, refused_per_second, p50_seconds, p99_seconds, streams, ..
    } = &status.total;
    let failing = list(status, "failing").len();
    format!(
        "{at} ready={} failing={failing} requests={}/s refused={}/s p50={} p99={} streams={} connections={}\n",
        is_ready(status),
        rate(*requests_per_second),
        rate(*refused_per_second),
        bound(*p50_seconds).replace(' ', ""),
        bound(*p99_seconds).replace(' ', ""),
        streams.used,
        status.connections.used,
    )
}

fn row(resource: &str, traffic: &Traffic) -> [String; 8] {
    [
        resource.to_owned(),
        traffic.requests.to_string(),
        rate(traffic.requests_per_second),
        traffic.refused.to_string(),
        bound(traffic.p50_seconds),
        bound(traffic.p99_seconds),
        of(&traffic.calls),
        of(&traffic.streams),
    ]
}

/// The parts of the server, each with its state.
fn state_rows(status: &Status) -> Vec<[String; 2]> {
    let mut rows = vec![["Connections".to_owned(), of(&status.connections)]];
    let directory = status.readiness.get("directory");
    let age = directory.and_then(|it| it.get("age_seconds")?.as_f64());
    let age = age.map(|age| format!(", asked {age:.1} s ago")).unwrap_or_default();
    let is_reachable = directory.is_some_and(|it| is(it, "reachable"));
    let state = if is_reachable { "reachable" } else { "NOT REACHABLE" };
    rows.push(["Directory".into(), format!("{state}{age}")]);
    for issuer in list(status, "issuers") {
        let state = if is(issuer, "usable") { "usable" } else { "NOT USABLE" };
        let keys = part(issuer, ", keys of ", "keys_fetched");
        let error = part(issuer, ", ", "error");
        rows.push([part(issuer, "Issuer ", "issuer"), format!("{state}{keys}{error}")]);
    }
    if let Some(is_reachable) = status.is_limits_store_reachable {
        let state =
            if is_reachable { "reachable" } else { "NOT REACHABLE: rates are of this node" };
        rows.push(["Limits store".into(), state.into()]);
    }
    for (name, upstream) in &status.upstreams {
        let state = if upstream.is_up { "up" } else { "DOWN" };
        let hidden = match upstream.hidden_definitions {
            0 => String::new(),
            count => format!(", hidden definitions: {count}"),
        };
        rows.push([format!("Upstream {name}"), format!("{state}{hidden}")]);
    }
    for failing in list(status, "failing") {
        let (what, since) = (part(failing, "", "what"), part(failing, ", since ", "since"));
        let reason = part(failing, ": ", "reason");
        rows.push(["Fails".into(), format!("{what}{since}{reason}")]);
    }
    rows
}

/// Whether a member of `value` is `true`.
fn is(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A text of `value` after `begin`; nothing if there is none.
fn part(value: &Value, begin: &str, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.map(|text| format!("{begin}{text}")).unwrap_or_default()
}

fn is_ready(status: &Status) -> bool {
    status.readiness.get("ready").and_then(Value::as_bool).unwrap_or_default()
}

fn list<'a>(status: &'a Status, name: &str) -> &'a [Value] {
    status.readiness.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn of(bounded: &Bounded) -> String {
    format!("{} of {}", bounded.used, bounded.limit)
}

fn rate(per_second: f64) -> String {
    format!("{per_second:.1}")
}

/// A percentile: the bound of its bucket.
fn bound(secs: Option<f64>) -> String {
    match secs {
        None => "-".into(),
        Some(secs) if secs < 1.0 => format!("<={:.0} ms", secs * 1000.0),
        Some(secs) => format!("<={secs:.0} s"),
    }
}
