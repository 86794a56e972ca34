//! `get_time`: what time it is where the server runs.

use auth_core::Clock;
use chrono::{DateTime, Local, SecondsFormat, SubsecRound, TimeZone};
use schemars::JsonSchema;
use serde::Serialize;

/// The current time, in four forms.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct TimeNow {
    /// RFC 3339, with the offset of the server's time zone.
    current_time: String,
    /// The server's time zone: its IANA name, or its offset where it has none.
    timezone: String,
    /// Seconds since 1970-01-01T00:00:00Z, with their fraction.
    timestamp: f64,
    /// `YYYY-MM-DD HH:MM:SS` in the server's time zone.
    formatted: String,
}

/// The time of `clock`, in the time zone of this computer.
pub(crate) fn get_time(clock: &dyn Clock) -> TimeNow {
    let since_epoch = clock.since_epoch();
    let secs = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    let local = Local
        .timestamp_opt(secs, since_epoch.subsec_nanos())
        .single()
        .unwrap_or_else(|| DateTime::UNIX_EPOCH.into());
    TimeNow {
        current_time: local.to_rfc3339_opts(SecondsFormat::Micros, false),
        timezone: iana_time_zone::get_timezone().unwrap_or_else(|_| local.offset().to_string()),
        timestamp: since_epoch.as_secs_f64(),
        formatted: local.naive_local().trunc_subsecs(0).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::NumericDate;

    use super::*;

    #[derive(Debug)]
    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> NumericDate {
            NumericDate::from_secs(1_800_000_000).unwrap()
        }

        fn since_epoch(&self) -> Duration {
            Duration::from_millis(1_800_000_000_250)
        }
    }

    #[test]
    fn the_four_forms_are_the_same_instant() {
        let time = get_time(&Fixed);
        assert!((time.timestamp - 1_800_000_000.25).abs() < 1e-6);
        let parsed = DateTime::parse_from_rfc3339(&time.current_time).unwrap();
        assert_eq!(parsed.timestamp_millis(), 1_800_000_000_250);
        assert_eq!(time.formatted, parsed.format("%Y-%m-%d %H:%M:%S").to_string());
        assert!(!time.timezone.is_empty());
    }
}
