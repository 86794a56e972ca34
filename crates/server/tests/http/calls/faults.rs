//! What can be wrong or unusual in the headers and the body of a call.

use serde_json::{Value, json};

use super::world::Headers;

/// A change of the headers or the body.
pub(super) type Change<T> = Box<dyn Fn(&mut T)>;

/// Gives the header this one value.
fn set(name: &'static str, value: &'static str) -> impl Fn(&mut Headers) {
    move |headers| {
        headers.retain(|(it, _)| *it != name);
        headers.push((name, value.into()));
    }
}

/// Changes of the headers.
pub(super) fn header_faults() -> Vec<Change<Headers>> {
    let mut faults: Vec<Change<Headers>> = Vec::new();
    for (name, values) in [
        (
            "content-type",
            &["text/plain", "application/json; charset=utf-8", "Application/JSON", ""][..],
        ),
        (
            "accept",
            &[
                "text/event-stream,application/json",
                "text/event-stream, application/json, */*",
                "application/json",
                "text/event-stream",
                "*/*",
                "application/json;q=0, text/event-stream",
                "application/json;q=0.5, text/event-stream",
                "text/html; a=\"b, application/json, text/event-stream, c\"",
                "application/json, text/event-stream, application/json;q=0",
                "application/json-seq, text/event-stream",
                "",
            ],
        ),
        ("mcp-protocol-version", &["2025-06-18", "2026-07-28", "x", "\u{e9}"]),
        ("mcp-method", &["tools/call", "tools/list", "TOOLS/CALL", "\u{e9}", ""]),
        ("mcp-name", &["get_time", "whoami", "=?base64?Z2V0X3RpbWU=?=", "=?base64?!?=", ""]),
        ("mcp-param-x", &["1"]),
        ("mcp-session-id", &["a-session"]),
        ("last-event-id", &["1"]),
        ("origin", &["http://localhost:8000", "https://other.example"]),
        ("x-other", &["1"]),
    ] {
        faults.push(Box::new(move |headers| headers.retain(|(it, _)| *it != name)));
        for value in values {
            faults.push(Box::new(set(name, value)));
        }
        // The first value once more, before the existing headers and after them.
        let again = (name, values[0].to_owned());
        let before = again.clone();
        faults.push(Box::new(move |headers| headers.insert(0, before.clone())));
        faults.push(Box::new(move |headers| headers.push(again.clone())));
        let twice = move |headers: &mut Headers| {
            let again: Vec<_> = headers.iter().filter(|(it, _)| *it == name).cloned().collect();
            headers.extend(again);
        };
        faults.push(Box::new(twice));
    }
    faults
}

/// Puts `value` at the JSON pointer `pointer` of the body, creating objects on the way; `None`
/// removes the member.
fn put(pointer: &'static str, value: Option<Value>) -> impl Fn(&mut String) {
    move |body| {
        let mut message: Value = serde_json::from_str(body).unwrap();
        let (parents, member) = pointer.rsplit_once('/').unwrap();
        let mut place = &mut message;
        for parent in parents.split('/').skip(1) {
            let members = place.as_object_mut().unwrap();
            place = members.entry(parent).or_insert_with(|| json!({}));
        }
        let (place, member) = (place.as_object_mut().unwrap(), member.replace("~1", "/"));
        match &value {
            Some(value) => place.insert(member, value.clone()),
            None => place.remove(&member),
        };
        *body = message.to_string();
    }
}

/// Changes of the body.
pub(super) fn body_faults() -> Vec<Change<String>> {
    let mut faults: Vec<Change<String>> = Vec::new();
    let values = || {
        [
            json!(null),
            json!(true),
            json!(0),
            json!(-1),
            json!(1.0),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!(""),
            json!("2.0"),
            json!("get_time"),
            json!("whoami"),
            json!("2025-03-26"),
            json!("2025-06-18"),
            json!("2026-07-28"),
            json!("\u{e9}\n\"\\"),
            json!([]),
            json!([1]),
            json!({}),
            json!({ "a": { "b": [1, null, "x"] }, "name": "whoami" }),
        ]
    };
    for pointer in [
        "/jsonrpc",
        "/id",
        "/method",
        "/params",
        "/other",
        "/result",
        "/params/name",
        "/params/arguments",
        "/params/_meta",
        "/params/_meta/progressToken",
        "/params/_meta/other",
        "/params/_meta/traceparent",
        "/params/_meta/io.modelcontextprotocol~1protocolVersion",
        "/params/_meta/io.modelcontextprotocol~1clientInfo",
        "/params/_meta/io.modelcontextprotocol~1clientCapabilities",
        "/params/_meta/io.modelcontextprotocol~1logLevel",
        "/params/task",
        "/params/inputResponses",
        "/params/requestState",
        "/params/other",
    ] {
        faults.push(Box::new(put(pointer, None)));
        for value in values() {
            faults.push(Box::new(put(pointer, Some(value))));
        }
    }
    for (from, to) in [
        (r#""id":1"#, r#""id":1,"id":2"#),
        (r#""id":1"#, r#""id":1e2"#),
        (r#""id":1"#, r#""id":9007199254740993.0"#),
        (r#""id":1"#, r#""i\u0064":1"#),
        (r#""2.0""#, r#""\u0032.0""#),
        ("get_time", r"get\u005ftime"),
        ("tools/call", r"tools\/call"),
        (r#""arguments":{}"#, r#""arguments":{"a":1,"a":2}"#),
        (r#""arguments":{}"#, r#""arguments":{},"arguments":{}"#),
        ("{", " {\n\t"),
        ("}", "} "),
        ("}}", "}},"),
        ("}}", "}"),
        ("{", "[{"),
    ] {
        faults.push(Box::new(move |body| *body = body.replacen(from, to, 1)));
    }
    faults
}
