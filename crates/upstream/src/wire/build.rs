//! Messages of our own.

use std::fmt::Write;

use bytes::Bytes;

use super::{
    message::{Message, MessageError},
    object::quote,
};

/// A request's id: two texts of the same value are one id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// A whole number, as it was written.
    Number(Box<str>),
    /// What a string says.
    Text(Box<str>),
}

impl Id {
    /// The id that `json` is; `None` if it is neither a number nor a string.
    #[must_use]
    pub fn parse(json: &str) -> Option<Self> {
        if json.starts_with('"') {
            return super::object::unquote(json).map(|text| Self::Text(text.into()));
        }
        let is_number = json.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-'));
        (is_number && !json.is_empty()).then(|| Self::Number(json.into()))
    }
}

/// Error codes of JSON-RPC 2.0 §5.1 and MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    /// The message is not JSON.
    pub const PARSE: Self = Self(-32700);
    /// It is no request that can be answered here and now.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// There is no such method.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters do not fit the method.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// Something is wrong on our side, or behind us.
    pub const INTERNAL: Self = Self(-32603);
    /// A header is missing, or says something else than the body (MCP 2026-07-28).
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The client lacks a capability that the request needs (MCP 2026-07-28).
    pub const MISSING_CAPABILITY: Self = Self(-32021);
    /// The revision is not supported (MCP 2026-07-28).
    pub const UNSUPPORTED_REVISION: Self = Self(-32022);
}

impl Message {
    /// A request. `id` and `params` must be JSON, `params` an object.
    pub fn request(id: &str, method: &str, params: Option<&str>) -> Result<Self, MessageError> {
        Self::built(Some(id), method, params)
    }

    /// A notification. `params` must be JSON, an object.
    pub fn notification(method: &str, params: Option<&str>) -> Result<Self, MessageError> {
        Self::built(None, method, params)
    }

    /// An answer with a result. Both must be JSON.
    pub fn success(id: &str, result: &str) -> Result<Self, MessageError> {
        Self::parse(Bytes::from(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")))
    }

    /// An answer with an error. `id` must be a JSON number or string, `data` JSON.
    #[must_use]
    pub fn failure(id: &str, code: ErrorCode, message: &str, data: Option<&str>) -> Self {
        let text = failure_text(Some(id), code, message, data);
        // What is not JSON can only be `data` or `id`.
        Self::parse(text.into()).unwrap_or_else(|_| Self::internal_error())
    }

    fn built(id: Option<&str>, method: &str, params: Option<&str>) -> Result<Self, MessageError> {
        let mut text = String::from("{\"jsonrpc\":\"2.0\"");
        if let Some(id) = id {
            let _ = write!(text, ",\"id\":{id}");
        }
        let _ = write!(text, ",\"method\":{}", quote(method));
        if let Some(params) = params {
            let _ = write!(text, ",\"params\":{params}");
        }
        text.push('}');
        Self::parse(text.into())
    }
}

/// The JSON of an error; without an id if it concerns no request that could be read.
#[must_use]
pub fn failure_text(
    id: Option<&str>,
    code: ErrorCode,
    message: &str,
    data: Option<&str>,
) -> String {
    let mut text = String::from("{\"jsonrpc\":\"2.0\"");
    if let Some(id) = id {
        let _ = write!(text, ",\"id\":{id}");
    }
    let _ = write!(text, ",\"error\":{{\"code\":{},\"message\":{}", code.0, quote(message));
    if let Some(data) = data {
        let _ = write!(text, ",\"data\":{data}");
    }
    text.push_str("}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Kind;

    #[test]
    fn what_is_built_is_read_as_what_it_is() {
        let request = Message::request("1", "a\"b", Some("{\"x\":1}")).unwrap();
        assert_eq!((request.kind(), request.method()), (Kind::Request, "a\"b"));
        assert_eq!(request.params(), Some("{\"x\":1}"));
        let note = Message::notification("m", None).unwrap();
        assert_eq!((note.kind(), note.params()), (Kind::Notification, None));
        let answer = Message::success("\"i\"", "{}").unwrap();
        assert_eq!((answer.kind(), answer.id()), (Kind::Answer, Some("\"i\"")));
        let error = Message::failure("2", ErrorCode::INTERNAL, "no\n", Some("[1]"));
        assert_eq!(error.error(), Some(r#"{"code":-32603,"message":"no\n","data":[1]}"#));
        assert!(Message::request("1", "m", Some("{")).is_err());
        assert!(Message::success("1", "{},\"x\":").is_err());
    }

    #[test]
    fn two_texts_of_one_value_are_one_id() {
        assert_eq!(Id::parse("\"a\""), Id::parse("\"\\u0061\""));
        assert_ne!(Id::parse("\"1\""), Id::parse("1"));
        assert_eq!(Id::parse("null"), None);
        assert_eq!(Id::parse(""), None);
    }
}
