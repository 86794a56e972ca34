//! Durations: how they are written on a command line, and how they are printed.
//!
//! ```text
//! duration = 1*DIGIT [ unit ]
//! unit     = "ms" / "s" / "m" / "h" / "d"      ; seconds if there is none
//! ```
//!
//! One number and one unit: `90s`, `15m`, `12h`, `7d`, `500ms`, `3600`. `1h30m`, `1.5h`, `1H` and
//! `+1h` are refused.

use std::time::Duration;

/// The longest duration: 36500 days.
pub const MAX: Duration = Duration::from_hours(36_500 * 24);

/// The units with their suffix and their length in milliseconds. `ms` precedes `s`, which it ends
/// with.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The units of [`words`], the longest first, with their length in seconds.
const NAMED_UNITS: [(&str, u64); 4] =
    [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];

/// Why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not one number with at most one unit.
    #[error("not a duration: write it like 90s, 15m, 12h or 7d, or as a number of seconds")]
    Form,
    /// Zero.
    #[error("the duration must be longer than zero")]
    Zero,
    /// Longer than [`MAX`].
    #[error("the duration is at most 36500d")]
    TooLong,
}

/// Reads a duration that is longer than zero and at most [`MAX`].
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(terminal::duration::parse("15m"), Ok(Duration::from_secs(900)));
/// assert!(terminal::duration::parse("1h30m").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    read(text, Some(1_000))
}

/// The same, where a number without a unit could be mistaken for a date, and is refused.
pub(crate) fn parse_with_unit(text: &str) -> Result<Duration, DurationError> {
    read(text, None)
}

fn read(text: &str, without_unit: Option<u64>) -> Result<Duration, DurationError> {
    let (digits, millis) = UNITS
        .into_iter()
        .find_map(|(suffix, millis)| Some((text.strip_suffix(suffix)?, Some(millis))))
        .unwrap_or((text, without_unit));
    let millis = millis.ok_or(DurationError::Form)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DurationError::Form);
    }
    // All are digits, so the number can only be too large.
    let number: u64 = digits.parse().map_err(|_| DurationError::TooLong)?;
    match number.checked_mul(millis).map(Duration::from_millis) {
        Some(Duration::ZERO) => Err(DurationError::Zero),
        Some(duration) if duration <= MAX => Ok(duration),
        _ => Err(DurationError::TooLong),
    }
}

/// A duration in its two greatest units that are not zero: `1 day 1 hour`, `90 seconds` as
/// `1 minute 30 seconds`, `less than a second`.
#[must_use]
pub fn words(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut words = Vec::new();
    for (name, secs) in NAMED_UNITS {
        let count = rest / secs;
        rest %= secs;
        if count > 0 {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.truncate(2);
    if words.is_empty() { "less than a second".into() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("90s", 90_000),
            ("15m", 900_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
            ("45", 45_000),
            ("007m", 420_000),
            ("36500d", 36_500 * 86_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
            let has_unit = !text.ends_with(|last: char| last.is_ascii_digit());
            assert_eq!(parse_with_unit(text).is_ok(), has_unit, "{text}");
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "", "h", "s", "ms", "-1", "-1h", "+1h", "1.5h", "1h30m", "1H", "1 h", " 1h", "1h ",
            "1w", "0x10", "1e3", "soon", "١h", "1hh", "7é",
        ] {
            assert_eq!(parse(text), Err(DurationError::Form), "{text:?}");
        }
        for text in ["0", "0s", "00d", "0ms"] {
            assert_eq!(parse(text), Err(DurationError::Zero), "{text:?}");
        }
        for text in ["36501d", "3153600001", "99999999999999999999", "18446744073709551615d"] {
            assert_eq!(parse(text), Err(DurationError::TooLong), "{text:?}");
        }
    }

    #[test]
    fn the_error_names_the_accepted_form() {
        let text = DurationError::Form.to_string();
        for form in ["90s", "15m", "12h", "7d"] {
            assert!(text.contains(form) && parse(form).is_ok(), "{form}");
        }
    }

    #[test]
    fn durations_are_printed_in_two_units() {
        let words = |secs| words(Duration::from_secs(secs));
        assert_eq!(words(0), "less than a second");
        assert_eq!(words(61), "1 minute 1 second");
        assert_eq!(words(90_061), "1 day 1 hour");
        assert_eq!(words(7200), "2 hours");
        assert_eq!(words(86_400), "1 day");
    }
}
