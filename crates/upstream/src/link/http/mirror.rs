//! What the headers repeat of the body (MCP 2026-07-28, streamable HTTP, request metadata).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;

use super::params::ParamHeaders;
use crate::{
    http::{MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, SentHeaders},
    wire::Message,
};

/// Adds what the headers repeat of a message that names a revision.
pub(super) fn mirror(headers: &mut SentHeaders, message: &Message, params: &ParamHeaders) {
    let revision = message.revision();
    let Some(revision) = revision.and_then(|it| HeaderValue::from_str(&it).ok()) else { return };
    headers.set(MCP_PROTOCOL_VERSION, revision);
    if let Ok(method) = HeaderValue::from_str(message.method()) {
        headers.set(MCP_METHOD, method);
    }
    let Some(target) = message.mcp_name() else { return };
    if let Some(name) = encoded(&target) {
        headers.set(MCP_NAME, name);
    }
    if message.method() == "tools/call" {
        for (header, text) in params.of_call(&target, message.bytes()) {
            if let Some(value) = encoded(&text) {
                headers.set(header, value);
            }
        }
    }
}

/// A text as a header's value: in Base64 where it is not plain ASCII, or looks like that.
fn encoded(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let is_trimmed = text.trim_matches([' ', '\t']).len() == text.len();
    let is_marked = text.starts_with("=?base64?") && text.ends_with("?=");
    if is_plain && is_trimmed && !is_marked {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::try_from(format!("=?base64?{}?=", STANDARD.encode(text))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_in_the_examples_of_the_specification() {
        for (text, value) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encoded(text).unwrap(), value);
        }
    }
}
