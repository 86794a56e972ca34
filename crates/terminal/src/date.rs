//! Dates: RFC 3339 in UTC, to whole seconds (`2026-01-31T12:00:00Z`), and [`When`] on a command
//! line.

use std::{cmp::Ordering, str::FromStr, time::Duration};

use auth_core::NumericDate;
use chrono::{DateTime, SecondsFormat};

use crate::duration;

/// A date as RFC 3339 writes it, in UTC: `2026-01-31T12:00:00Z`.
#[must_use]
pub fn rfc3339(date: NumericDate) -> String {
    // Every `NumericDate` is a calendar date; the number is right in any case.
    DateTime::from_timestamp(date.as_secs(), 0)
        .map_or_else(|| date.to_string(), |date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The same of seconds since 1970; the number itself, if that is no date.
#[must_use]
pub fn rfc3339_secs(secs: i64) -> String {
    NumericDate::from_secs(secs).map_or_else(|_| secs.to_string(), rfc3339)
}

/// How far `date` is from `now`: `in 15 minutes`, `2 hours ago`, `now`.
#[must_use]
pub fn distance(date: NumericDate, now: NumericDate) -> String {
    match date.cmp(&now) {
        Ordering::Greater => format!("in {}", duration::words(date.since(now))),
        Ordering::Less => format!("{} ago", duration::words(now.since(date))),
        Ordering::Equal => "now".into(),
    }
}

/// A date and how far it is from `now`: `2026-01-31T12:00:00Z (in 15 minutes)`.
#[must_use]
pub fn with_distance(date: NumericDate, now: NumericDate) -> String {
    format!("{} ({})", rfc3339(date), distance(date, now))
}

/// A date on a command line: a duration from now (`10m`), or RFC 3339 (`2027-01-15T08:00:00Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long from now.
    In(Duration),
    /// At this date.
    At(NumericDate),
}

/// A text is neither a duration nor a date. A number without a unit is neither: it could be both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a duration from now, like 30m, 12h or 7d, or a date, like 2030-01-31T12:00:00Z")]
pub struct WhenError;

impl When {
    /// The date that is meant at `now`.
    #[must_use]
    pub fn date(self, now: NumericDate) -> NumericDate {
        match self {
            Self::In(duration) => now.plus(duration),
            Self::At(date) => date,
        }
    }
}

impl FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        if let Ok(duration) = duration::parse_with_unit(text) {
            return Ok(Self::In(duration));
        }
        let date = DateTime::parse_from_rfc3339(text).map_err(|_| WhenError)?;
        NumericDate::from_secs(date.timestamp()).map(Self::At).map_err(|_| WhenError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    #[test]
    fn durations_and_dates_are_read_and_nothing_else() {
        let now = at(1_800_000_000);
        let date = |text: &str| text.parse::<When>().map(|when| when.date(now).as_secs());
        assert_eq!(date("10m"), Ok(1_800_000_600));
        assert_eq!(date("2027-01-15T08:00:00Z"), Ok(1_800_000_000));
        assert_eq!(date("2027-01-15T10:00:00+02:00"), Ok(1_800_000_000));
        for text in ["", "soon", "7", "2027-01-15", "1969-01-01T00:00:00Z", "-5", "-7d", "7w"] {
            assert_eq!(date(text), Err(WhenError), "{text}");
        }
    }

    #[test]
    fn dates_are_printed_in_utc() {
        assert_eq!(rfc3339(at(1_800_000_000)), "2027-01-15T08:00:00Z");
        assert_eq!(rfc3339_secs(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(rfc3339_secs(-1), "-1");
        assert_eq!(distance(at(900), at(0)), "in 15 minutes");
        assert_eq!(distance(at(0), at(900)), "15 minutes ago");
        assert_eq!(distance(at(5), at(5)), "now");
        assert_eq!(
            with_distance(at(1_800_000_000), at(1_800_000_900)),
            "2027-01-15T08:00:00Z (15 minutes ago)"
        );
    }
}
