//! The short way for plain calls says what rmcp says: every request here goes to both, behind the same guard,
//! with a clock that stands still, and the answers are compared byte for byte.

mod faults;
mod ways;

use http::StatusCode;
use serde_json::json;

use self::{
    faults::{body_faults, header_faults, put, set},
    ways::{Call, Ways, good, known, revisions},
};

/// In every revision: each fault of the body, each fault of the headers, and a part of their pairs, another
/// one for each fault of the headers.
#[test]
fn each_answer_is_rmcps_own() {
    const PART: usize = 31;
    let ways = Ways::new();
    let (mut short, mut long, mut refused) = (0, 0, 0);
    let (headers, bodies) = (header_faults(), body_faults());
    for (shift, revision) in revisions().into_iter().enumerate() {
        for (n, spoil_headers) in headers.iter().enumerate() {
            for (m, spoil_body) in bodies.iter().enumerate() {
                if n > 0 && m > 0 && (n + m + shift) % PART != 0 {
                    continue;
                }
                for tool in ["get_time", "whoami"].into_iter().take(if n == 0 { 2 } else { 1 }) {
                    let mut call = good(revision, tool);
                    spoil_headers(&mut call.headers);
                    spoil_body(&mut call.body);
                    let sound = good(revision, tool);
                    if n + m > 0 && call.headers == sound.headers && call.body == sound.body {
                        continue;
                    }
                    match ways.ask(&call) {
                        (StatusCode::OK, true) => short += 1,
                        (StatusCode::OK, false) => long += 1,
                        (status, is_short) => {
                            assert!(!is_short, "{status}: {call:?}");
                            refused += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(short > 1000 && long > 1000 && refused > 1000, "{short} {long} {refused}");
}

/// What most clients send goes the short way, in every revision.
#[test]
fn plain_calls_take_the_short_way() {
    let ways = Ways::new();
    for revision in known() {
        for tool in ["get_time", "whoami"] {
            let call = good(revision, tool);
            assert_eq!(ways.ask(&call), (StatusCode::OK, true), "{revision:?} {tool}");
        }
    }
}

/// Every byte of a good call taken out, doubled, and put in place of by some that mean something.
#[test]
fn each_spoilt_byte_gets_rmcps_own_answer() {
    let ways = Ways::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        let call = good(revision, "get_time");
        for at in 0..call.body.len() {
            let (before, rest) = call.body.split_at(at);
            let (byte, after) = rest.split_at(1);
            for by in ["", "\"", "{", "}", ",", ":", "0", "\\", " ", "\u{1}", "\u{e9}"] {
                let spoilt = Call { body: format!("{before}{by}{after}"), ..call.clone() };
                let _ = ways.ask(&spoilt);
            }
            let doubled = Call { body: format!("{before}{byte}{byte}{after}"), ..call.clone() };
            let _ = ways.ask(&doubled);
        }
    }
}

/// Other methods, of HTTP and of MCP, and a body that is long.
#[test]
fn what_is_no_plain_call_is_rmcps() {
    let ways = Ways::new();
    for revision in revisions() {
        for method in ["GET", "DELETE", "PUT"] {
            let mut call = good(revision, "get_time");
            call.method = method.parse().unwrap();
            assert!(!ways.ask(&call).1, "{call:?}");
        }
        for method in
            ["initialize", "ping", "tools/list", "resources/list", "server/discover", "tools/other"]
        {
            let mut call = good(revision, "get_time");
            call.body = call.body.replace("tools/call", method);
            set("mcp-method", "")(&mut call.headers);
            call.headers.retain(|(name, _)| !name.starts_with("mcp-m"));
            assert!(!ways.ask(&call).1, "{call:?}");
        }
        for length in [60_000, 70_000] {
            let mut call = good(revision, "get_time");
            let long = format!(r#""arguments":{{"a":"{}"}}"#, "x".repeat(length));
            call.body = call.body.replace(r#""arguments":{}"#, &long);
            let (status, is_short) = ways.ask(&call);
            assert_eq!(is_short, length < 65_536 && status == StatusCode::OK, "{length}");
        }
    }
}

/// What it does not know it leaves alone, though the answer would be the same.
#[test]
fn members_that_are_not_known_are_rmcps_to_judge() {
    let ways = Ways::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        for pointer in ["/other", "/params/other", "/params/task"] {
            let mut call = good(revision, "get_time");
            put(pointer, Some(json!({})))(&mut call.body);
            assert_eq!(ways.ask(&call), (StatusCode::OK, false), "{revision:?} {pointer}");
        }
    }
}

/// A layer between the guard and the server that puts another request in the place of the one that was judged.
#[test]
fn what_the_guard_has_not_judged_is_not_answered() {
    let ways = Ways::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        let call = good(revision, "get_time");
        for method in ["GET", "DELETE", "PUT"] {
            let swapped = Some((method.parse().unwrap(), call.body.clone()));
            assert!(!ways.ask(&Call { swapped, ..call.clone() }).1, "{method}");
        }
        for (from, to) in [
            ("2.0", "1.0"),
            ("tools/call", "tools/list"),
            ("tools/call", "prompts/get"),
            ("\"get_time\"", "\"whoami\""),
            ("\"get_time\"", "\"other\""),
        ] {
            let body = call.body.replace(from, to);
            let swapped = Some((http::Method::POST, body));
            assert!(!ways.ask(&Call { swapped, ..call.clone() }).1, "{from} {to}");
        }
        for body in [
            r#"["2.0",1,"tools/call",{"name":"get_time"}]"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[null,"get_time",null]}"#,
        ] {
            let swapped = Some((http::Method::POST, body.to_owned()));
            assert!(!ways.ask(&Call { swapped, ..call.clone() }).1, "{body}");
        }
    }
}

/// Two callers in turn, in a revision whose client they share.
#[test]
fn each_caller_is_told_who_it_is_itself() {
    let ways = Ways::new();
    for revision in known() {
        for (caller, name) in [(0, "\"one\""), (1, "\"other\""), (0, "\"one\"")] {
            let call = Call { caller, ..good(revision, "whoami") };
            assert_eq!(ways.ask(&call), (StatusCode::OK, true), "{revision:?}");
            let ((_, _, body), _) = ways.one(&ways.short, &call);
            assert!(String::from_utf8_lossy(&body).contains(name), "{revision:?} {name}");
        }
    }
}

/// The header that a tool's schema binds to an argument is looked at by rmcp alone.
#[test]
fn no_plain_tool_has_arguments_in_headers() {
    let ways = Ways::new();
    let list =
        Call { body: r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.into(), ..good(None, "") };
    let (answer, _) = ways.one(&ways.rmcp, &list);
    let text = String::from_utf8(answer.2.to_vec()).unwrap();
    assert!(text.contains("get_time") && text.contains("whoami"), "{text}");
    assert!(!text.contains("x-mcp-header"), "{text}");
}
