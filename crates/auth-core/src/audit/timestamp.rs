//! The time of a record: RFC 3339 in UTC with milliseconds, always 24 characters, so that texts
//! compare as times do.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The last millisecond of the year 9999.
const MAX_MILLIS: u64 = 253_402_300_799_999;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Milliseconds since 1970-01-01T00:00:00Z, until the end of the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// A text is no time of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time: write it as 2027-01-15T08:00:00.000Z")]
pub struct InvalidTimestampError;

impl Timestamp {
    /// So long after 1970-01-01T00:00:00Z, as [`Clock::since_epoch`](crate::Clock::since_epoch) has
    /// it; at most the end of the year 9999.
    #[must_use]
    pub fn since_epoch(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.0 / DAY);
        let rest = self.0 % DAY;
        let (seconds, millis) = (rest / 1000, rest % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        // Each number, and behind which place its last digit is.
        let numbers = [
            (year, 4),
            (month, 7),
            (day, 10),
            (hour, 13),
            (minute, 16),
            (second, 19),
            (millis, 23),
        ];
        for (mut number, end) in numbers {
            let digits = text.iter_mut().take(end).rev();
            for digit in digits.take_while(|digit| digit.is_ascii_digit()) {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// Year, month and day, so many days after 1970-01-01, in the Gregorian calendar. The year begins
/// in March here, so that the day that leap years add is its last.
const fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    // From 0000-03-01.
    let days = days + 719_468;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, is_next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + is_next_year, month, day)
}

impl FromStr for Timestamp {
    type Err = InvalidTimestampError;

    fn from_str(text: &str) -> Result<Self, InvalidTimestampError> {
        let number = |from: usize, length: usize| {
            let digits = text.get(from..from + length).ok_or(InvalidTimestampError)?;
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(InvalidTimestampError);
            }
            digits.parse::<u64>().map_err(|_| InvalidTimestampError)
        };
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let time = number(11, 2)? * 3600 + number(14, 2)? * 60 + number(17, 2)?;
        let millis = number(20, 3)?;
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return Err(InvalidTimestampError);
        }
        // Days from 0000-03-01: as above, the other way round.
        let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leap_days = years / 4 - years / 100 + years / 400;
        let days = 365 * years + leap_days + (153 * months + 2) / 5 + day - 1;
        let days = days.checked_sub(719_468).ok_or(InvalidTimestampError)?;
        let found = Self(days * DAY + time * 1000 + millis);
        // There is one way to write each time: a day or an hour that there is not reads back as
        // another.
        if found.to_string() == text { Ok(found) } else { Err(InvalidTimestampError) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_has_them_and_read_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_800_000_000_123, "2027-01-15T08:00:00.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (MAX_MILLIS, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp(millis).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(millis)));
        }
        assert_eq!(Timestamp::since_epoch(Duration::MAX), Timestamp(MAX_MILLIS));
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for day in 0..=146_100 {
            let time = Timestamp(day * DAY + day);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn a_date_that_there_is_not_is_no_time() {
        for wrong in [
            "",
            "2027-01-15T08:00:00Z",
            "2027-02-29T08:00:00.000Z",
            "2027-13-01T08:00:00.000Z",
            "2027-01-00T08:00:00.000Z",
            "2027-01-15T24:00:00.000Z",
            "2027-01-15T08:00:60.000Z",
            "2027-01-15 08:00:00.000Z",
            "2027-01-15T08:00:00.000z",
            "2027-01-15T08:00:00.0000Z",
            "+027-01-15T08:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "0000-01-15T08:00:00.000Z",
        ] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(InvalidTimestampError), "{wrong}");
        }
    }
}
