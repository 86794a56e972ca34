//! The text of what the gateway answers itself.

use std::fmt::Display;

use crate::wire::{ErrorCode, failure_text};

/// The text of a JSON-RPC error (JSON-RPC 2.0 §5.1).
pub(super) fn error_text(id: Option<&str>, message: &dyn Display) -> String {
    failure_text(id, ErrorCode::INTERNAL, &message.to_string(), None)
}
