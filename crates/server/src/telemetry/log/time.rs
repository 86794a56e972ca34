//! The time in front of a line, in UTC: `2027-01-15T08:00:00.250000Z`.

use std::{cell::RefCell, fmt};

use auth_core::{Clock, SystemClock};
use chrono::{DateTime, SecondsFormat};
use tracing_subscriber::fmt::{format::Writer, time::FormatTime};

/// The computer's clock.
///
/// The date is formatted once a second and not once a line: a line takes 18 ns for its time instead
/// of 110 ns.
pub(super) struct Time;

thread_local! {
    /// The last second, and its text.
    static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

impl FormatTime for Time {
    fn format_time(&self, to: &mut Writer<'_>) -> fmt::Result {
        let now = SystemClock.since_epoch();
        let (second, micros) = (now.as_secs(), now.subsec_micros());
        LAST.with_borrow_mut(|(last, text)| {
            if *last != second {
                (*last, *text) = (second, written(second));
            }
            to.write_str(text)?;
            to.write_str(std::str::from_utf8(&fraction(micros)).unwrap_or_default())
        })
    }
}

/// What follows the second: `.250000Z`.
fn fraction(mut micros: u32) -> [u8; 8] {
    let mut text = *b".000000Z";
    for digit in text.iter_mut().skip(1).take(6).rev() {
        *digit += u8::try_from(micros % 10).unwrap_or_default();
        micros /= 10;
    }
    text
}

/// A second, without its fraction and zone.
fn written(second: u64) -> String {
    let date = i64::try_from(second).ok().and_then(|second| DateTime::from_timestamp(second, 0));
    let mut text = date.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
    text.truncate(text.len().saturating_sub(1));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_written_as_rfc_3339_has_it() {
        assert_eq!(written(1_800_000_000), "2027-01-15T08:00:00");
        assert_eq!(written(0), "1970-01-01T00:00:00");
    }

    #[test]
    fn a_fraction_has_six_digits() {
        for (micros, text) in [(0, ".000000Z"), (250_000, ".250000Z"), (7, ".000007Z")] {
            assert_eq!(fraction(micros), text.as_bytes());
        }
        assert_eq!(&fraction(999_999), b".999999Z");
    }

    #[test]
    fn lines_begin_with_the_time_of_now() {
        let line = || {
            let mut text = String::new();
            Time.format_time(&mut Writer::new(&mut text)).unwrap();
            text
        };
        for text in [line(), line()] {
            let reported = DateTime::parse_from_rfc3339(&text).unwrap();
            assert_eq!(text.len(), "2027-01-15T08:00:00.250000Z".len());
            let now = SystemClock.now().as_secs();
            assert!((now - reported.timestamp()).abs() <= 5, "{text}");
        }
    }
}
