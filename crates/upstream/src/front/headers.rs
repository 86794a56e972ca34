//! The headers of a request, in both generations.
//!
//! From 2026-07-28 on a request has `MCP-Protocol-Version`, `Mcp-Method` and, where its method is
//! aimed at something, `Mcp-Name`, and they say what the body says (MCP 2026-07-28, streamable
//! HTTP, request metadata).

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    era::{Era, is_known_old},
    wire::{ErrorCode, Message, Object},
};

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const REVISION: &str = "mcp-protocol-version";

/// A request whose headers do not fit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct HeaderError {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl HeaderError {
    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::HEADER_MISMATCH, message: message.into() }
    }
}

/// Whether a header's media types have this one, or any.
pub(super) fn accepts(headers: &HeaderMap, essence: &str) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let kind = essence.split('/').next().unwrap_or_default();
    values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range == "*/*"
            || range.eq_ignore_ascii_case(essence)
            || range.strip_suffix("/*").is_some_and(|its| its.eq_ignore_ascii_case(kind))
    })
}

/// Whether the client names event streams before JSON: then it gets one, also for a single message.
pub(super) fn prefers_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let first = value.and_then(|text| text.split([',', ';']).next()).unwrap_or_default();
    first.trim().eq_ignore_ascii_case("text/event-stream")
}

/// Whether the body is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    })
}

/// The revision in `MCP-Protocol-Version`.
pub(super) fn revision(headers: &HeaderMap) -> Option<&str> {
    headers.get(REVISION).and_then(|value| value.to_str().ok())
}

/// Whether a message is one without a session.
pub(super) fn is_new(headers: &HeaderMap, message: &Message) -> bool {
    match message.method() {
        // A session begins whatever the headers say: the server agrees to a revision.
        "initialize" => message.revision().is_some_and(|revision| Era::of(&revision) == Era::New),
        "server/discover" | "subscriptions/listen" => true,
        _ => {
            message.revision().is_some()
                || revision(headers).is_some_and(|revision| Era::of(revision) == Era::New)
        }
    }
}

/// Checks what requests of a session have.
pub(super) fn check_old(headers: &HeaderMap) -> Result<(), HeaderError> {
    let mut values = headers.get_all(REVISION).iter();
    let is_known = |value: &HeaderValue| value.to_str().is_ok_and(is_known_old);
    match (values.next(), values.next()) {
        (None, _) => Ok(()),
        (Some(value), None) if is_known(value) => Ok(()),
        _ => Err(HeaderError {
            code: ErrorCode::INVALID_REQUEST,
            message: "unsupported MCP-Protocol-Version".into(),
        }),
    }
}

/// Checks what a request without a session has.
pub(super) fn check_new(headers: &HeaderMap, request: &Message) -> Result<(), HeaderError> {
    let Some(revision) = request.revision() else {
        return Err(HeaderError {
            code: ErrorCode::INVALID_PARAMS,
            message: "params._meta needs io.modelcontextprotocol/protocolVersion".into(),
        });
    };
    require(headers, REVISION, &revision)?;
    require(headers, "mcp-method", request.method())?;
    let is_named = headers.contains_key("mcp-name");
    match request.target() {
        Some(target) if is_named || request.mcp_name().is_some() => {
            require(headers, "mcp-name", &target)
        }
        None if is_named => Err(mismatch("mcp-name")),
        _ => Ok(()),
    }
}

/// Whether a request lacks what each has in its `_meta`: then its error is one of the request.
pub(super) fn is_malformed(request: &Bytes) -> bool {
    let request = Message::parse(request.clone()).ok();
    let meta = request.as_ref().and_then(Message::meta);
    let meta = Object::parse(meta.unwrap_or("{}")).unwrap_or_default();
    ["protocolVersion", "clientInfo", "clientCapabilities"]
        .iter()
        .any(|name| meta.get(&format!("io.modelcontextprotocol/{name}")).is_none())
}

fn require(headers: &HeaderMap, name: &'static str, expected: &str) -> Result<(), HeaderError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(HeaderError::mismatch(format!("header {name} is missing"))),
        (Some(value), None) if text(value).as_deref() == Some(expected) => Ok(()),
        _ => Err(mismatch(name)),
    }
}

fn mismatch(name: &str) -> HeaderError {
    HeaderError::mismatch(format!("header {name} does not match the body"))
}

/// A header's text: as it is, or between `=?base64?` and `?=` in base64 (MCP 2026-07-28, value
/// encoding). `None` if it has other characters.
pub(super) fn text(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let text = value.to_str().ok()?;
    match text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn request(method: &str, params: &str) -> Message {
        Message::request("1", method, Some(params)).unwrap()
    }

    #[test]
    fn headers_repeat_what_the_body_says() {
        let call = request("tools/call", &format!("{{\"name\":\"é\",{META}}}"));
        let name = format!("=?base64?{}?=", STANDARD.encode("é"));
        let good = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call")];
        let check = |more: &[(&'static str, &str)]| {
            check_new(&headers(&[&good[..], more].concat()), &call).map_err(|error| error.code)
        };
        assert_eq!(check(&[("mcp-name", &name)]), Ok(()));
        assert_eq!(check(&[]), Err(ErrorCode::HEADER_MISMATCH));
        assert_eq!(check(&[("mcp-name", "e")]), Err(ErrorCode::HEADER_MISMATCH));
        assert_eq!(
            check(&[("mcp-name", &name), ("mcp-method", "tools/call")]),
            Err(ErrorCode::HEADER_MISMATCH),
            "twice"
        );
        for without in 0..2 {
            let mut some: Vec<_> = good.to_vec();
            some.remove(without);
            some.push(("mcp-name", &name));
            let checked = check_new(&headers(&some), &call).map_err(|error| error.code);
            assert_eq!(checked, Err(ErrorCode::HEADER_MISMATCH));
        }
        let skill = request("skills/get", &format!("{{\"uri\":\"a:b\",{META}}}"));
        let skills = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "skills/get")];
        for (name, is_right) in [(None, true), (Some("a:b"), true), (Some("a:c"), false)] {
            let name = name.map(|name| ("mcp-name", name));
            let headers = headers(&[&skills[..], name.as_slice()].concat());
            assert_eq!(check_new(&headers, &skill).is_ok(), is_right, "{name:?}");
        }
        let list = request("tools/list", &format!("{{{META}}}"));
        let named = headers(&[
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/list"),
            ("mcp-name", "x"),
        ]);
        assert!(check_new(&named, &list).is_err());
        let bare = request("tools/list", "{}");
        let checked = check_new(&headers(&[("mcp-protocol-version", "2026-07-28")]), &bare);
        assert_eq!(checked.unwrap_err().code, ErrorCode::INVALID_PARAMS);
    }

    #[test]
    fn a_message_without_a_session_says_so() {
        let new =
            |pairs: &[(&'static str, &str)], message: &Message| is_new(&headers(pairs), message);
        let list = request("tools/list", "{}");
        assert!(!new(&[], &list));
        assert!(!new(&[("mcp-protocol-version", "2025-11-25")], &list));
        assert!(new(&[("mcp-protocol-version", "2026-07-28")], &list));
        assert!(new(&[], &request("tools/list", &format!("{{{META}}}"))));
        assert!(new(&[], &request("server/discover", "{}")));
        assert!(!new(&[("mcp-protocol-version", "2026-07-28")], &request("initialize", "{}")));
        assert!(new(&[], &request("initialize", &format!("{{{META}}}"))));
    }

    #[test]
    fn sessions_have_known_revisions() {
        assert!(check_old(&headers(&[])).is_ok());
        assert!(check_old(&headers(&[("mcp-protocol-version", "2025-06-18")])).is_ok());
        assert!(check_old(&headers(&[("mcp-protocol-version", "1999-01-01")])).is_err());
        let twice =
            [("mcp-protocol-version", "2025-06-18"), ("mcp-protocol-version", "2025-06-18")];
        assert!(check_old(&headers(&twice)).is_err());
    }

    #[test]
    fn the_type_that_is_named_first_is_preferred() {
        let prefers = |value: &str| prefers_stream(&headers(&[("accept", value)]));
        assert!(prefers("text/event-stream, application/json"));
        assert!(!prefers("application/json, text/event-stream") && !prefers("*/*"));
        assert!(!prefers_stream(&headers(&[])));
    }

    #[test]
    fn types_are_accepted_by_name_and_by_range() {
        let accepts = |value: &str| accepts(&headers(&[("accept", value)]), "text/event-stream");
        assert!(accepts("application/json, text/event-stream;q=1"));
        assert!(accepts("*/*") && accepts("text/*") && accepts("Text/Event-Stream"));
        assert!(
            !accepts("application/json") && !accepts("text/event") && !accepts("application/*")
        );
    }
}
