//! Row 28: the methods that rmcp understands, each looked at by a person. An rmcp that understands
//! one more fails here, and the new one is refused until a rule is given to it.

use std::collections::BTreeSet;

use rmcp::model::{ClientNotification, ClientRequest};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;
use server::{BUILT_IN, McpServer, parse_policy};

/// Refused unless a policy rules them, by name or by what they are aimed at.
const RULED: [&str; 9] = [
    "completion/complete",
    "logging/setLevel",
    "prompts/get",
    "resources/directory/read",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "skills/get",
    "tools/call",
];
/// What it takes to speak the protocol at all, and what is guarded by more than a rule: lists show
/// what the caller may use, tasks answer their owner, and each kind that is listened to needs its
/// own permit.
const PROTOCOL: [&str; 16] = [
    "initialize",
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "notifications/roots/list_changed",
    "ping",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
    "skills/list",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/update",
    "tools/list",
];

/// Every `const` of a member called `method` in the schema of `T`.
fn methods<T: JsonSchema>() -> BTreeSet<String> {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        if let Some(method) = value.pointer("/properties/method/const").and_then(Value::as_str) {
            found.insert(method.to_owned());
        }
        match value {
            Value::Object(members) => members.values().for_each(|value| collect(value, found)),
            Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let schema = serde_json::to_value(schema_for!(T)).unwrap();
    let mut found = BTreeSet::new();
    collect(&schema, &mut found);
    // Names of methods are types of their own in rmcp: `{"const": "ping"}` behind a reference.
    let definitions = schema["$defs"].as_object().unwrap();
    for definition in definitions.values() {
        found.extend(
            definition["const"]
                .as_str()
                .filter(|text| text.contains('/') || *text == "ping" || *text == "initialize")
                .map(str::to_owned),
        );
    }
    found
}

#[test]
fn every_method_of_rmcp_has_been_looked_at() {
    let known: BTreeSet<String> = RULED.into_iter().chain(PROTOCOL).map(str::to_owned).collect();
    let mut understood = methods::<ClientRequest>();
    understood.extend(methods::<ClientNotification>());
    assert_eq!(understood, known, "what rmcp understands, and what has been reviewed");
    let policy = parse_policy(BUILT_IN, &McpServer::offers()).unwrap();
    let open: BTreeSet<String> = policy
        .actions()
        .into_iter()
        .filter(|action| action.target().is_none())
        .map(|action| action.method().to_owned())
        .filter(|method| !["response", "session/stream", "session/end"].contains(&method.as_str()))
        .collect();
    assert_eq!(open, PROTOCOL.map(str::to_owned).into());
}
