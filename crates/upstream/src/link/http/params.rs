//! Which arguments of which tools are repeated in headers (MCP 2026-07-28, `x-mcp-header`). It is
//! learnt from the lists of tools that pass through the links to one server.
//!
//! 1. An annotation counts on a property of a primitive type that is reached by `properties` alone.
//! 2. A tool with an annotation that is not allowed has no headers at all here: the server will
//!    refuse it, and clients must not offer it.
//! 3. What is kept has a bound.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{PoisonError, RwLock},
};

use http::HeaderName;
use serde_json::Value;

/// How many tools are remembered, and how many headers of each.
const MAX_TOOLS: usize = 10_000;
const MAX_HEADERS: usize = 64;
/// How deep properties are looked for.
const MAX_DEPTH: usize = 16;

/// A header, and the path to its argument.
type Annotation = (HeaderName, Vec<Box<str>>);

/// The annotations of a server's tools, by the tool's name. Tools without any are not in it.
#[derive(Debug, Default)]
pub(super) struct ParamHeaders(RwLock<HashMap<Box<str>, Vec<Annotation>>>);

impl ParamHeaders {
    /// Learns from the answer to `tools/list`.
    pub(super) fn learn(&self, answer: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return };
        let tools = answer.pointer("/result/tools").and_then(Value::as_array);
        for tool in tools.into_iter().flatten() {
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            let found = tool.get("inputSchema").and_then(annotations).unwrap_or_default();
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if found.is_empty() {
                known.remove(name);
            } else if known.len() < MAX_TOOLS || known.contains_key(name) {
                known.insert(name.into(), found);
            }
        }
    }

    /// The headers of a call, and their values as text.
    pub(super) fn of_call(&self, tool: &str, message: &[u8]) -> Vec<(HeaderName, String)> {
        let annotations = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.get(tool).cloned().unwrap_or_default()
        };
        if annotations.is_empty() {
            return Vec::new();
        }
        let Ok(message) = serde_json::from_slice::<Value>(message) else { return Vec::new() };
        let Some(arguments) = message.pointer("/params/arguments") else { return Vec::new() };
        let values = annotations.into_iter().filter_map(|(header, path)| {
            let value = path.iter().try_fold(arguments, |value, key| value.get(&**key))?;
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
                _ => return None,
            };
            Some((header, text))
        });
        values.collect()
    }
}

/// The annotations of a schema; `None` if one is not allowed.
fn annotations(schema: &Value) -> Option<Vec<Annotation>> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found)?;
    let names: BTreeSet<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    (names.len() == found.len() && found.len() <= MAX_HEADERS).then_some(found)
}

fn collect(schema: &Value, path: &mut Vec<Box<str>>, found: &mut Vec<Annotation>) -> Option<()> {
    if path.len() > MAX_DEPTH {
        return None;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, property) in properties.into_iter().flatten() {
        path.push(key.as_str().into());
        if let Some(annotation) = property.get("x-mcp-header") {
            let kind = property.get("type").and_then(Value::as_str)?;
            let is_primitive = matches!(kind, "string" | "integer" | "boolean");
            let suffix = annotation.as_str().filter(|suffix| is_primitive && !suffix.is_empty())?;
            let name = format!("mcp-param-{suffix}");
            found.push((HeaderName::from_bytes(name.as_bytes()).ok()?, path.clone()));
        }
        collect(property, path, found)?;
        path.pop();
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn learn(schemas: &[(&str, Value)]) -> ParamHeaders {
        let tools: Vec<_> = schemas
            .iter()
            .map(|(name, schema)| json!({ "name": name, "inputSchema": schema }))
            .collect();
        let params = ParamHeaders::default();
        params.learn(json!({ "result": { "tools": tools } }).to_string().as_bytes());
        params
    }

    fn headers(params: &ParamHeaders, tool: &str, arguments: &Value) -> Vec<String> {
        let message = json!({ "params": { "name": tool, "arguments": arguments } }).to_string();
        let found = params.of_call(tool, message.as_bytes());
        found.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn arguments_of_primitive_types_are_repeated() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "query": { "type": "string" },
            "deep": { "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
            "on": { "type": "boolean", "x-mcp-header": "On" },
        }});
        let params = learn(&[("t", schema)]);
        let arguments = json!({ "region": "eu", "query": "q", "deep": { "n": -7 }, "on": true });
        let mut all = headers(&params, "t", &arguments);
        all.sort();
        assert_eq!(all, ["mcp-param-n=-7", "mcp-param-on=true", "mcp-param-region=eu"]);
        assert!(headers(&params, "t", &json!({ "region": null })).is_empty());
        assert!(headers(&params, "other", &arguments).is_empty());
        // The tool has changed.
        params.learn(json!({"result": {"tools": [{"name": "t"}]}}).to_string().as_bytes());
        assert!(headers(&params, "t", &arguments).is_empty());
    }

    #[test]
    fn an_annotation_that_is_not_allowed_spoils_its_tool() {
        let good = json!({ "type": "string", "x-mcp-header": "Good" });
        for bad in [
            json!({ "type": "number", "x-mcp-header": "N" }),
            json!({ "x-mcp-header": "N" }),
            json!({ "type": "string", "x-mcp-header": "" }),
            json!({ "type": "string", "x-mcp-header": "a\r\nb" }),
            json!({ "type": "string", "x-mcp-header": 7 }),
            json!({ "type": "string", "x-mcp-header": "good" }),
        ] {
            let schema = json!({ "properties": { "a": good, "b": bad } });
            let params = learn(&[("t", schema)]);
            assert!(headers(&params, "t", &json!({ "a": "x", "b": "y" })).is_empty(), "{bad}");
        }
    }
}
