//! How often something may be done, as people write it: `30/min`.

use std::{fmt, num::NonZeroU32, str::FromStr, sync::Arc, time::Duration};

/// The largest count of a rate: one more each microsecond, at a rate by the second.
const MAX_COUNT: u32 = 1_000_000;

/// So many in a period. All of them may come at once; after that, one more is due each time that
/// `period / count` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    period: Period,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

impl Period {
    const ALL: [Self; 4] = [Self::Second, Self::Minute, Self::Hour, Self::Day];

    const fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
            Self::Day => "day",
        }
    }
}

/// A text that is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a rate: write a number of at most {MAX_COUNT}, a slash, and s, min, h or day, as in 30/min"
)]
pub struct RateError;

impl Rate {
    /// `count` in a minute.
    #[must_use]
    pub const fn per_minute(count: NonZeroU32) -> Self {
        Self { count, period: Period::Minute }
    }

    /// How many may come at once.
    #[must_use]
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// In which time so many more are due.
    #[must_use]
    pub const fn period(self) -> Duration {
        Duration::from_secs(match self.period {
            Period::Second => 1,
            Period::Minute => 60,
            Period::Hour => 60 * 60,
            Period::Day => 24 * 60 * 60,
        })
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, period) = text.split_once('/').ok_or(RateError)?;
        let period = Period::ALL.into_iter().find(|it| it.name() == period).ok_or(RateError)?;
        // `from_str` of a number would take a sign too.
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RateError);
        }
        let count: NonZeroU32 = count.parse().map_err(|_| RateError)?;
        if count.get() > MAX_COUNT {
            return Err(RateError);
        }
        Ok(Self { count, period })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.name())
    }
}

/// The rate of one rule, with the rule's name: each caller has one budget for each rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Its place in the policy: `[tools] "get_time"`.
    pub rule: Arc<str>,
    /// How often each caller may do what the rule permits.
    pub rate: Rate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_period() {
        for (text, count, seconds) in [
            ("1/s", 1, 1),
            ("30/min", 30, 60),
            ("7/h", 7, 3600),
            ("1000000/day", 1_000_000, 86_400),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.count().get(), rate.period().as_secs()), (count, seconds));
            assert_eq!(rate.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "30",
            "/min",
            "30/",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "30 /min",
            "30/ min",
            "30/m",
            "30/min/h",
            "1000001/s",
            "99999999999/s",
            "30/MIN",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text:?}");
        }
    }
}
