//! The result of a request.

use std::borrow::Cow;

use super::{
    names::SERVER_INFO,
    object::{UntranslatableError, parse_or_empty, set_in},
};

use crate::wire::{Object, items};

/// Methods whose new results say how long they may be kept (`CacheableResult`).
const CACHEABLE: [&str; 8] = [
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "skills/list",
    "skills/get",
    "server/discover",
];

/// An old server's result for a new client. It says that the result may not be kept, because an old
/// server does not say that it may; `server_info` is what the server called itself.
pub(crate) fn to_new(
    method: &str,
    result: &str,
    server_info: Option<&str>,
) -> Result<String, UntranslatableError> {
    let mut result = Object::parse(result)?;
    // An old server cannot mean anything else by it.
    result.set("resultType", r#""complete""#);
    if CACHEABLE.contains(&method) {
        result.set("ttlMs", "0");
        result.set("cacheScope", r#""private""#);
    }
    if let Some(info) = server_info {
        set_in(&mut result, "_meta", SERVER_INFO, info);
    }
    Ok(result.to_string())
}

/// A new server's result, for an old client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NewResult {
    /// The result, as an old server would give it.
    Complete(String),
    /// The server asks the client first.
    InputRequired {
        /// Requests by key, each as JSON.
        requests: Vec<(String, String)>,
        /// What it wants back, as JSON.
        state: Option<String>,
    },
    /// It became a task: the result, with the task's members.
    Task(String),
}

/// Reads a new server's result.
pub(crate) fn to_old(method: &str, result: &str) -> Result<NewResult, UntranslatableError> {
    let mut result = Object::parse(result)?;
    let kind = result.text("resultType").map(Cow::into_owned);
    match kind.as_deref() {
        // Absent: the server is of an earlier version, or sloppy; the specification takes it so.
        Some("complete") => {}
        None if result.get("resultType").is_none() => {}
        Some("input_required") => return input_required(&result),
        Some("task") => return Ok(NewResult::Task(result.to_string())),
        _ => return Err(UntranslatableError::Shape("a result of an unknown type")),
    }
    result.remove("resultType");
    if CACHEABLE.contains(&method) {
        result.remove("ttlMs");
        result.remove("cacheScope");
    }
    match method {
        "tools/call" => keep_object(&mut result, "structuredContent"),
        "tools/list" => tools_to_old(&mut result)?,
        _ => {}
    }
    Ok(NewResult::Complete(result.to_string()))
}

fn input_required(result: &Object<'_>) -> Result<NewResult, UntranslatableError> {
    let requests = parse_or_empty(result.get("inputRequests"))?;
    let requests = requests.iter().map(|(key, request)| (key.to_owned(), request.to_owned()));
    let requests: Vec<_> = requests.collect();
    let state = result.get("requestState").map(str::to_owned);
    if requests.is_empty() && state.is_none() {
        return Err(UntranslatableError::Shape("`input_required` that asks for nothing"));
    }
    Ok(NewResult::InputRequired { requests, state })
}

/// Old clients refuse a result, or a whole list, in which a schema or structured content is no
/// object. The same is in `content` as text.
fn keep_object(of: &mut Object<'_>, name: &str) {
    if of.get(name).is_some_and(|value| !value.trim_start().starts_with('{')) {
        of.remove(name);
    }
}

/// Takes the output schemas out that an old client would refuse the whole list for: those that do
/// not say that they describe an object.
fn tools_to_old(result: &mut Object<'_>) -> Result<(), UntranslatableError> {
    let Some(tools) = result.get("tools") else { return Ok(()) };
    let mut changed = false;
    let mut kept = Vec::new();
    for tool in items(tools)? {
        let mut parsed = Object::parse(tool)?;
        let fits = |schema: &str| {
            Object::parse(schema)
                .is_ok_and(|schema| schema.text("type").as_deref() == Some("object"))
        };
        if parsed.get("outputSchema").is_some_and(|schema| !fits(schema)) {
            parsed.remove("outputSchema");
            changed = true;
            kept.push(parsed.to_string());
        } else {
            kept.push(tool.to_owned());
        }
    }
    if changed {
        result.set("tools", format!("[{}]", kept.join(",")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_result_for_a_new_client() {
        for (method, old, new) in [
            (
                "tools/call",
                r#"{"content":[],"isError":true,"later":{ }}"#,
                r#"{"content":[],"isError":true,"later":{ },"resultType":"complete"}"#,
            ),
            (
                "tools/list",
                r#"{"tools":[ {"name":"t"} ],"nextCursor":"n"}"#,
                concat!(
                    r#"{"tools":[ {"name":"t"} ],"nextCursor":"n","#,
                    r#""resultType":"complete","ttlMs":0,"cacheScope":"private"}"#
                ),
            ),
            // It cannot ask in this way, nor say for how long a result may be kept.
            (
                "resources/read",
                r#"{"resultType":"input_required","ttlMs":9,"cacheScope":"public"}"#,
                r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#,
            ),
            ("tools/call", r#"{"ttlMs":9}"#, r#"{"ttlMs":9,"resultType":"complete"}"#),
        ] {
            assert_eq!(to_new(method, old, None).unwrap(), new);
        }
        assert_eq!(
            to_new("x", r#"{"_meta":{"a":1}}"#, Some(r#"{"name":"s"}"#)).unwrap(),
            concat!(
                r#"{"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{"name":"s"}},"#,
                r#""resultType":"complete"}"#
            )
        );
        assert!(to_new("x", "1", None).is_err());
    }

    #[test]
    fn all_cacheable_results_say_so() {
        for method in CACHEABLE {
            let new = to_new(method, "{}", None).unwrap();
            assert!(new.contains(r#""ttlMs":0"#) && new.contains(r#""cacheScope":"private""#));
            assert_eq!(to_old(method, &new).unwrap(), NewResult::Complete("{}".to_owned()));
        }
    }

    fn complete(method: &str, new: &str) -> String {
        match to_old(method, new).unwrap() {
            NewResult::Complete(old) => old,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_new_result_for_an_old_client() {
        let new = r#"{"resultType":"complete","content":[],"ttlMs":1,"later":0}"#;
        assert_eq!(complete("tools/call", new), r#"{"content":[],"ttlMs":1,"later":0}"#);
        assert_eq!(complete("prompts/get", r#"{"messages":[]}"#), r#"{"messages":[]}"#);
        for (content, old) in [
            (r#"{"a":[]}"#, r#"{"structuredContent":{"a":[]}}"#),
            ("[1]", "{}"),
            ("null", "{}"),
            ("\"x\"", "{}"),
        ] {
            let new = format!(r#"{{"structuredContent":{content}}}"#);
            assert_eq!(complete("tools/call", &new), old);
            assert_eq!(complete("a/b", &new), new);
        }
    }

    #[test]
    fn output_schemas_that_old_clients_refuse() {
        let new = concat!(
            r#"{"tools":[{"name":"a","outputSchema":{"type":"array"},"x":1},"#,
            r#"{ "name":"b","outputSchema":{"type":"object"}},{"name":"c"}]}"#
        );
        assert_eq!(
            complete("tools/list", new),
            concat!(
                r#"{"tools":[{"name":"a","x":1},"#,
                r#"{ "name":"b","outputSchema":{"type":"object"}},{"name":"c"}]}"#
            )
        );
        assert!(to_old("tools/list", r#"{"tools":[1]}"#).is_err());
        assert!(to_old("tools/list", r#"{"tools":{}}"#).is_err());
    }

    #[test]
    fn results_that_are_no_answer_yet() {
        let asks = r#"{"resultType":"input_required","inputRequests":{"k":{"method":"m"}}}"#;
        assert_eq!(
            to_old("tools/call", asks).unwrap(),
            NewResult::InputRequired {
                requests: vec![("k".to_owned(), r#"{"method":"m"}"#.to_owned())],
                state: None,
            }
        );
        let waits = r#"{"resultType":"input_required","requestState":"s"}"#;
        let state = Some(r#""s""#.to_owned());
        assert_eq!(
            to_old("tools/call", waits).unwrap(),
            NewResult::InputRequired { requests: vec![], state }
        );
        let task = r#"{"resultType":"task","taskId":"1"}"#;
        assert_eq!(to_old("tools/call", task).unwrap(), NewResult::Task(task.to_owned()));
        for bad in [
            r#"{"resultType":"input_required"}"#,
            r#"{"resultType":"input_required","inputRequests":[]}"#,
            r#"{"resultType":"later"}"#,
            r#"{"resultType":1}"#,
        ] {
            assert!(to_old("tools/call", bad).is_err(), "{bad}");
        }
    }
}
