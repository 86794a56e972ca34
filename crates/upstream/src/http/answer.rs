//! What an answer is, by its head.
//!
//! 1. An answer is one JSON-RPC message, an event stream, or empty. Anything else is an error.
//! 2. A redirect is not followed. A content coding was not asked for.
//! 3. 401, 403 and 407 are about the gateway's credentials, which the caller has nothing to do
//!    with.
//! 4. An error that is no JSON has a status and no text: that may be a page for browsers.

use http::{HeaderMap, StatusCode, header};

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// An event stream.
    Stream,
    /// JSON, whatever the status.
    Json,
    /// Nothing.
    Empty,
}

/// Why an answer is none of an MCP server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The server does not accept the gateway's credentials: 401, 403 or 407.
    #[error("the server refuses the gateway's credentials ({0})")]
    Refused(StatusCode),
    /// A redirect, which is not followed.
    #[error("the server redirects ({status}), and its final URL has to be configured")]
    Redirect {
        /// The status.
        status: StatusCode,
        /// Where to. It is the cause and not the message, which callers see.
        #[source]
        target: RedirectTarget,
    },
    /// A content coding, which was not asked for.
    #[error("the server's answer has a content coding")]
    ContentCoding,
    /// Neither JSON nor a stream.
    #[error("the server's answer is neither JSON nor an event stream")]
    MediaType,
    /// An error without a JSON-RPC message.
    #[error("the server answers {0}")]
    Status(StatusCode),
}

/// Where a redirect leads: escaped, and without its query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("to {0}")]
pub struct RedirectTarget(String);

/// What an answer with this head is.
pub(crate) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    is_empty: bool,
) -> Result<AnswerKind, AnswerError> {
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED => return Err(AnswerError::Refused(status)),
        _ if status.is_redirection() => {
            let location = headers.get(header::LOCATION).map_or(&b""[..], |it| it.as_bytes());
            return Err(AnswerError::Redirect { status, target: shown(location) });
        }
        _ if status.is_informational() => return Err(AnswerError::Status(StatusCode::BAD_GATEWAY)),
        _ => {}
    }
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(AnswerError::ContentCoding);
    }
    match media_type(headers) {
        Some(kind) if kind.eq_ignore_ascii_case(b"application/json") => Ok(AnswerKind::Json),
        Some(kind) if kind.eq_ignore_ascii_case(b"text/event-stream") && status.is_success() => {
            Ok(AnswerKind::Stream)
        }
        _ if !status.is_success() => Err(AnswerError::Status(status)),
        _ if is_empty => Ok(AnswerKind::Empty),
        _ => Err(AnswerError::MediaType),
    }
}

/// The media type without its parameters (RFC 9110 §8.3.1).
fn media_type(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::CONTENT_TYPE)?.as_bytes();
    value.split(|&byte| byte == b';').next().map(<[u8]>::trim_ascii)
}

/// An address without its query, as it may be shown.
fn shown(location: &[u8]) -> RedirectTarget {
    let text = String::from_utf8_lossy(location);
    let without = text.split(['?', '#']).next().unwrap_or_default();
    RedirectTarget(auth_core::display::excerpt(without))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn judged(status: u16, headers: &[(&'static str, &str)], is_empty: bool) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        match judge(StatusCode::from_u16(status).unwrap(), &map, is_empty) {
            Ok(kind) => format!("{kind:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_answer_is_json_or_a_stream_or_nothing() {
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(judged(200, &[json], false), "Json");
        assert_eq!(judged(404, &[json], false), "Json");
        assert_eq!(judged(200, &[("content-type", "Text/Event-Stream")], false), "Stream");
        assert_eq!(judged(202, &[], true), "Empty");
        assert_eq!(judged(204, &[("content-type", "text/html")], true), "Empty");
        let neither = "the server's answer is neither JSON nor an event stream";
        for kind in ["text/html", "application/jsonx", "", "text/plain"] {
            assert_eq!(judged(200, &[("content-type", kind)], false), neither, "{kind}");
        }
        assert_eq!(judged(200, &[], false), neither);
    }

    #[test]
    fn an_error_keeps_its_status_and_not_its_page() {
        for status in [400, 404, 405, 406, 415, 429, 500, 503] {
            let answer = judged(status, &[("content-type", "text/html")], false);
            assert!(answer.starts_with(&format!("the server answers {status} ")), "{answer}");
        }
    }

    #[test]
    fn what_is_about_the_gateway_is_not_for_the_caller() {
        for status in [401, 403, 407] {
            let answer = judged(status, &[("content-type", "application/json")], false);
            assert!(answer.starts_with("the server refuses the gateway's credentials"), "{answer}");
        }
        let to = [("location", "https://b.example/x?token=secret#y")];
        let expected = "the server redirects (307 Temporary Redirect), and its final URL has to be \
                        configured";
        assert_eq!(judged(307, &to, true), expected);
        assert_eq!(shown(b"https://b.example/x?y#z").to_string(), "to https://b.example/x");
    }

    #[test]
    fn a_content_coding_is_refused() {
        let json = ("content-type", "application/json");
        assert_eq!(judged(200, &[json, ("content-encoding", "identity")], false), "Json");
        for coding in ["gzip", "br", "identity, gzip"] {
            let answer = judged(200, &[json, ("content-encoding", coding)], false);
            assert_eq!(answer, "the server's answer has a content coding", "{coding}");
        }
    }
}
