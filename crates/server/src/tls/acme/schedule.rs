//! When a certificate is renewed, and when it is tried again.

use std::time::Duration;

use listener::Validity;

/// How long an attempt waits after the first failure, and after many. With the first, which does
/// not wait, five attempts begin in an hour: large authorities permit as many failures.
const FIRST: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_hours(6);

/// How long it is from `now` (seconds since 1970) until a certificate is renewed: two thirds of its
/// time, and up to a fiftieth of it more, by chance (`random`), so that not all ask at once.
pub(super) fn until_renewal(validity: Validity, now: u64, random: u16) -> Duration {
    let time = validity.not_after.saturating_sub(validity.not_before);
    let at = validity.not_before + time / 3 * 2 + part(time / 50, random);
    Duration::from_secs(at.saturating_sub(now))
}

/// How long to wait after so many failures in a row (1 and more): twice as long each time, and up
/// to a quarter of it more, by chance.
pub(super) fn until_retry(failures: u32, random: u16) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(0));
    let wait = if doubled.is_zero() { LONGEST } else { doubled.min(LONGEST) }.as_secs();
    Duration::from_secs(wait + part(wait / 4, random)).min(LONGEST)
}

/// A part of `whole` by chance.
fn part(whole: u64, random: u16) -> u64 {
    whole * u64::from(random) / u64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_after_two_thirds_of_its_time() {
        let validity = Validity { not_before: 1000, not_after: 91_000 };
        assert_eq!(until_renewal(validity, 1000, 0), Duration::from_mins(1000));
        assert_eq!(until_renewal(validity, 1000, u16::MAX), Duration::from_mins(1030));
        assert_eq!(until_renewal(validity, 41_000, 0), Duration::from_secs(20_000));
        assert_eq!(until_renewal(validity, 90_000, 0), Duration::ZERO);
    }

    #[test]
    fn attempts_become_rarer_and_never_cease() {
        let waits = [1, 2, 3, 8, 9, 32, 33, u32::MAX].map(|it| until_retry(it, 0).as_secs() / 60);
        assert_eq!(waits, [2, 4, 8, 256, 360, 360, 360, 360]);
        assert_eq!(until_retry(1, u16::MAX), Duration::from_secs(150));
        assert_eq!(until_retry(8, u16::MAX), Duration::from_mins(320));
        assert_eq!(until_retry(9, u16::MAX), LONGEST);
    }

    #[test]
    fn five_attempts_begin_in_the_first_hour_whatever_chance_says() {
        for random in [0, u16::MAX / 2, u16::MAX] {
            let (mut at, mut attempts) = (Duration::ZERO, 0);
            while at < Duration::from_hours(1) {
                attempts += 1;
                at += until_retry(attempts, random);
            }
            assert_eq!(attempts, 5, "{random}");
        }
    }
}
