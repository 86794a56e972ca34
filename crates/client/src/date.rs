//! Dates for a person.

use auth_core::NumericDate;
use chrono::{DateTime, SecondsFormat};

/// A date as RFC 3339 writes it, in UTC: `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(date: NumericDate) -> String {
    DateTime::from_timestamp(date.as_secs(), 0)
        .map_or_else(|| date.to_string(), |date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}
