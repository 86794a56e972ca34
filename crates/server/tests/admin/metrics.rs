//! Real calls of each outcome, and what is counted of them.

use std::{collections::BTreeMap, fs};

use auth_core::Algorithm;
use serde_json::json;
use testkit::{TestIssuer, TestKey};

use crate::{
    exposition::{Exposition, Sample},
    program::{Running, World, call, request, request_2025},
};

/// A server over stdio whose tools are in a file.
const NOTES: &str = include_str!("../commands/notes.sh");
const TOOLS: &str = r#"[{"name":"get_note","inputSchema":{"type":"object"}},{"name":"put_note","inputSchema":{"type":"object"}}]"#;

/// Every family: its type and its unit.
const FAMILIES: [(&str, &str, Option<&str>); 37] = [
    ("bartizan_audit_copy_lag_seconds", "gauge", Some("seconds")),
    ("bartizan_audit_waiting_records", "gauge", None),
    ("bartizan_audit_waiting_records_limit", "gauge", None),
    ("bartizan_build", "info", None),
    ("bartizan_calls", "gauge", None),
    ("bartizan_calls_limit", "gauge", None),
    ("bartizan_connections", "gauge", None),
    ("bartizan_connections_limit", "gauge", None),
    ("bartizan_connections_refused", "counter", None),
    ("bartizan_decisions", "counter", None),
    ("bartizan_directory_age_seconds", "gauge", Some("seconds")),
    ("bartizan_directory_reachable", "gauge", None),
    ("bartizan_failing_checks", "gauge", None),
    ("bartizan_held_bodies_bytes", "gauge", Some("bytes")),
    ("bartizan_held_bodies_limit_bytes", "gauge", Some("bytes")),
    ("bartizan_hidden_definitions", "gauge", None),
    ("bartizan_issuer_failing", "gauge", None),
    ("bartizan_issuer_keys_age_seconds", "gauge", Some("seconds")),
    ("bartizan_issuer_usable", "gauge", None),
    ("bartizan_limits_store_answers", "counter", None),
    ("bartizan_limits_store_reachable", "gauge", None),
    ("bartizan_panics", "counter", None),
    ("bartizan_ready", "gauge", None),
    ("bartizan_refused_definitions", "counter", None),
    ("bartizan_streams", "gauge", None),
    ("bartizan_streams_limit", "gauge", None),
    ("bartizan_tls_certificate_left_seconds", "gauge", Some("seconds")),
    ("bartizan_tls_certificate_lifetime_seconds", "gauge", Some("seconds")),
    ("bartizan_tls_handshakes_failed", "counter", None),
    ("bartizan_token_cache_lookups", "counter", None),
    ("bartizan_trace_spans", "counter", None),
    ("bartizan_trace_waiting_spans", "gauge", None),
    ("bartizan_trace_waiting_spans_limit", "gauge", None),
    ("bartizan_unreadable_lists", "counter", None),
    ("bartizan_upstream_up", "gauge", None),
    ("mcp_server_operation_duration_seconds", "histogram", Some("seconds")),
    ("process_start_time_seconds", "gauge", Some("seconds")),
];

/// A gateway in front of the notes, which trusts another issuer as well, with calls of each
/// outcome: what must be counted of them.
pub(crate) async fn called()
-> (World, Running, TestIssuer, BTreeMap<(&'static str, &'static str), f64>) {
    let world = World::new();
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[TestKey::shared(Algorithm::Es256)]);
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    fs::write(world.path("tools.json"), TOOLS).unwrap();
    let mut config = format!(
        "[upstreams.notes]\ncommand = [\"sh\", \"notes.sh\"]\npath = \"/mcp\"\n[issuers.\"{}\"]\n",
        issuer.issuer()
    );
    // No one listens there.
    config.push_str("[limits]\nmax_calls = 77\nstore = \"redis://127.0.0.1:1\"\n");
    config.push_str("[audit]\nfile = \"audit.jsonl\"\nkey_file = \"audit.pem\"\n");
    let key = TestKey::shared(Algorithm::Es256).private_pem().unwrap();
    world.write_secret("audit.pem", &key);
    fs::write(world.path("bartizan.toml"), config).unwrap();
    world.run(&["upstreams", "accept", "notes"]);
    world.run(&["users", "add", "carol"]);
    world.run(&["users", "disable", "carol"]);
    let server = world.start(&["gateway"], "127.0.0.1:0");

    let (both, read) = ("notes:read notes:write", "notes:read");
    let alice = world.token("alice", both);
    for _ in 0..3 {
        assert_eq!(server.call("get_note", &alice).await, 200, "{}", server.log());
    }
    let bearer = format!("Bearer {alice}");
    let list = request("tools/list", &json!({}));
    assert_eq!(server.post(list, &[("authorization", &bearer)]).await, 200);
    assert_eq!(server.call("put_note", &world.token("alice", read)).await, 403);
    assert_eq!(server.call("put_note", &world.token("bob", both)).await, 403);
    assert_eq!(server.call("secret_name", &alice).await, 403);
    let unknown = request("x\"}\n# HELP evil", &json!({}));
    assert_eq!(server.post(unknown, &[("authorization", &bearer)]).await, 403);

    let now = auth_core::Clock::now(&auth_core::SystemClock).as_secs();
    let stranger = TestKey::generate(Algorithm::Hs256);
    for token in [
        "no-token".to_owned(),
        world.forge("alice", both).header("typ", "JWT").sign(world.key),
        world.forge("alice", both).claim("iss", "https://evil.example").sign(world.key),
        world.forge("alice", both).header("alg", "ES256").sign(world.key),
        world.forge("alice", both).claim("aud", "https://evil.example/mcp").sign(world.key),
        world.forge("alice", both).claim("exp", now - 600).sign(world.key),
        world.forge("alice", both).claim("nbf", now + 600).sign(world.key),
        world.forge("alice", both).without_claim("sub").sign(world.key),
        world.forge("alice", both).claim("cnf", json!({ "jkt": "x" })).sign(world.key),
        world.forge("alice", both).claim("scope", json!(7)).sign(world.key),
        world.forge("alice", both).sign(&stranger),
    ] {
        assert_eq!(server.call("get_note", &token).await, 401, "{token}");
    }
    assert_eq!(server.call("get_note", &world.token("nobody", both)).await, 403);
    assert_eq!(server.call("get_note", &world.token("carol", both)).await, 403);

    assert_eq!(server.post(call("get_note"), &[]).await, 401);
    let from = [("authorization", &*bearer), ("host", "evil.example")];
    assert_eq!(server.post(call("get_note"), &from).await, 403);
    let old = request_2025("tools/list", &json!({}));
    let session = [
        ("authorization", &*bearer),
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-session-id", "another's"),
    ];
    assert_eq!(server.post(old, &session).await, 404);
    assert_eq!(server.post("[]".into(), &[("authorization", &bearer)]).await, 400);

    let mut expected: BTreeMap<_, _> = [
        "form",
        "type",
        "issuer",
        "key",
        "audience",
        "expired",
        "not_yet_valid",
        "subject",
        "binding",
        "claims",
        "signature",
        "unknown_user",
        "disabled_user",
    ]
    .map(|reason| (("unauthenticated", reason), 1.0))
    .into();
    expected.extend(
        ["missing_token", "forbidden_origin", "not_owned", "malformed"]
            .map(|reason| (("refused", reason), 1.0)),
    );
    expected.extend([
        (("permitted", "granted"), 4.0),
        (("denied", "missing_scope"), 1.0),
        (("denied", "beyond_ceiling"), 1.0),
        (("denied", "no_rule"), 2.0),
    ]);
    (world, server, issuer, expected)
}

/// The metrics after calls of each outcome.
pub(crate) async fn after_calls() -> Exposition {
    let (_world, server, _issuer, _) = called().await;
    server.scrape().await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_counted_once_by_its_outcome_and_reason() {
    let (_world, server, issuer, expected) = called().await;
    let (found, text) = server.scrape().await;

    let families: Vec<_> = found
        .families
        .iter()
        .map(|(name, family)| (name.as_str(), family.kind.as_str(), family.unit.as_deref()))
        .collect();
    assert_eq!(families, FAMILIES);

    let decisions = found.families["bartizan_decisions"].samples.iter();
    for sample in decisions {
        let label = |name: &str| sample.labels[name].as_str();
        assert_eq!(label("resource"), "http://localhost:8000/mcp");
        let of = expected.iter().find(|(key, _)| **key == (label("outcome"), label("reason")));
        assert_eq!(sample.value, of.map_or(0.0, |(_, count)| *count), "{sample:?}");
    }
    let outcomes = expected.keys().map(|(outcome, _)| *outcome);
    assert_eq!(outcomes.collect::<std::collections::BTreeSet<_>>().len(), 4);
    for (outcome, reason) in expected.keys() {
        found.value("bartizan_decisions_total", &[("outcome", outcome), ("reason", reason)]);
    }

    operations(&found);
    assert_eq!(found.value("bartizan_token_cache_lookups_total", &[("result", "hit")]), 7.0);
    assert!(found.value("bartizan_token_cache_lookups_total", &[("result", "miss")]) >= 4.0);
    assert_eq!(found.value("bartizan_upstream_up", &[("upstream", "notes")]), 1.0);
    assert_eq!(found.value("bartizan_ready", &[]), 1.0);
    assert_eq!(found.value("bartizan_directory_reachable", &[]), 1.0);
    assert!(found.value("bartizan_audit_waiting_records_limit", &[]) >= 1.0);
    assert!(found.value("bartizan_audit_waiting_records", &[]) >= 0.0);
    let issuer = issuer.issuer();
    assert_eq!(found.value("bartizan_issuer_usable", &[("issuer", &issuer)]), 1.0);
    assert!(found.value("bartizan_issuer_keys_age_seconds", &[("issuer", &issuer)]) < 600.0);
    let ours = [("listener", "main"), ("kind", "ordinary")];
    assert!(found.value("bartizan_connections", &ours) >= 1.0);
    assert_eq!(found.value("bartizan_streams", &[]), 0.0);
    assert_eq!(found.value("bartizan_calls", &[]), 0.0);
    assert_eq!(found.value("bartizan_calls_limit", &[]), 77.0);
    assert_eq!(found.value("bartizan_limits_store_reachable", &[]), 0.0);
    for result in ["within", "beyond", "unknown"] {
        let answers = found.value("bartizan_limits_store_answers_total", &[("result", result)]);
        assert_eq!(answers, 0.0, "nothing has a rate");
    }
    assert_eq!(found.value("bartizan_panics_total", &[]), 0.0);

    // No text of a caller is anywhere: no tool that has no rule, no method, no user, no token.
    for word in ["secret_name", "evil", "HELP evil", "alice", "bob", "nobody", "eyJ"] {
        assert!(!text.contains(word), "{word} is in:\n{text}");
    }
}

/// What was measured of the calls.
fn operations(found: &Exposition) {
    let count = |labels: &[(&str, &str)]| {
        let family = &found.families["mcp_server_operation_duration_seconds"];
        let samples = family.samples.iter().filter(|it| it.name.ends_with("_count"));
        let of = samples.filter(|Sample { labels: own, .. }| {
            let has =
                |(label, value): &(&str, &str)| own.get(*label).map(String::as_str) == Some(*value);
            own.len() == labels.len() + 1 && labels.iter().all(has)
        });
        of.map(|sample| sample.value).sum::<f64>()
    };
    let method = ("mcp_method_name", "tools/call");
    let refused = ("error_type", "403");
    assert_eq!(count(&[method, ("gen_ai_tool_name", "get_note")]), 3.0);
    assert_eq!(count(&[method, ("gen_ai_tool_name", "put_note"), refused]), 2.0);
    assert_eq!(count(&[method, refused]), 1.0, "a tool without a rule has no name");
    assert_eq!(count(&[("mcp_method_name", "_OTHER"), refused]), 1.0);
    assert_eq!(count(&[("mcp_method_name", "tools/list")]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_seen_by_the_next_scrape() {
    let (world, server, mut issuer, _) = called().await;
    fs::write(
        world.path("tools.json"),
        TOOLS.replace("\"put_note\"", "\"put_note\",\"title\":\"x\""),
    )
    .unwrap();
    issuer.stop().await;
    let list = request("tools/list", &json!({}));
    let bearer = format!("Bearer {}", world.token("alice", "notes:read notes:write"));
    assert_eq!(server.post(list, &[("authorization", &bearer)]).await, 200);
    server.call("put_note", &world.token("alice", "notes:read notes:write")).await;
    let (found, _) = server.scrape().await;
    let changed = [("upstream", "notes"), ("state", "changed")];
    assert_eq!(found.value("bartizan_hidden_definitions", &changed), 1.0);
    assert_eq!(found.value("bartizan_refused_definitions_total", &[]), 1.0);
    assert_eq!(found.value("bartizan_failing_checks", &[("affects_callers", "false")]), 2.0);
    let ready = server.ready().await;
    assert_eq!(ready["ready"], true);
    let failing = ready["failing"].to_string();
    for what in
        ["1 changed and 0 new definitions are hidden", "counting rates in the limits store fails"]
    {
        assert!(failing.contains(what), "{failing}");
    }
}
