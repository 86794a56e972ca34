//! A value as a person writes it.

use std::ops::RangeInclusive;

use serde_json::Value;
use terminal::date::rfc3339_secs;

/// The members that are dates (RFC 7519 §4.1), as are those whose names end with `_at`.
const DATES: [&str; 4] = ["exp", "iat", "nbf", "auth_time"];
/// The seconds since 1970 that are shown as dates: from 2001 to 2100. Other numbers may be
/// milliseconds, or a duration.
const SECONDS: RangeInclusive<i64> = 1_000_000_000..=4_102_444_800;

/// The value of a member as a person writes it: seconds since 1970 as a date.
pub(super) fn text_of_member(name: &str, value: &Value) -> String {
    let is_date = DATES.contains(&name) || name.ends_with("_at");
    match value.as_i64().filter(|secs| is_date && SECONDS.contains(secs)) {
        Some(secs) => rfc3339_secs(secs),
        None => text_of(value),
    }
}

/// A value as a person writes it: a text without quotes.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_that_is_a_date_by_its_name_is_shown_as_one() {
        for (name, value, text) in [
            ("expires_at", json!(1_800_000_000), "2027-01-15T08:00:00Z"),
            ("exp", json!(1_800_000_000), "2027-01-15T08:00:00Z"),
            ("count", json!(1_800_000_000), "1800000000"),
            ("expires_at", json!(3600), "3600"),
            ("updated_at", json!(1_800_000_000_000_i64), "1800000000000"),
            ("expires_at", json!("1800000000"), "1800000000"),
        ] {
            assert_eq!(text_of_member(name, &value), text, "{name}");
        }
    }
}
