//! The messages of a server's log (`notifications/message`), on stderr.

use std::fmt::Write;

use rmcp::model::ServerNotification;
use serde_json::Value;

use crate::sanitize::Sanitizer;

/// The line for a message: `log: warning database: the disk is full`. Other notifications have
/// none.
#[expect(deprecated, reason = "servers have it until logging is removed (SEP-2577)")]
pub(super) fn line(notification: &ServerNotification, sanitizer: &Sanitizer<'_>) -> Option<String> {
    let ServerNotification::LoggingMessageNotification(message) = notification else {
        return None;
    };
    let message = &message.params;
    let level = serde_json::to_value(message.level).unwrap_or_default();
    let mut text = format!("log: {}", level.as_str().unwrap_or_default());
    if let Some(logger) = &message.logger {
        let _ = write!(text, " {}", sanitizer.one_line(logger));
    }
    let words = match &message.data {
        Value::String(words) => sanitizer.one_line(words),
        other => sanitizer.one_line(&other.to_string()),
    };
    Some(format!("{text}: {words}\n"))
}
