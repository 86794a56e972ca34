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
    let head = ["RESOURCE", "REQUESTS", "PER SECOND", "REFUSED", "P50", "P99", "STREAMS"];
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

fn row(resource: &str, traffic: &Traffic) -> [String; 7] {
    [
        resource.to_owned(),
        traffic.requests.to_string(),
        rate(traffic.requests_per_second),
        traffic.refused.to_string(),
        bound(traffic.p50_seconds),
        bound(traffic.p99_seconds),
        of(&traffic.streams),
    ]
}

/// The parts of the server, each with its state.
fn state_rows(status: &Status) -> Vec<[String; 2]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows = vec![["Connections".to_owned(), of(&status.connections)]];
    let directory = status.readiness.get("directory");
    let age = directory.and_then(|it| it["age_seconds"].as_f64());
    let age = age.map(|age| format!(", asked {age:.1} s ago")).unwrap_or_default();
    let is_reachable = directory.is_some_and(|it| it["reachable"] == true);
    let state = if is_reachable { "reachable" } else { "NOT REACHABLE" };
    rows.push(["Directory".into(), format!("{state}{age}")]);
    for issuer in list(status, "issuers") {
        let state = if issuer["usable"] == true { "usable" } else { "NOT USABLE" };
        let keys = issuer["keys_fetched"].as_str().map(|date| format!(", keys of {date}"));
        let error = issuer["error"].as_str().map(|error| format!(", {error}"));
        let state = format!("{state}{}{}", keys.unwrap_or_default(), error.unwrap_or_default());
        rows.push([format!("Issuer {}", text(&issuer["issuer"])), state]);
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
        let since = failing["since"].as_str().map(|it| format!(", since {it}"));
        let what = text(&failing["what"]);
        rows.push(["Fails".into(), format!("{what}{}", since.unwrap_or_default())]);
    }
    rows
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
