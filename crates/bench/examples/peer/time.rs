//! What the tool `get_time` answers, in every server with tools.

use chrono::{Local, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

/// The current time.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the same names as the server's tool has")]
pub(crate) struct Time {
    current_time: String,
    timezone: String,
    timestamp: f64,
    formatted: String,
}

impl Time {
    pub(crate) fn now() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a server to compare with has no clock port")]
        let now = Local::now();
        #[expect(clippy::cast_precision_loss, reason = "microseconds until 2255 are exact")]
        let timestamp = now.timestamp_micros() as f64 / 1e6;
        Self {
            current_time: now.to_rfc3339_opts(SecondsFormat::Micros, false),
            timezone: now.offset().to_string(),
            timestamp,
            formatted: now.format("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }
}
