//! `Mcp-Method` and `Mcp-Name`: repeated for intermediaries that do not read bodies (MCP
//! 2026-07-28, streamable HTTP, standard headers). Decisions are made on the body; the headers may
//! only agree.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue};

use crate::request::message::Message;

/// A header that says something else than the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("header {0} does not match the body")]
pub(crate) struct HeaderMismatchError(pub(crate) &'static str);

const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";

/// Compares the headers, where there are any, with the message.
pub(crate) fn check(headers: &HeaderMap, message: &Message) -> Result<(), HeaderMismatchError> {
    compare(headers, METHOD, message.method.as_deref())?;
    compare(headers, NAME, message.name.as_deref())
}

fn compare(
    headers: &HeaderMap,
    header: &'static str,
    expected: Option<&str>,
) -> Result<(), HeaderMismatchError> {
    let mut values = headers.get_all(header).iter();
    let Some(value) = values.next() else {
        return Ok(());
    };
    let agrees = expected.is_some_and(|expected| text(value).as_deref() == Some(expected));
    if agrees && values.next().is_none() { Ok(()) } else { Err(HeaderMismatchError(header)) }
}

/// The header's text: as it is, or between `=?base64?` and `?=` in base64.
fn text(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let text = value.to_str().ok()?;
    match text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_with(pairs: &[(&'static str, &str)], body: &str) -> Result<(), HeaderMismatchError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        check(&headers, &Message::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn headers_may_be_absent_or_agree() {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a é"}}"#;
        assert_eq!(check_with(&[], call), Ok(()));
        let encoded = format!("=?base64?{}?=", STANDARD.encode("a é"));
        assert_eq!(check_with(&[(METHOD, "tools/call"), (NAME, &encoded)], call), Ok(()));
        assert_eq!(check_with(&[(METHOD, "tools/list")], call), Err(HeaderMismatchError(METHOD)));
        assert_eq!(check_with(&[(METHOD, "Tools/call")], call), Err(HeaderMismatchError(METHOD)));
        assert_eq!(check_with(&[(NAME, "a")], call), Err(HeaderMismatchError(NAME)));
        assert_eq!(check_with(&[(NAME, "=?base64?!?=")], call), Err(HeaderMismatchError(NAME)));
        let twice = [(METHOD, "tools/call"), (METHOD, "tools/call")];
        assert_eq!(check_with(&twice, call), Err(HeaderMismatchError(METHOD)));
    }

    #[test]
    fn the_name_of_a_task_is_its_id() {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}"#;
        assert_eq!(check_with(&[(NAME, "t")], body), Ok(()));
        assert_eq!(check_with(&[(NAME, "u")], body), Err(HeaderMismatchError(NAME)));
    }

    #[test]
    fn a_header_for_what_the_body_does_not_have_is_a_mismatch() {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(check_with(&[(METHOD, "ping")], ping), Ok(()));
        assert_eq!(check_with(&[(NAME, "x")], ping), Err(HeaderMismatchError(NAME)));
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        assert_eq!(check_with(&[(METHOD, "ping")], response), Err(HeaderMismatchError(METHOD)));
    }
}
