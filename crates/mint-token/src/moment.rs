//! When something begins: after a time, or at a date.

use std::str::FromStr;

use auth_core::NumericDate;
use chrono::DateTime;

use crate::ttl::Ttl;

/// `10m` from now, or `2027-01-15T08:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long from now.
    In(Ttl),
    /// Then.
    At(NumericDate),
}

/// Neither a time nor a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write how long from now, like 10m, or a date, like 2027-01-15T08:00:00Z")]
pub(crate) struct NoMoment;

impl Moment {
    /// The date that is meant at `now`.
    pub(crate) fn date(self, now: NumericDate) -> NumericDate {
        match self {
            Self::In(time) => now.plus(time.duration()),
            Self::At(date) => date,
        }
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        if let Ok(time) = text.parse() {
            return Ok(Self::In(time));
        }
        let date = DateTime::parse_from_rfc3339(text).map_err(|_| NoMoment)?;
        NumericDate::from_secs(date.timestamp()).map(Self::At).map_err(|_| NoMoment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_are_read_and_nothing_else() {
        let now = NumericDate::from_secs(1_800_000_000).unwrap();
        let date = |text: &str| text.parse::<Moment>().map(|moment| moment.date(now).as_secs());
        assert_eq!(date("10m"), Ok(1_800_000_600));
        assert_eq!(date("2027-01-15T08:00:00Z"), Ok(1_800_000_000));
        assert_eq!(date("2027-01-15T10:00:00+02:00"), Ok(1_800_000_000));
        for text in ["", "soon", "2027-01-15", "1969-01-01T00:00:00Z", "-5"] {
            assert_eq!(date(text), Err(NoMoment), "{text}");
        }
    }
}
