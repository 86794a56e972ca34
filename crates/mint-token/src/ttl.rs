//! How long a token lives, as it is written on the command line.
//!
//! ```text
//! ttl  = 1*DIGIT [ unit ]
//! unit = "s" / "m" / "h" / "d"      ; seconds if there is none
//! ```
//!
//! One number, one unit: `90s`, `15m`, `1h`, `7d`, `3600`. Nothing is guessed, so `1h30m`, `1.5h`, `1H`
//! and `+1h` are refused.

use std::{fmt, str::FromStr, time::Duration};

/// The longest lifetime in seconds: 36500 days.
const MAX_SECS: u64 = 36_500 * 86_400;

/// The units with their letter, their name and their length in seconds, the longest first.
const UNITS: [(char, &str, u64); 4] =
    [('d', "day", 86_400), ('h', "hour", 3_600), ('m', "minute", 60), ('s', "second", 1)];

/// A lifetime from one second to 36500 days, in whole seconds. Prints in words: `15 minutes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ttl(u64);

/// Why a text is no lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TtlError {
    /// Not a number with at most one unit.
    #[error("not a lifetime: write it like 90s, 15m, 1h or 7d, or as a number of seconds")]
    Form,
    /// Less than a second.
    #[error("a token must live for at least one second")]
    Zero,
    /// More than 36500 days.
    #[error("a token lives for at most 36500d")]
    TooLong,
}

impl Ttl {
    /// The longest lifetime that nothing is said about: 24 hours.
    pub(crate) const LONG: Self = Self(86_400);

    /// The lifetime as a duration.
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromStr for Ttl {
    type Err = TtlError;

    fn from_str(text: &str) -> Result<Self, TtlError> {
        let (digits, unit) = UNITS
            .into_iter()
            .find_map(|(letter, _, secs)| Some((text.strip_suffix(letter)?, secs)))
            .unwrap_or((text, 1));
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TtlError::Form);
        }
        // All digits, so the one thing that can be wrong with them is that they are too many.
        let number: u64 = digits.parse().map_err(|_| TtlError::TooLong)?;
        match number.checked_mul(unit) {
            Some(0) => Err(TtlError::Zero),
            Some(secs) if secs <= MAX_SECS => Ok(Self(secs)),
            _ => Err(TtlError::TooLong),
        }
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.into_iter().find(|(_, _, secs)| self.0.is_multiple_of(*secs));
        let (_, name, secs) = unit.unwrap_or(('s', "second", 1));
        let number = self.0 / secs;
        write!(f, "{number} {name}{}", if number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_read() {
        for (text, secs) in [
            ("90s", 90),
            ("15m", 900),
            ("1h", 3_600),
            ("7d", 604_800),
            ("45", 45),
            ("007m", 420),
            ("36500d", MAX_SECS),
        ] {
            assert_eq!(text.parse(), Ok(Ttl(secs)), "{text}");
            assert_eq!(Ttl(secs).duration().as_secs(), secs);
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "", "h", "s", "-1", "-1h", "+1h", "1.5h", "1h30m", "1H", "1 h", " 1h", "1h ", "1w",
            "0x10", "1e3", "soon", "١h", "1hh",
        ] {
            assert_eq!(text.parse::<Ttl>(), Err(TtlError::Form), "{text:?}");
        }
        for text in ["0", "0s", "00d"] {
            assert_eq!(text.parse::<Ttl>(), Err(TtlError::Zero), "{text:?}");
        }
        for text in ["36501d", "3153600001", "99999999999999999999", "18446744073709551615d"] {
            assert_eq!(text.parse::<Ttl>(), Err(TtlError::TooLong), "{text:?}");
        }
    }

    #[test]
    fn it_prints_in_the_longest_unit_that_fits() {
        for (text, words) in [
            ("1", "1 second"),
            ("90s", "90 seconds"),
            ("60", "1 minute"),
            ("90m", "90 minutes"),
            ("3600", "1 hour"),
            ("24h", "1 day"),
            ("168h", "7 days"),
        ] {
            assert_eq!(text.parse::<Ttl>().unwrap().to_string(), words);
        }
    }

    #[test]
    fn a_day_is_not_long_yet() {
        assert!("24h".parse::<Ttl>().unwrap() <= Ttl::LONG);
        assert!("86401".parse::<Ttl>().unwrap() > Ttl::LONG);
    }
}
