//! Why a call has an error of the gateway's as its answer.

use super::{names::NEW_VERSION, object::UntranslatableError};
use crate::wire::{ErrorCode, Message, Object, quote};

/// An error that a caller gets, and is not the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: ErrorCode,
    message: String,
    data: Option<String>,
}

impl Failure {
    /// The caller's parameters do not have their shape, or name what does not exist.
    pub(crate) fn params(message: impl std::fmt::Display) -> Self {
        Self { code: ErrorCode::INVALID_PARAMS, message: message.to_string(), data: None }
    }

    /// The server answered with something that the protocol does not have.
    pub(crate) fn server(error: &UntranslatableError) -> Self {
        Self::internal(format!("the answer of the server cannot be passed on: {error}"))
    }

    /// Something else.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::INTERNAL, message: message.into(), data: None }
    }

    /// The method does not exist in the caller's generation, or the server does not have it.
    pub(crate) fn method(method: &str) -> Self {
        let message = format!("there is no method {method:?}");
        Self { code: ErrorCode::METHOD_NOT_FOUND, message, data: None }
    }

    /// The client did not declare `capabilities` (JSON), without which the call cannot be made.
    pub(crate) fn capability(capabilities: &str) -> Self {
        Self {
            code: ErrorCode::MISSING_CAPABILITY,
            message: "the client did not declare a capability that this request needs".to_owned(),
            data: Some(format!("{{\"requiredCapabilities\":{capabilities}}}")),
        }
    }

    /// The caller's revision is none that is spoken here.
    pub(crate) fn revision(requested: &str) -> Self {
        let (supported, requested) = (quote(NEW_VERSION), quote(requested));
        Self {
            code: ErrorCode::UNSUPPORTED_REVISION,
            message: "the revision is not supported".to_owned(),
            data: Some(format!("{{\"supported\":[{supported}],\"requested\":{requested}}}")),
        }
    }

    /// The error (JSON) that someone else gave: a client that was asked, or a server about a task.
    pub(crate) fn passed_on(error: Option<&str>) -> Self {
        let error = Object::parse(error.unwrap_or("{}")).unwrap_or_default();
        let code = error.get("code").and_then(|code| code.parse().ok());
        Self {
            code: code.map_or(ErrorCode::INTERNAL, ErrorCode),
            message: error.text("message").unwrap_or_default().into_owned(),
            data: error.get("data").map(str::to_owned),
        }
    }

    /// The answer to the request with this id.
    pub(crate) fn answer(&self, id: &str) -> Message {
        Message::failure(id, self.code, &self.message, self.data.as_deref())
    }
}

/// An answer with a result.
pub(crate) fn success(id: &str, result: &str) -> Result<Message, Failure> {
    Message::success(id, result).map_err(|error| Failure::server(&error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_code() {
        for (failure, code) in [
            (Failure::params("x"), "-32602"),
            (Failure::server(&UntranslatableError::Shape("x")), "-32603"),
            (Failure::internal("x"), "-32603"),
            (Failure::method("x"), "-32601"),
            (Failure::capability(r#"{"roots":{}}"#), "-32021"),
            (Failure::revision("2099-01-01"), "-32022"),
            (Failure::passed_on(Some(r#"{"code":-1,"message":"m","data":[]}"#)), "-1"),
            (Failure::passed_on(None), "-32603"),
        ] {
            let answer = failure.answer("\"i\"");
            assert_eq!(answer.id(), Some("\"i\""));
            assert!(answer.text().contains(code), "{}", answer.text());
        }
        assert!(success("1", "{}").is_ok());
        assert!(success("1", "{").is_err());
    }
}
