//! Where a request belongs in a trace: by its headers (W3C Trace Context), or by `params._meta` of
//! its message (SEP-414).
//!
//! The body was read strictly before. What names a trace decides nothing, so what is wrong here is
//! ignored.

use auth_core::trace_context::TraceContext;
use http::{HeaderMap, HeaderName};

use crate::request::arguments::member;

/// W3C Trace Context §3.2 and §3.3.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// MCP, streamable HTTP.
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const REVISION_IN_META: &str = "io.modelcontextprotocol/protocolVersion";

/// What the headers say. Two lines of `traceparent` say nothing; those of `tracestate` are put
/// together (§3.3.1.4).
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = parents.next()?.to_str().ok()?;
    if parents.next().is_some() {
        return None;
    }
    let states: Option<Vec<_>> =
        headers.get_all(TRACESTATE).iter().map(|line| line.to_str().ok()).collect();
    TraceContext::parse(parent, states.map(|lines| lines.join(",")).as_deref())
}

/// What `params._meta` of a body says, where that has a `traceparent`. Texts with escapes are no
/// values here.
pub(crate) fn of_body(body: &[u8]) -> Option<TraceContext> {
    let meta = meta(body)?;
    let parent = text(member(meta, "traceparent")?)?;
    TraceContext::parse(parent, member(meta, "tracestate").and_then(text))
}

/// The revision of MCP that a request names, by its header or else by `params._meta`, if it has the
/// form of a date.
pub(crate) fn revision<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Option<&'a str> {
    let in_header = headers.get(REVISION).and_then(|value| value.to_str().ok());
    in_header
        .or_else(|| member(meta(body)?, REVISION_IN_META).and_then(text))
        .filter(|text| is_date(text))
}

fn meta(body: &[u8]) -> Option<&[u8]> {
    member(member(body, "params")?, "_meta")
}

/// A JSON text without escapes.
fn text(value: &[u8]) -> Option<&str> {
    let text = value.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\""))?;
    str::from_utf8(text).ok().filter(|text| !text.contains('\\'))
}

/// Whether a text is like 2026-07-28.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_line_of_the_header_names_a_trace_and_two_do_not() {
        let context = of_headers(&headers(&[(TRACEPARENT, PARENT)])).unwrap();
        assert_eq!((context.traceparent().as_str(), context.state), (PARENT, None));
        assert_eq!(of_headers(&headers(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)])), None);
        assert_eq!(of_headers(&headers(&[(TRACEPARENT, "00-1")])), None);
        assert_eq!(of_headers(&headers(&[(TRACESTATE, "a=1")])), None);
        let both = [(TRACEPARENT, PARENT), (TRACESTATE, "a=1"), (TRACESTATE, "b=2")];
        let state = of_headers(&headers(&both)).unwrap().state.unwrap();
        assert_eq!(state.as_str(), "a=1,b=2");
    }

    #[test]
    fn the_message_names_a_trace_in_its_meta_and_nowhere_else() {
        let body = |meta: &serde_json::Value| {
            let params = json!({ "arguments": { "_meta": { "traceparent": "x" } }, "_meta": meta });
            of_body(json!({ "params": params }).to_string().as_bytes())
        };
        let context = body(&json!({ "traceparent": PARENT, "tracestate": "a=1" })).unwrap();
        assert_eq!(context.traceparent(), PARENT);
        assert_eq!(context.state.unwrap().as_str(), "a=1");
        for wrong in [
            json!({}),
            json!({ "tracestate": "a=1" }),
            json!({ "traceparent": 1 }),
            json!({ "traceparent": [PARENT] }),
            json!({ "traceparent": format!("{PARENT}\n") }),
            json!({ "traceparent": PARENT.replace('4', "\\u0034") }),
            json!([{ "traceparent": PARENT }]),
        ] {
            assert_eq!(body(&wrong), None, "{wrong}");
        }
        let elsewhere = json!({ "traceparent": PARENT, "_meta": { "traceparent": PARENT } });
        assert_eq!(of_body(elsewhere.to_string().as_bytes()), None);
    }

    #[test]
    fn a_revision_is_a_date_of_the_header_or_else_of_the_message() {
        let body = json!({ "params": { "_meta": { REVISION_IN_META: "2026-07-28" } } }).to_string();
        let named = headers(&[(REVISION, "2025-06-18")]);
        assert_eq!(revision(&named, body.as_bytes()), Some("2025-06-18"));
        assert_eq!(revision(&HeaderMap::new(), body.as_bytes()), Some("2026-07-28"));
        for wrong in ["", "2025-06-1", "2025-06-180", "2025_06_18", "my secret"] {
            assert_eq!(revision(&headers(&[(REVISION, wrong)]), b"{}"), None, "{wrong}");
        }
    }
}
