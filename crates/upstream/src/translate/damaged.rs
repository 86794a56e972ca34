//! Damaged messages: whatever goes into the functions of this module, what comes out is JSON.

use serde_json::Value;

use super::{
    capabilities, error, hello, input, listen,
    listen::Filter,
    object::UntranslatableError,
    request::{self, OldClient},
    result::{self, NewResult},
    tasks::{self, Detail, Task},
};

/// Of every kind that is translated.
const SAMPLES: [&str; 8] = [
    concat!(
        r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"#,
        r#""tasks":{"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"s"},"_meta":{"a":1}}"#
    ),
    concat!(
        r#"{"name":"t","arguments":{"a":[1,{"b":"\u0041"}]},"_meta":{"progressToken":1,"#,
        r#""io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"extensions":{}},"#,
        r#""io.modelcontextprotocol/logLevel":"info"},"requestState":"s","inputResponses":{}}"#
    ),
    r#"{"resultType":"input_required","inputRequests":{"k":{"method":"m"}},"requestState":"s"}"#,
    r#"{"tools":[{"name":"t","outputSchema":{"type":"array"}}],"ttlMs":0,"cacheScope":"public"}"#,
    r#"{"code":-32002,"message":"m","data":{"uri":"a:b"}}"#,
    r#"{"code":-32042,"data":{"elicitations":[{"mode":"url","url":"a","elicitationId":"e"}]}}"#,
    r#"{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["a"],"taskIds":["t"]}}"#,
    r#"{"task":{"taskId":"t","status":"working","ttl":null,"pollInterval":1},"_meta":{"k":[]}}"#,
];

#[test]
fn whatever_goes_in_what_comes_out_is_json() {
    let mut count = 0;
    for sample in SAMPLES {
        for at in 0..sample.len() {
            for with in ["", "{", "}", "\"", "null", ",", "[]", "\\", "é"] {
                let (before, rest) = sample.split_at(at);
                let damaged = format!("{before}{with}{}", &rest[1..]);
                for out in translated(&damaged) {
                    let is_json = serde_json::from_str::<Value>(&out).is_ok();
                    assert!(is_json, "{damaged} became {out}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 1_000, "hardly anything could be translated");
}

/// What every function makes of a text.
fn translated(text: &str) -> Vec<String> {
    let methods = ["tools/call", "tools/list", "resources/read"];
    let mut all: Vec<Result<String, UntranslatableError>> = vec![
        hello::to_new(text),
        hello::to_old(text, "2025-11-25", "n"),
        capabilities::client_to_new(text),
        capabilities::server_to_new(text),
        capabilities::server_to_old(text),
        request::to_old("tools/call", Some(text)).map(|(params, _)| params.unwrap()),
        request::again(text, Some("{}"), Some("\"s\"")),
        input::to_new("elicitation/create", Some(text)),
        Filter::read(text).map(|filter| listen::acknowledged("1", &filter)),
        listen::tagged(Some(text), "1"),
        listen::untagged(Some(text)).map(|params| params.unwrap_or_else(|| "{}".to_owned())),
        tasks::wanted(Some(text)),
        tasks::unrelated(text),
        Task::created(text).and_then(|task| match task {
            Some(task) => task.as_got(&Detail::Result("{}")),
            None => Ok("{}".to_owned()),
        }),
    ];
    for method in methods {
        all.push(result::to_new(method, text, Some("{}")));
        all.push(error::to_old(method, text));
        if let Ok(client) = OldClient::read(text) {
            all.push(client.to_new(method, Some(text), None));
        }
        match error::to_new(method, text) {
            Ok(error::OldError::Error(error)) => all.push(Ok(error)),
            Ok(error::OldError::Urls(urls)) => all.extend(urls.into_iter().map(Ok)),
            Err(_) => {}
        }
        match result::to_old(method, text) {
            Ok(NewResult::Complete(result) | NewResult::Task(result)) => all.push(Ok(result)),
            Ok(NewResult::InputRequired { requests, .. }) => {
                let requests = requests.iter().map(|(key, request)| (&**key, &**request));
                all.push(Ok(input::required(requests, "s")));
            }
            Err(_) => {}
        }
    }
    all.into_iter().filter_map(Result::ok).collect()
}
