//! Records as events of the Open Cybersecurity Schema Framework (<https://schema.ocsf.io/1.3.0>):
//! class API Activity, with the profile Security Control, which has what was allowed.

use std::net::IpAddr;

use auth_core::audit::{Change, Decision, Entry, Line, Outcome};
use serde_json::{Map, Value, json};

/// The version of the schema.
const SCHEMA: &str = "1.3.0";
/// API Activity, in the category Application Activity.
const CLASS: u64 = 6003;
const CATEGORY: u64 = 6;
/// `activity_id`.
const READ: u64 = 2;
const OTHER: u64 = 99;
/// `severity_id`.
const INFORMATIONAL: u64 = 1;
const LOW: u64 = 2;
const MEDIUM: u64 = 3;
/// What is before the name of who called `sudo` in the author of a change.
const SUDO: &str = " (sudo by ";

/// The event of a decision or a change; `None` for what only the log itself needs.
pub(super) fn event(line: &Line) -> Option<Value> {
    match &line.entry {
        Entry::Decision(decision) => Some(of_decision(line, decision)),
        Entry::Change(change) => Some(of_change(line, change)),
        _ => None,
    }
}

fn of_decision(line: &Line, decision: &Decision) -> Value {
    let what = &decision.what;
    let operation = what.method.as_deref().unwrap_or("unknown");
    let reads =
        ["resources/read", "prompts/get"].contains(&operation) || operation.ends_with("/list");
    let (activity, name) = if reads { (READ, "Read") } else { (OTHER, operation) };
    let (severity, is_allowed, is_success) = match decision.outcome {
        Outcome::Permitted => (INFORMATIONAL, true, true),
        Outcome::Failed => (MEDIUM, true, false),
        Outcome::Denied | Outcome::Unauthenticated | Outcome::Refused | Outcome::Ended => {
            (LOW, false, false)
        }
    };
    let mut event = base(line, activity, name, severity);
    event.insert("actor".into(), actor(decision));
    event.insert(
        "api".into(),
        json!({
            "operation": operation,
            "request": { "uid": decision.request },
            "service": { "name": what.resource, "uid": what.resource },
        }),
    );
    event.insert("src_endpoint".into(), endpoint(decision.address));
    if let Some(target) = &what.target {
        let kind = match operation {
            "tools/call" => "tool",
            "prompts/get" => "prompt",
            _ => "resource",
        };
        event.insert("resources".into(), json!([{ "name": target, "type": kind }]));
    }
    let (action, action_name) = if is_allowed { (1, "Allowed") } else { (2, "Denied") };
    event.insert("action_id".into(), json!(action));
    event.insert("action".into(), json!(action_name));
    let (status, status_name) = if is_success { (1, "Success") } else { (2, "Failure") };
    event.insert("status_id".into(), json!(status));
    event.insert("status".into(), json!(status_name));
    if let Some(reason) = &decision.reason {
        event.insert("status_detail".into(), json!(reason));
    }
    if let (Some(metadata), Some(trace)) = (event.get_mut("metadata"), &decision.trace) {
        put(metadata, "correlation_uid", json!(trace));
    }
    let mut unmapped = json!({ "outcome": decision.outcome.name(), "node": line.node });
    if let Some(digest) = what.arguments {
        put(&mut unmapped, "arguments_sha256", json!(digest));
    }
    if !what.values.is_empty() {
        put(&mut unmapped, "arguments", json!(what.values));
    }
    if let Some(digest) = decision.policy {
        put(&mut unmapped, "policy_sha256", json!(digest));
    }
    if let Some(who) = decision.who.as_ref().filter(|who| !who.actors.is_empty()) {
        put(&mut unmapped, "actors", json!(who.actors));
    }
    event.insert("unmapped".into(), unmapped);
    Value::Object(event)
}

fn of_change(line: &Line, change: &Change) -> Value {
    let mut event = base(line, OTHER, &change.command, LOW);
    let (account, machine) = change.by.split_once('@').unwrap_or((&change.by, "unknown"));
    // Who called sudo is no part of the machine's name.
    let (machine, sudo) = match machine.strip_suffix(')').and_then(|it| it.split_once(SUDO)) {
        Some((machine, caller)) => (machine, Some(caller)),
        None => (machine, None),
    };
    event.insert("actor".into(), json!({ "user": { "name": account } }));
    event.insert("api".into(), json!({ "operation": change.command }));
    event.insert("src_endpoint".into(), json!({ "name": machine }));
    if let Some(object) = &change.object {
        event.insert("resources".into(), json!([{ "name": object }]));
    }
    event.insert("action_id".into(), json!(1));
    event.insert("action".into(), json!("Allowed"));
    event.insert("status_id".into(), json!(1));
    event.insert("status".into(), json!("Success"));
    let mut unmapped = json!({ "detail": change.detail, "node": line.node });
    if let Some(issuer) = &change.issuer {
        put(&mut unmapped, "issuer", json!(issuer));
    }
    if let Some(caller) = sudo {
        put(&mut unmapped, "sudo_by", json!(caller));
    }
    event.insert("unmapped".into(), unmapped);
    Value::Object(event)
}

/// What every event of the class has.
fn base(line: &Line, activity: u64, name: &str, severity: u64) -> Map<String, Value> {
    let event = json!({
        "activity_id": activity,
        "activity_name": name,
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + activity,
        "severity_id": severity,
        "time": line.time.as_millis(),
        "metadata": {
            "version": SCHEMA,
            "profiles": ["security_control"],
            "product": {
                "name": "Bartizan",
                "vendor_name": "Bartizan",
                "version": env!("CARGO_PKG_VERSION"),
            },
            "log_name": "audit",
            "sequence": line.sequence,
            "uid": line.hash,
        },
    });
    match event {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn actor(decision: &Decision) -> Value {
    let Some(who) = &decision.who else { return json!({ "user": { "name": "anonymous" } }) };
    let mut actor = json!({
        "user": { "uid": who.subject, "name": who.subject },
        "idp": { "name": who.issuer, "uid": who.issuer },
    });
    if let Some(client) = &who.client {
        put(&mut actor, "app_uid", json!(client));
    }
    actor
}

/// Adds a member to an object.
fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn endpoint(address: Option<IpAddr>) -> Value {
    address.map_or_else(|| json!({ "name": "unknown" }), |address| json!({ "ip": address }))
}
