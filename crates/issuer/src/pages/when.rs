//! Points in time, as a page shows them.

use auth_core::NumericDate;
use chrono::{DateTime, SecondsFormat};

use super::text;

/// A time that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    at: NumericDate,
    now: NumericDate,
}

impl When {
    /// `at`, seen from `now`.
    #[must_use]
    pub fn new(at: NumericDate, now: NumericDate) -> Self {
        Self { at, now }
    }

    /// How long ago, as text.
    #[must_use]
    pub fn ago(self) -> String {
        text::ago(self.now.since(self.at).as_secs())
    }

    /// The time in UTC (RFC 3339), for the `datetime` attribute.
    #[must_use]
    pub fn machine(self) -> String {
        DateTime::from_timestamp(self.at.as_secs(), 0)
            .map(|it| it.to_rfc3339_opts(SecondsFormat::Secs, true))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_relative_to_now() {
        let now = NumericDate::from_secs(1_800_000_000).unwrap();
        let ago = |secs| When::new(NumericDate::from_secs(now.as_secs() - secs).unwrap(), now);
        for (secs, text) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_400, "1 day ago"),
            (864_000, "10 days ago"),
        ] {
            assert_eq!(ago(secs).ago(), text);
        }
        assert_eq!(ago(0).machine(), "2027-01-15T08:00:00Z");
    }
}
