//! Time as tokens know it: whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, `NumericDate`).
//!
//! **Invariant:** nothing in this workspace reads the wall clock but [`SystemClock`].

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `NumericDate`: seconds since the epoch, without leap seconds, `0 ..= 253402300799` (year
/// 9999).
///
/// RFC 7519 permits fractions; they are rounded down on reading.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumericDate(i64);

/// 9999-12-31T23:59:59Z: the last second that RFC 3339 can write.
const MAX_SECS: i64 = 253_402_300_799;

/// Why a number is no usable date or leeway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Before 1970, after 9999, or not a number at all.
    #[error("a date must be a number of seconds from 0 to {MAX_SECS}")]
    OutOfRange,
    /// A leeway over [`Leeway::MAX`].
    #[error("the leeway is at most 300 seconds")]
    LeewayTooLong,
}

impl NumericDate {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The date `secs` seconds after the epoch.
    pub fn from_secs(secs: i64) -> Result<Self, TimeError> {
        if (0..=MAX_SECS).contains(&secs) { Ok(Self(secs)) } else { Err(TimeError::OutOfRange) }
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0
    }

    /// This date and `duration` (whole seconds of it) more; the last date there is, if that is past
    /// it.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let secs = i64::try_from(duration.as_secs()).unwrap_or(MAX_SECS);
        Self(self.0.saturating_add(secs).min(MAX_SECS))
    }

    /// How long it is from `earlier` until this date; zero if this date is not later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Reads a JSON number: a whole one, or a fraction (RFC 7519 §2), rounded down.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, TimeError> {
        value.as_number().ok_or(TimeError::OutOfRange).and_then(Self::from_number)
    }

    pub(crate) fn from_number(number: &serde_json::Number) -> Result<Self, TimeError> {
        if let Some(secs) = number.as_i64() {
            return Self::from_secs(secs);
        }
        let secs = number.as_f64().ok_or(TimeError::OutOfRange)?;
        // Judged before the conversion: `as` saturates, and a saturated date is a wrong date.
        #[expect(clippy::cast_precision_loss, reason = "MAX_SECS is exact in an f64")]
        if !(0.0..=MAX_SECS as f64).contains(&secs) {
            return Err(TimeError::OutOfRange);
        }
        #[expect(clippy::cast_possible_truncation, reason = "in range, and rounding down is meant")]
        Self::from_secs(secs as i64)
    }
}

impl fmt::Debug for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NumericDate({})", self.0)
    }
}

impl fmt::Display for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_secs(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from: a parameter everywhere, so that tests decide what time it is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> NumericDate;

    /// The current time with its fraction of a second, since 1970-01-01T00:00:00Z.
    fn since_epoch(&self) -> Duration {
        Duration::from_secs(self.now().0.unsigned_abs())
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> NumericDate {
        self.as_ref().now()
    }

    fn since_epoch(&self) -> Duration {
        self.as_ref().since_epoch()
    }
}

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> NumericDate {
        NumericDate(0).plus(self.since_epoch())
    }

    fn since_epoch(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "the one wall-clock read of the workspace")]
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// How far two clocks may disagree (RFC 7519 §4.1.4): 30 s by default, at most [`Leeway::MAX`], and
/// [`Leeway::SAME_CLOCK`] where the issuer and the verifier share a clock.
///
/// **Invariant:** whatever remembers a token (a revocation, a replay) must remember it for the
/// leeway longer than the token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leeway(Duration);

impl Leeway {
    /// The longest leeway: 300 s.
    pub const MAX: Duration = Duration::from_mins(5);

    /// The leeway where the issuer's clock is the verifier's own: 2 s, for the nodes of one
    /// installation.
    pub const SAME_CLOCK: Self = Self(Duration::from_secs(2));

    /// A leeway of `duration`.
    pub fn new(duration: Duration) -> Result<Self, TimeError> {
        if duration > Self::MAX { Err(TimeError::LeewayTooLong) } else { Ok(Self(duration)) }
    }

    /// The leeway itself.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Leeway {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_have_both_ends() {
        assert_eq!(NumericDate::from_secs(0).unwrap().as_secs(), 0);
        assert_eq!(NumericDate::from_secs(MAX_SECS).unwrap().as_secs(), MAX_SECS);
        assert_eq!(NumericDate::from_secs(-1), Err(TimeError::OutOfRange));
        assert_eq!(NumericDate::from_secs(MAX_SECS + 1), Err(TimeError::OutOfRange));
    }

    #[test]
    fn json_numbers_are_read_or_refused() {
        let read = |value| NumericDate::from_json(&value).map(NumericDate::as_secs);
        assert_eq!(read(json!(5)), Ok(5));
        assert_eq!(read(json!(5.9)), Ok(5));
        for bad in [
            json!(-1),
            json!(-0.5),
            json!(1e300),
            json!(u64::MAX),
            json!("5"),
            json!(null),
            json!([5]),
            json!(true),
        ] {
            assert_eq!(read(bad.clone()), Err(TimeError::OutOfRange), "{bad}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let date = NumericDate::from_secs(100).unwrap();
        assert_eq!(date.plus(Duration::from_secs(5)).as_secs(), 105);
        assert_eq!(date.plus(Duration::MAX).as_secs(), MAX_SECS);
        assert_eq!(date.since(NumericDate(90)), Duration::from_secs(10));
        assert_eq!(date.since(NumericDate(110)), Duration::ZERO);
        assert_eq!(
            (format!("{date:?}"), date.to_string()),
            ("NumericDate(100)".into(), "100".into())
        );
        assert_eq!(serde_json::to_string(&date).unwrap(), "100");
    }

    #[test]
    fn leeway_is_bounded() {
        assert_eq!(Leeway::default().duration(), Duration::from_secs(30));
        assert_eq!(Leeway::new(Leeway::MAX).unwrap().duration(), Leeway::MAX);
        assert_eq!(Leeway::new(Duration::from_secs(301)), Err(TimeError::LeewayTooLong));
    }

    #[test]
    fn a_clock_has_a_fraction_only_if_it_says_so_and_keeps_it_when_shared() {
        #[derive(Debug)]
        struct Whole;
        impl Clock for Whole {
            fn now(&self) -> NumericDate {
                NumericDate(100)
            }
        }
        #[derive(Debug)]
        struct Fine;
        impl Clock for Fine {
            fn now(&self) -> NumericDate {
                NumericDate(100)
            }
            fn since_epoch(&self) -> Duration {
                Duration::from_millis(100_500)
            }
        }
        assert_eq!(Whole.since_epoch(), Duration::from_secs(100));
        let (whole, fine): (Arc<dyn Clock>, Arc<dyn Clock>) = (Arc::new(Whole), Arc::new(Fine));
        assert_eq!((whole.now(), fine.now()), (NumericDate(100), NumericDate(100)));
        assert_eq!(Arc::new(whole).since_epoch(), Duration::from_secs(100));
        assert_eq!(Arc::new(fine).since_epoch(), Duration::from_millis(100_500));
    }

    #[test]
    fn the_system_clock_is_past_the_day_this_was_written() {
        assert!(SystemClock.now().as_secs() > 1_700_000_000);
    }
}
