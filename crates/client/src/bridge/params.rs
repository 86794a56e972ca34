//! `Mcp-Param-…`: arguments of a tool that are repeated in headers (MCP 2026-07-28, custom headers
//! from tool parameters).
//!
//! 1. The schemas of the tools that the program lists say which arguments. Nothing is listed for
//!    that alone.
//! 2. A tool whose annotations break the rules is taken out of the list, as the specification
//!    requires of a client that speaks HTTP. A list without annotations is passed on as it came.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, HeaderName};
use serde_json::Value;

use super::{headers, message::Message};

/// The member of a schema that names a header.
const ANNOTATION: &str = "x-mcp-header";
/// The most tools with annotations that are remembered.
const MAX_TOOLS: usize = 10_000;
/// The largest integer that a header may have (RFC 8259 §6).
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// An argument by the members that lead to it, and its header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Param {
    path: Vec<String>,
    header: HeaderName,
}

/// What the tools want in headers.
#[derive(Debug, Default)]
pub(super) struct Params(Mutex<HashMap<String, Vec<Param>>>);

/// What a list of tools became.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// It is passed on as it came.
    Same,
    /// Without these tools.
    Without {
        /// The whole message.
        message: String,
        /// The names of the tools.
        tools: Vec<String>,
    },
}

impl Params {
    /// Remembers what a list of tools says.
    pub(super) fn learn(&self, message: &str) -> Listed {
        if !message.contains(ANNOTATION) && self.table().is_empty() {
            return Listed::Same;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(message) else {
            return Listed::Same;
        };
        let Some(tools) = value.pointer_mut("/result/tools").and_then(Value::as_array_mut) else {
            return Listed::Same;
        };
        let mut left_out = Vec::new();
        tools.retain(|tool| {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
            let mut found = Vec::new();
            let schema = tool.get("inputSchema").unwrap_or(&Value::Null);
            let is_valid = search(schema, Place::Object(&[]), &mut found) && are_unique(&found);
            let mut table = self.table();
            table.remove(name);
            if !is_valid {
                left_out.push(name.to_owned());
            } else if !found.is_empty() && table.len() < MAX_TOOLS {
                table.insert(name.to_owned(), found);
            }
            is_valid
        });
        if left_out.is_empty() {
            return Listed::Same;
        }
        Listed::Without { message: value.to_string(), tools: left_out }
    }

    /// Adds the headers that a call needs.
    pub(super) fn describe(&self, message: &Message, headers: &mut HeaderMap) {
        if !message.is_stateless() || message.method != "tools/call" {
            return;
        }
        let Some(params) = message.name.as_ref().and_then(|name| self.table().get(name).cloned())
        else {
            return;
        };
        let Ok(call) = serde_json::from_slice::<Value>(&message.line) else {
            return;
        };
        for Param { path, header } in params {
            let arguments = call.pointer("/params/arguments");
            let argument =
                path.iter().try_fold(arguments, |value, name| value.map(|value| value.get(name)));
            let text = match argument.flatten() {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Bool(flag)) => flag.to_string(),
                Some(Value::Number(number)) => number.to_string(),
                _ => continue,
            };
            if let Some(value) = headers::value(&text) {
                headers.insert(header, value);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Vec<Param>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where in a schema.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// A schema that `properties` alone lead to.
    Object(&'a [String]),
    /// Any other one, in which there may be no annotation.
    Elsewhere,
}

/// Finds the annotations in a schema. Returns whether all are valid.
fn search(schema: &Value, place: Place<'_>, found: &mut Vec<Param>) -> bool {
    match schema {
        Value::Array(items) => items.iter().all(|item| search(item, Place::Elsewhere, found)),
        Value::Object(members) => {
            members.iter().all(|(name, value)| match (name.as_str(), place) {
                (ANNOTATION, Place::Object(path)) => match param(schema, value, path) {
                    Some(param) => {
                        found.push(param);
                        true
                    }
                    None => false,
                },
                (ANNOTATION, Place::Elsewhere) => false,
                ("properties", Place::Object(path)) => match value {
                    Value::Object(properties) => properties.iter().all(|(name, schema)| {
                        let path: Vec<String> = path.iter().chain([name]).cloned().collect();
                        search(schema, Place::Object(&path), found)
                    }),
                    _ => true,
                },
                // These are values, not schemas.
                ("const" | "default" | "enum" | "examples", _) => true,
                _ => search(value, Place::Elsewhere, found),
            })
        }
        _ => true,
    }
}

fn param(schema: &Value, annotation: &Value, path: &[String]) -> Option<Param> {
    let kind = schema.get("type").and_then(Value::as_str);
    let is_in_range = |name: &str| {
        let bound = schema.get(name).and_then(Value::as_i64);
        bound.is_none_or(|bound| bound.unsigned_abs() <= MAX_INTEGER.unsigned_abs())
    };
    let is_primitive = matches!(kind, Some("string" | "integer" | "boolean"));
    if path.is_empty() || !is_primitive || !is_in_range("minimum") || !is_in_range("maximum") {
        return None;
    }
    let name = annotation.as_str().filter(|name| !name.is_empty())?;
    let header = HeaderName::try_from(format!("mcp-param-{name}")).ok()?;
    Some(Param { path: path.to_vec(), header })
}

fn are_unique(found: &[Param]) -> bool {
    let mut seen = HashSet::new();
    found.iter().all(|param| seen.insert(&param.header))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::message, *};

    fn list(tools: &Value) -> String {
        json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools } }).to_string()
    }

    fn tool(name: &str, schema: &Value) -> Value {
        json!({ "name": name, "inputSchema": schema })
    }

    fn call(params: &Params, name: &str, arguments: &Value) -> Vec<(String, String)> {
        let version = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
        let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": name, "arguments": arguments, "_meta": version } });
        let message = message::read(line.to_string().as_bytes()).unwrap();
        let mut headers = HeaderMap::new();
        params.describe(&message, &mut headers);
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        let mut headers: Vec<_> = headers.collect();
        headers.sort_unstable();
        headers
    }

    #[test]
    fn annotated_arguments_become_headers() {
        let params = Params::default();
        let schema = json!({ "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "type": "object", "properties": {
                "n": { "type": "integer", "x-mcp-header": "N" } } },
            "other": { "type": "string" },
        } });
        assert_eq!(params.learn(&list(&json!([tool("t", &schema)]))), Listed::Same);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let arguments = json!({ "region": "é", "deep": { "n": 42 }, "other": "x" });
        assert_eq!(
            call(&params, "t", &arguments),
            [pair("mcp-param-n", "42"), pair("mcp-param-region", "=?base64?w6k=?=")]
        );
        assert_eq!(call(&params, "t", &json!({ "region": null })), []);
        assert_eq!(call(&params, "other", &arguments), []);
        // A later list has no annotations any more.
        assert_eq!(params.learn(&list(&json!([tool("t", &json!({}))]))), Listed::Same);
        assert_eq!(call(&params, "t", &arguments), []);
    }

    #[test]
    fn a_tool_with_a_wrong_annotation_is_left_out() {
        let wrong = |schema: Value| {
            let tools = json!([tool("good", &json!({})), tool("bad", &schema)]);
            match Params::default().learn(&list(&tools)) {
                Listed::Same => false,
                Listed::Without { message, tools } => {
                    assert_eq!(tools, ["bad"]);
                    assert!(message.contains("good") && !message.contains("bad"), "{message}");
                    true
                }
            }
        };
        let property = |schema: Value| json!({ "properties": { "a": schema } });
        for annotation in [json!(""), json!("a b"), json!("a\nb"), json!(7)] {
            assert!(wrong(property(json!({ "type": "string", ANNOTATION: annotation }))));
        }
        for kind in ["number", "object", "array", "null"] {
            assert!(wrong(property(json!({ "type": kind, ANNOTATION: "A" }))), "{kind}");
        }
        let good = json!({ "type": "string", ANNOTATION: "A" });
        assert!(!wrong(property(good.clone())));
        assert!(wrong(
            json!({ "properties": { "a": good, "b": { "type": "string", ANNOTATION: "a" } } })
        ));
        assert!(wrong(property(json!({ "items": { "properties": { "b": good } } }))));
        assert!(wrong(json!({ "anyOf": [property(good.clone())] })));
        assert!(wrong(json!({ "type": "string", ANNOTATION: "A" })));
        let large = json!({ "type": "integer", ANNOTATION: "A", "maximum": MAX_INTEGER + 1 });
        assert!(wrong(property(large)));
        assert!(!wrong(property(json!({ "default": { ANNOTATION: 7 }, "x": ANNOTATION }))));
    }
}
