//! Why a request has no answer of the server, as the error that the program gets.
//!
//! 1. The error says what happened, what the server says to it, and what helps.
//! 2. `code` and `data` are those of the server's own error where it sent one; otherwise the code
//!    is [`CODE`], which JSON-RPC leaves to implementations.
//! 3. The token is redacted, should the server repeat it.

use serde_json::{Map, Value};
use terminal::{Invocation, help::filled};

use super::message::{self, Id};
use crate::{failure::Failure, sanitize::Sanitizer};

/// The code of an error of ours (JSON-RPC 2.0 §5.1).
pub(super) const CODE: i64 = -32000;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Problem {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Problem {
    /// A problem with a text of ours.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { code: CODE, message: message.into(), data: None }
    }

    /// A refusal, or a failure of a sign-in. `server` is the error in the body of the refusal.
    pub(super) fn of(
        failure: &Failure,
        server: Option<&Map<String, Value>>,
        sanitizer: &Sanitizer<'_>,
        invocation: &Invocation,
    ) -> Self {
        let mut text = sanitizer.one_line(failure.message());
        if let Some(words) = failure.server() {
            text = format!("{text}: {}", sanitizer.one_line(words));
        }
        if let Some(hint) = failure.hint() {
            text = format!("{text}. To fix it: {}", filled(&sanitizer.full(hint), invocation));
        }
        let mut data = match failure.to_json(sanitizer, invocation).get_mut("error") {
            Some(Value::Object(error)) => std::mem::take(error),
            _ => Map::new(),
        };
        if let Some(Value::Object(members)) = server.and_then(|server| server.get("data")) {
            let text = Value::Object(members.clone()).to_string();
            if let Ok(Value::Object(clean)) = serde_json::from_str(&sanitizer.json(&text)) {
                data.extend(clean);
            }
        }
        let code = server.and_then(|server| server.get("code")?.as_i64()).unwrap_or(CODE);
        Self { code, message: text, data: Some(Value::Object(data)) }
    }

    /// What it says.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The response to a request.
    pub(super) fn response(self, id: &Id) -> String {
        message::error(Some(id), self.code, &self.message, self.data)
    }
}
