//! The dashboard and the alerts of `docs/deploy/`: each names only what the server says, and each
//! alert has its line in `docs/operations.md`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::{exposition::Exposition, metrics::after_calls};

fn document(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The values of a member of the rules, each on one line.
fn rules(member: &str) -> Vec<String> {
    let text = document("deploy/alerts.yaml");
    let begin = format!("{member}: ");
    let lines = text.lines().filter_map(|line| {
        line.trim_start().trim_start_matches("- ").strip_prefix(&begin).map(str::to_owned)
    });
    lines.collect()
}

/// Every expression of the dashboard.
fn expressions(panel: &Value, found: &mut Vec<String>) {
    match panel {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // A variable's question is a call; the kind of the source is a word.
                    Value::String(text)
                        if name == "expr" || name == "query" && text.contains('(') =>
                    {
                        found.push(text.clone());
                    }
                    other => expressions(other, found),
                }
            }
        }
        Value::Array(members) => members.iter().for_each(|it| expressions(it, found)),
        _ => {}
    }
}

/// The metrics that `expression` reads, each with the labels that it is selected by.
fn selected(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(begin) = rest.find(|it: char| it.is_ascii_alphabetic() || it == '_') {
        let word = &rest[begin..];
        let end = word.find(|it| !is_part(it)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let is_metric = ["bartizan_", "mcp_", "process_"].iter().any(|it| word.starts_with(it));
        rest = after;
        if !is_metric || word == "mcp_method_name" {
            // The text of a label's value is no metric.
            if let Some(quoted) = after.strip_prefix("=~\"").or(after.strip_prefix("=\"")) {
                rest = quoted.split_once('"').unwrap().1;
            }
            continue;
        }
        let mut labels = BTreeSet::new();
        if let Some(inside) = after.strip_prefix('{') {
            let (inside, behind) = inside.split_once('}').unwrap();
            let names = inside.split(',').map(|it| it.split(['=', '!']).next().unwrap());
            labels.extend(names.map(|name| name.trim().to_owned()));
            rest = behind;
        }
        found.push((word.to_owned(), labels));
    }
    found
}

/// What other servers say: one that copies its audit log to PostgreSQL (`tests/audit/copy.rs` reads
/// it), one with TLS (`tests/tls` does), and one that exports traces (`traces.rs` does).
const OF_OTHERS: [&str; 7] = [
    "bartizan_audit_copy_lag_seconds",
    "bartizan_tls_certificate_left_seconds",
    "bartizan_tls_certificate_lifetime_seconds",
    "bartizan_tls_handshakes_failed_total",
    "bartizan_trace_spans_total",
    "bartizan_trace_waiting_spans",
    "bartizan_trace_waiting_spans_limit",
];

/// Fails unless the server says everything that `expression` reads.
fn check(expression: &str, found: &Exposition) -> usize {
    let read = selected(expression);
    for (name, labels) in &read {
        // A target has them, whatever it says.
        let own = labels.iter().filter(|it| !["job", "instance"].contains(&it.as_str()));
        let own: BTreeSet<_> = own.collect();
        let exists = found.samples().any(|sample| {
            sample.name == *name && own.iter().all(|label| sample.labels.contains_key(*label))
        });
        let exists = exists || OF_OTHERS.contains(&name.as_str());
        assert!(exists, "{name} {labels:?} is not in the metrics: {expression}");
    }
    read.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_metric_of_the_dashboard_and_of_the_alerts_is_one_of_the_server() {
    let found = after_calls().await;
    let dashboard: Value = serde_json::from_str(&document("deploy/dashboard.json")).unwrap();
    let mut expressions_found = Vec::new();
    expressions(&dashboard, &mut expressions_found);
    assert!(expressions_found.len() >= 15, "{expressions_found:?}");
    let shown: BTreeSet<_> =
        expressions_found.iter().flat_map(|it| selected(it)).map(|(name, _)| name).collect();
    for family in found.families.keys().map(String::as_str).chain(OF_OTHERS) {
        let mut names =
            ["", "_total", "_bucket", "_info"].map(|end| format!("{family}{end}")).into_iter();
        assert!(names.any(|name| shown.contains(&name)), "{family} is not on the dashboard");
    }
    let expressions = expressions_found.into_iter().chain(rules("expr"));
    let mut named = BTreeSet::new();
    for expression in expressions {
        let read = check(&expression, &found);
        assert!(read > 0 || expression.contains("up{"), "{expression}");
        named.extend(selected(&expression).into_iter().map(|(name, _)| name));
    }
    assert!(named.contains("mcp_server_operation_duration_seconds_bucket"), "{named:?}");
    assert!(named.contains("bartizan_decisions_total"), "{named:?}");
}

#[test]
fn the_alert_of_the_certificate_does_not_fire_for_one_that_is_short_lived_and_new() {
    let reads = |expression: &String| -> Vec<_> {
        selected(expression).into_iter().map(|(name, _)| name).collect()
    };
    let of_certificates: Vec<_> = rules("expr")
        .iter()
        .map(reads)
        .filter(|names| names.contains(&"bartizan_tls_certificate_left_seconds".to_owned()))
        .collect();
    assert_eq!(of_certificates.len(), 1, "{of_certificates:?}");
    let lifetime = "bartizan_tls_certificate_lifetime_seconds".to_owned();
    assert!(of_certificates[0].contains(&lifetime), "{of_certificates:?}");
}

#[test]
fn what_an_expression_reads_is_found_in_it() {
    let text = "sum by (reason) (rate(bartizan_a_total{outcome=\"x_y\", job=~\"b\"}[5m])) / bartizan_b > 1";
    let names = |it: (String, BTreeSet<String>)| (it.0, it.1.into_iter().collect::<Vec<_>>());
    let found: Vec<_> = selected(text).into_iter().map(names).collect();
    let labels = vec!["job".to_owned(), "outcome".to_owned()];
    assert_eq!(found, [("bartizan_a_total".into(), labels), ("bartizan_b".into(), vec![])]);
}

#[test]
fn each_alert_has_its_line_in_the_runbook_and_each_line_its_alert() {
    let alerts: BTreeSet<_> = rules("alert").into_iter().collect();
    assert_eq!(alerts.len(), rules("expr").len());
    assert_eq!(alerts.len(), rules("summary").len());
    let operations = document("operations.md");
    let section = operations.split_once("\n## Alerts\n").unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let described: BTreeSet<_> =
        lines.map(|line| line.split_once('`').unwrap().0.to_owned()).collect();
    assert_eq!(described, alerts);
}
