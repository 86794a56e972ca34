//! The headers of a POST (MCP 2026-07-28, streamable HTTP, request metadata).
//!
//! Since 2026-07-28 `Mcp-Method` and `Mcp-Name` repeat what the body says. A value that a header
//! cannot have, or that looks encoded, is sent in base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::message::Message;

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The version that is spoken.
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The session.
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
/// The last event that arrived.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Adds what a message of 2026-07-28 or later says of itself.
pub(super) fn describe(message: &Message, headers: &mut HeaderMap) {
    if !message.is_stateless() {
        return;
    }
    let values = [
        (VERSION, message.version.as_deref()),
        (METHOD, Some(message.method.as_str())),
        (NAME, message.name.as_deref()),
    ];
    for (name, text) in values {
        if let Some(value) = text.and_then(value) {
            headers.insert(name, value);
        }
    }
}

/// A text as the value of a header.
pub(super) fn value(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        && text.trim_matches([' ', '\t']).len() == text.len()
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let encoded = (!is_plain).then(|| format!("=?base64?{}?=", STANDARD.encode(text)));
    HeaderValue::from_str(encoded.as_deref().unwrap_or(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_the_specification_shows() {
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("", ""),
        ] {
            assert_eq!(value(text).unwrap(), expected, "{text}");
        }
    }
}
