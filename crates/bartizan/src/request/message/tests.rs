//! Bodies that are messages, and bodies that are none.

use super::*;
use crate::request::arguments;

fn action(body: &str) -> Result<Action, MessageError> {
    action_of(body.as_bytes())
}

fn request(method: &str, params: &str) -> Result<Action, MessageError> {
    action(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
}

#[test]
fn every_kind_of_message_has_its_action() {
    let tool = Action::CallTool("t".into());
    assert_eq!(
        request("tools/call", r#"{"name":"t","arguments":{"name":"x","name":"y"}}"#),
        Ok(tool)
    );
    for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
        assert_eq!(request(method, r#"{"uri":"a://b"}"#), Ok(Action::ReadResource("a://b".into())));
    }
    assert_eq!(request("prompts/get", r#"{"name":"p"}"#), Ok(Action::GetPrompt("p".into())));
    assert_eq!(request("custom/x", r#"{"name":"p"}"#), Ok(Action::Method("custom/x".into())));
    let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(action(note), Ok(Action::Method("notifications/initialized".into())));
    for answer in [r#""result":{}"#, r#""error":{}"#] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,{answer}}}"#);
        assert_eq!(action(&body), Ok(Action::Method("response".into())));
    }
}

#[test]
fn the_older_result_of_a_task_is_of_that_task() {
    let params = r#"{"taskId":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"REVISION"}}"#;
    let task = |revision: &str| {
        let params = params.replace("REVISION", revision);
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tasks/result","params":{params}}}"#);
        Message::parse(body.as_bytes()).map(|message| message.task).map_err(|(fault, _)| fault)
    };
    assert_eq!(task("2025-11-25"), Ok(Some("t".to_owned())));
    assert_eq!(task("2026-07-28"), Err(MessageError::MethodRemoved));
    assert!(request("tasks/result", "{}").is_err());
}

#[test]
fn completion_is_judged_by_what_it_completes() {
    let complete =
        |reference: &str| request("completion/complete", &format!(r#"{{"ref":{reference}}}"#));
    assert_eq!(complete(r#"{"type":"ref/prompt","name":"p"}"#), Ok(Action::GetPrompt("p".into())));
    assert_eq!(
        complete(r#"{"type":"ref/resource","uri":"a://{x}"}"#),
        Ok(Action::ReadResource("a://{x}".into()))
    );
    for bad in [
        r#"{"type":"ref/prompt","uri":"p"}"#,
        r#"{"type":"ref/prompt","name":"p","uri":"q"}"#,
        r#"{"type":"ref/other","name":"p"}"#,
        r#"{"name":"p"}"#,
        "null",
        "[]",
    ] {
        assert!(complete(bad).is_err(), "{bad}");
    }
    assert_eq!(complete(r#"{"type":"ref/prompt","name":"p","name":"q"}"#), Err(MessageError::Json));
}

#[test]
fn a_member_that_decides_appears_once_however_it_is_spelt() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"t"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"},"params":{"name":"u"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","name":"u"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","n\u0061me":"u"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a","uri":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{},"arguments":{}}}"#,
    ] {
        assert_eq!(action(body), Err(MessageError::Json), "{body}");
    }
}

#[test]
fn a_name_that_another_parser_takes_for_one_that_decides_is_refused() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","Name":"u"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"},"Params":{"name":"u"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"t"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a","URI":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_\u004deta":{}}}"#,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"param\u{17f}\":{\"name\":\"u\"},\"params\":{\"name\":\"t\"}}",
    ] {
        assert_eq!(action(body), Err(MessageError::Json), "{body}");
    }
    // Where nothing is decided, names are the tool's own.
    let own = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"Name":1,"name":2}}}"#;
    assert!(action(own).is_ok());
}

#[test]
fn what_is_no_message_is_refused() {
    for batch in ["[]", " [{}]", "\n\t[1]"] {
        assert_eq!(action(batch), Err(MessageError::Batch), "{batch}");
    }
    for bad in ["", "x", "1", "null", "\"a\"", "{", "{}x", r#"{"method":1}"#, "{\"a\":\u{1}}"] {
        assert_eq!(action(bad), Err(MessageError::Json), "{bad}");
    }
    for bad in [
        "{}",
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"response"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"session/end"}"#,
    ] {
        assert_eq!(action(bad), Err(MessageError::NotJsonRpc), "{bad}");
    }
    for id in ["null", "{}", "[]", "true"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        assert_eq!(action(&body), Err(MessageError::Json), "{id}");
    }
}

#[test]
fn a_target_is_a_text_and_is_there() {
    for params in [
        "{}",
        r#"{"name":1}"#,
        r#"{"name":null}"#,
        r#"{"name":["t"]}"#,
        r#"{"name":{"a":1}}"#,
        r#"{"name":true}"#,
        r#"{"name":-1.5}"#,
        r#"{"name":-1}"#,
        r#"{"uri":"t"}"#,
    ] {
        assert_eq!(request("tools/call", params), Err(MessageError::NoTarget), "{params}");
    }
    assert!(request("tools/call", "[\"t\"]").is_err());
    assert!(request("tools/call", "null").is_err());
}

#[test]
fn ids_are_short_texts_or_whole_numbers() {
    let with = |id: &str| action(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
    let long = format!("\"{}\"", "x".repeat(256));
    let longest = format!("\"{}\"", "x".repeat(255));
    for id in ["1", "-1", "\"a\"", "\"\"", "9223372036854775807", &longest] {
        assert!(with(id).is_ok(), "{id}");
    }
    for id in ["1.5", "1e999", "18446744073709551616", r#""\ud800""#, r#""a\nb""#, &long] {
        assert_eq!(with(id), Err(MessageError::Json), "{id}");
    }
}

#[test]
fn texts_that_decide_are_short() {
    let long = "x".repeat(2049);
    let name = format!(r#"{{"name":"{long}"}}"#);
    assert_eq!(request("tools/call", &name), Err(MessageError::Json));
    assert_eq!(request(&long, "{}"), Err(MessageError::Json));
    assert!(request("tools/call", &name.replacen('x', "", 1)).is_ok());
}

#[test]
fn what_is_skipped_is_bounded_in_depth_and_number() {
    let arguments = |value: &str| {
        [
            format!(r#"{{"name":"t","arguments":{value}}}"#),
            format!(r#"{{"name":"t","_meta":{{"a":{value}}}}}"#),
        ]
        .map(|params| request("tools/call", &params))
    };
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let many = |count: usize| format!("[{}]", vec!["0"; count].join(","));
    for good in [nested(100), many(19_000), r#"{"a":[null,true,-1,1.5,"x",{}]}"#.into()] {
        assert!(arguments(&good).iter().all(Result::is_ok), "{}", &good[..20]);
    }
    for bad in [nested(200), many(20_001), "1e999".into()] {
        for result in arguments(&bad) {
            assert_eq!(result, Err(MessageError::Json), "{}", &bad[..5]);
        }
    }
}

#[test]
fn what_serde_json_would_read_as_something_else_is_refused_wherever_it_stands() {
    let marked = r#"{"$serde_json::private::RawValue":"[]"}"#;
    for params in [
        marked.to_owned(),
        format!(r#"{{"name":"t","arguments":{marked}}}"#),
        format!(r#"{{"name":"t","arguments":{{"a":[{marked}]}}}}"#),
        format!(r#"{{"name":"t","_meta":{{"a":{marked}}}}}"#),
        format!(r#"{{"name":"t","arguments":{}}}"#, marked.replace('$', r"\u0024")),
        format!(r#"{{"name":{marked}}}"#),
    ] {
        assert_eq!(request("tools/call", &params), Err(MessageError::Json), "{params}");
    }
    for member in ["result", "error"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"{member}":{{"a":{marked}}}}}"#);
        assert_eq!(action(&body), Err(MessageError::Json), "{body}");
    }
}

#[test]
fn codes_are_those_of_json_rpc() {
    assert_eq!(MessageError::Json.code(), -32700);
    assert_eq!(MessageError::Batch.code(), -32600);
    assert_eq!(MessageError::NotJsonRpc.code(), -32600);
    assert_eq!(MessageError::NoTarget.code(), -32602);
    assert_eq!(MessageError::MethodRemoved.code(), -32601);
}

#[test]
fn what_a_revision_has_dropped_is_not_found_and_what_it_has_needs_its_target() {
    let params = |revision: &str, uri: &str| {
        format!(r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{revision}"}}{uri}}}"#)
    };
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let ask = |revision, uri| request(method, &params(revision, uri));
        assert_eq!(ask("2026-07-28", ""), Err(MessageError::MethodRemoved));
        assert_eq!(ask("2026-07-28", r#","uri":1"#), Err(MessageError::MethodRemoved));
        assert_eq!(ask("2025-11-25", ""), Err(MessageError::NoTarget));
        assert_eq!(request(method, "{}"), Err(MessageError::NoTarget));
        // With a target it is judged by that, and the server behind says that it has no such
        // method.
        let target = Ok(Action::ReadResource("a://b".into()));
        assert_eq!(ask("2026-07-28", r#","uri":"a://b""#), target);
    }
    for method in ["resources/read", "tools/call"] {
        assert_eq!(request(method, &params("2026-07-28", "")), Err(MessageError::NoTarget));
    }
}

#[test]
fn a_fault_keeps_the_id_that_was_read() {
    let fault = |body: &str| Message::parse(body.as_bytes()).unwrap_err();
    let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call"}"#;
    assert_eq!(fault(body), (MessageError::NoTarget, Some(Id::Text("a".into()))));
    let body = r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#;
    assert_eq!(fault(body), (MessageError::NotJsonRpc, Some(Id::Number(7))));
    assert_eq!(fault("[]"), (MessageError::Batch, None));
    assert_eq!(fault("{"), (MessageError::Json, None));
    // What comes before the place that cannot be read.
    let seven = (MessageError::Json, Some(Id::Number(7)));
    for body in [
        r#"{"jsonrpc":"2.0","id":7,"method":"ping""#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":1}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"ping"} x"#,
    ] {
        assert_eq!(fault(body), seven, "{body}");
    }
    assert_eq!(fault(r#"{"method":1,"id":7}"#), (MessageError::Json, None));
}

#[test]
fn levels_that_decide_are_small() {
    let many: Vec<String> = (0..65).map(|n| format!(r#""m{n}":0"#)).collect();
    let params = format!("{{{}}}", many.join(","));
    assert_eq!(request("ping", &params), Err(MessageError::Json));
}

#[test]
fn a_recorder_finds_the_arguments_and_whether_there_is_a_trace_where_they_are() {
    for (params, arguments, trace) in [
        (r#"{"name":"a","arguments":{"arguments":1}}"#, Some(r#"{"arguments":1}"#), false),
        (r#"{"arguments" : [2] ,"name":"a"}"#, Some("[2]"), false),
        (r#"{"x":{"arguments":1},"name":"a","arguments":3}"#, Some("3"), false),
        (r#"{"name":"\"arguments\":1","argument\u0073":4}"#, Some("4"), false),
        (r#"{"name":"a","x":{"arguments":1}}"#, None, false),
        (r#"{"name":"a","_meta":{"traceparent":"x"}}"#, None, true),
        (r#"{"name":"a","_meta":{"trace\u0070arent":1}}"#, None, true),
        (r#"{"name":"a","_meta":{"x":{"traceparent":1}},"traceparent":1}"#, None, false),
    ] {
        let body = format!(
            r#"{{"arguments":0,"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#
        );
        let found = Message::parse(body.as_bytes()).unwrap().found;
        let bytes = found.arguments.and_then(|place| arguments::at(body.as_bytes(), place));
        assert_eq!(bytes, arguments.map(str::as_bytes), "{body}");
        assert_eq!(found.trace, trace, "{body}");
    }
}
