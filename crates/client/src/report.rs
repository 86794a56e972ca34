//! The result of a verb that is about tokens or servers, rather than an answer of a server.

use serde_json::Value;

use crate::failure::Failure;

/// A result as text for a person and as JSON for a program.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) json: Value,
    /// What is allowed and unwise.
    pub(crate) warning: Option<String>,
    /// Whether the text is sanitized already and has styles in it.
    pub(crate) is_sanitized: bool,
    /// What is wrong, if the exit code must say so.
    pub(crate) failure: Option<Box<Failure>>,
}

impl Report {
    /// A report that nothing is wrong.
    pub(crate) fn new(text: String, json: Value) -> Self {
        Self { text, json, warning: None, is_sanitized: false, failure: None }
    }
}
