//! `Mcp-Param-*`: arguments of a tool that headers repeat (MCP 2026-07-28, streamable HTTP, custom
//! headers). Which ones is in the tool's `inputSchema`, by `x-mcp-header`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    definitions::Definitions,
    headers::{HeaderError, text},
};
use crate::{
    CallContext,
    port::{Event, Server, next_event},
    wire::{Message, Object, unquote},
};

/// How many pages of tools are read.
const MAX_PAGES: usize = 64;
/// How many tools with such arguments are remembered.
const MAX_TOOLS: usize = 4096;
/// How old what is known must be before a tool that is not in it is looked for again.
const REFRESH: Duration = Duration::from_secs(10);
/// How deeply schemas are looked into.
const MAX_DEPTH: usize = 16;

/// An argument that a header repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Param {
    /// The header's name, in lower case.
    header: String,
    /// Through which members of `arguments` it is reached.
    path: Vec<String>,
}

/// Tools by name, each with its arguments that headers repeat.
type Tools = HashMap<String, Vec<Param>>;

/// What is known of the tools of one server.
#[derive(Debug, Default)]
pub(super) struct Params(Mutex<Option<(Arc<Tools>, Instant)>>);

impl Params {
    /// Checks the headers of a `tools/call`. The tools are asked of `server` when needed, on behalf
    /// of the caller.
    pub(super) async fn check(
        &self,
        headers: &HeaderMap,
        request: &Message,
        server: &dyn Server,
        context: &CallContext,
        definitions: &dyn Definitions,
    ) -> Result<(), HeaderError> {
        let name = request.target().unwrap_or_default();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tools = match known {
            Some((tools, at)) if tools.contains_key(&*name) || at.elapsed() < REFRESH => tools,
            _ => {
                let tools = Arc::new(load(request, server, context, definitions).await);
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                *known = Some((Arc::clone(&tools), Instant::now()));
                tools
            }
        };
        let Some(params) = tools.get(&*name).filter(|params| !params.is_empty()) else {
            return Ok(());
        };
        let arguments = Object::parse(request.params().unwrap_or("{}")).unwrap_or_default();
        let arguments = arguments.get("arguments").unwrap_or("{}");
        params.iter().try_for_each(|param| param.check(headers, arguments))
    }

    /// The tools may have changed.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The tools of a server: as many as it names before an error. `definitions` are shown each list,
/// so that what has changed is known before the call. The lists are asked for on behalf of the
/// caller, without the scopes of its action.
async fn load(
    request: &Message,
    server: &dyn Server,
    context: &CallContext,
    definitions: &dyn Definitions,
) -> Tools {
    let context = &context.without_scopes();
    let mut tools = Tools::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut params = Object::default();
        if let Some(meta) = request.meta() {
            let mut meta = Object::parse(meta).unwrap_or_default();
            meta.remove("progressToken");
            params.set("_meta", meta.to_string());
        }
        if let Some(cursor) = &cursor {
            params.set_text("cursor", cursor);
        }
        let Ok(list) = Message::request("0", "tools/list", Some(&params.to_string())) else {
            break;
        };
        let mut call = server.call(context, list);
        let mut answer = None;
        while let Some(event) = next_event(&mut *call).await {
            if let Event::Answer(message) = event {
                answer = Some(message);
            }
        }
        let Some(result) = answer.and_then(|answer| answer.result_bytes()) else { break };
        let Ok(result) = definitions.filter("tools/list", &result) else { break };
        let text = std::str::from_utf8(&result).ok();
        let Some(result) = text.and_then(|text| Object::parse(text).ok()) else { break };
        for tool in result.items("tools").unwrap_or_default() {
            let Ok(tool) = Object::parse(tool) else { continue };
            let Some(name) = tool.text("name") else { continue };
            let schema = tool.get("inputSchema").and_then(|json| serde_json::from_str(json).ok());
            let mut params = Vec::new();
            collect(&schema.unwrap_or(Value::Null), &mut Vec::new(), &mut params);
            if tools.len() < MAX_TOOLS {
                tools.insert(name.into_owned(), params);
            }
        }
        cursor = result.get("nextCursor").and_then(unquote).map(std::borrow::Cow::into_owned);
        if cursor.is_none() {
            break;
        }
    }
    tools
}

/// Finds annotated properties, at any depth of `properties`.
fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Param>) {
    if path.len() >= MAX_DEPTH {
        return;
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        path.push(name.clone());
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            let header = format!("mcp-param-{}", header.to_ascii_lowercase());
            found.push(Param { header, path: path.clone() });
        }
        collect(property, path, found);
        path.pop();
    }
}

impl Param {
    fn check(&self, headers: &HeaderMap, arguments: &str) -> Result<(), HeaderError> {
        let name = &self.header;
        let mut values = headers.get_all(name).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => Some(text(value).ok_or_else(|| self.mismatch())?),
            _ => return Err(self.mismatch()),
        };
        match (self.argument(arguments), value) {
            (None, None) => Ok(()),
            (Some(_), None) => Err(HeaderError::mismatch(format!("header {name} is missing"))),
            (Some(argument), Some(value)) if is_same(&argument, &value) => Ok(()),
            _ => Err(self.mismatch()),
        }
    }

    /// The argument as JSON; `null` is none.
    fn argument(&self, arguments: &str) -> Option<String> {
        let mut json = arguments.to_owned();
        for member in &self.path {
            let value = Object::parse(&json).ok()?.get(member)?.to_owned();
            json = value;
        }
        (json != "null").then_some(json)
    }

    fn mismatch(&self) -> HeaderError {
        HeaderError::mismatch(format!("header {} does not match the arguments", self.header))
    }
}

/// Whether a header says what an argument is: numbers are compared as numbers.
fn is_same(argument: &str, header: &str) -> bool {
    match unquote(argument) {
        Some(text) => text == header,
        None if argument == header => true,
        None => match (argument.parse::<f64>(), header.parse::<f64>()) {
            (Ok(argument), Ok(header)) => argument.total_cmp(&header).is_eq(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params() -> Vec<Param> {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
            "other": { "type": "string" }
        } });
        let mut found = Vec::new();
        collect(&schema, &mut Vec::new(), &mut found);
        found
    }

    fn check(pairs: &[(&'static str, &str)], arguments: &str) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        params().iter().all(|param| param.check(&headers, arguments).is_ok())
    }

    #[test]
    fn headers_repeat_arguments() {
        let both = r#"{"region":"x","deep":{"n":42}}"#;
        assert!(check(&[("mcp-param-region", "x"), ("mcp-param-n", "42.0")], both));
        assert!(check(&[("mcp-param-region", "=?base64?eA==?="), ("mcp-param-n", "42")], both));
        assert!(!check(&[("mcp-param-region", "x")], both), "missing");
        assert!(!check(&[("mcp-param-region", "y"), ("mcp-param-n", "42")], both));
        let twice = [("mcp-param-region", "x"), ("mcp-param-region", "x"), ("mcp-param-n", "42")];
        assert!(!check(&twice, both));
        assert!(check(&[], r#"{"region":null}"#));
        assert!(!check(&[("mcp-param-region", "x")], "{}"), "nothing to repeat");
    }
}
