//! When the certificate in force ends: for the log, `/readyz` and the metrics.
//!
//! A certificate that has ended is used on. Clients refuse it and say why, and `/readyz` and the
//! log of a server that runs can be read.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Clock, NumericDate};
use listener::Validity;
use terminal::date::rfc3339;
use tokio_util::sync::CancellationToken;

/// How long before its end a certificate should have been replaced, at most.
const SOON: u64 = 14 * 24 * 3600;
/// How often it is looked at.
const INTERVAL: Duration = Duration::from_mins(1);

/// The certificate in force. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Expiry(Arc<Mutex<Option<Validity>>>);

/// How old a certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It is not valid yet.
    Early,
    /// It is valid.
    Valid,
    /// It is valid, and should have been replaced.
    EndsSoon,
    /// It is not valid any more.
    Ended,
}

/// How old a certificate of this validity is: 14 days before its end, or after five sixths of a
/// short time, it should have been replaced.
pub(crate) fn age(validity: Validity, now: NumericDate) -> Age {
    let Validity { not_before, not_after } = validity;
    let now = now.as_secs().unsigned_abs();
    let soon = SOON.min(not_after.saturating_sub(not_before) / 6);
    if now < not_before {
        Age::Early
    } else if now > not_after {
        Age::Ended
    } else if now + soon > not_after {
        Age::EndsSoon
    } else {
        Age::Valid
    }
}

/// A date of a certificate, in seconds since 1970, as text (RFC 3339).
#[must_use]
pub fn date(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).ok();
    let date = seconds.and_then(|seconds| NumericDate::from_secs(seconds).ok());
    date.map_or_else(|| "a date after 9999".to_owned(), rfc3339)
}

impl Expiry {
    /// A certificate of this validity is in force.
    pub(crate) fn set(&self, validity: Validity) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(validity);
    }

    /// How old the certificate in force is; `None` if there is none yet.
    #[must_use]
    pub fn age(&self, now: NumericDate) -> Option<(Age, Validity)> {
        let validity = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        validity.map(|validity| (age(validity, now), validity))
    }

    /// What is to be said of it; `None` if it is valid for long enough, or if there is none yet.
    #[must_use]
    pub fn warning(&self, now: NumericDate) -> Option<String> {
        words(self.age(now)?)
    }

    /// Logs it when the certificate becomes older than it should be, until `stop` is cancelled.
    pub async fn watch(self, clock: Arc<dyn Clock>, stop: CancellationToken) {
        let mut known = None;
        loop {
            let found = self.age(clock.now());
            if found != known
                && let Some(words) = found.and_then(words)
            {
                tracing::warn!("Clients will refuse this server: {words}");
            }
            known = found;
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

/// What is to be said of a certificate of this age.
fn words((age, validity): (Age, Validity)) -> Option<String> {
    match age {
        Age::Valid => None,
        Age::Early => {
            Some(format!("the TLS certificate is not valid before {}", date(validity.not_before)))
        }
        Age::EndsSoon => Some(format!("the TLS certificate ends at {}", date(validity.not_after))),
        Age::Ended => Some(format!("the TLS certificate ended at {}", date(validity.not_after))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    fn at(days: u64) -> NumericDate {
        NumericDate::from_secs(i64::try_from(days * DAY).unwrap()).unwrap()
    }

    #[test]
    fn a_certificate_should_be_replaced_14_days_before_its_end_and_a_short_one_later() {
        let long = Validity { not_before: 100 * DAY, not_after: 190 * DAY };
        for (day, expected) in [
            (99, Age::Early),
            (100, Age::Valid),
            (176, Age::Valid),
            (177, Age::EndsSoon),
            (190, Age::EndsSoon),
            (191, Age::Ended),
        ] {
            assert_eq!(age(long, at(day)), expected, "{day}");
        }
        let short = Validity { not_before: 100 * DAY, not_after: 106 * DAY };
        assert_eq!(age(short, at(105)), Age::Valid);
        let last = NumericDate::from_secs(at(105).as_secs() + 3600).unwrap();
        assert_eq!(age(short, last), Age::EndsSoon);
    }

    #[test]
    fn what_is_said_names_the_date() {
        let expiry = Expiry::default();
        assert_eq!(expiry.warning(at(0)), None);
        expiry.set(Validity { not_before: 100 * DAY, not_after: 190 * DAY });
        assert_eq!(expiry.warning(at(120)), None);
        for (day, said) in [
            (0, "the TLS certificate is not valid before 1970-04-11T00:00:00Z"),
            (180, "the TLS certificate ends at 1970-07-10T00:00:00Z"),
            (200, "the TLS certificate ended at 1970-07-10T00:00:00Z"),
        ] {
            assert_eq!(expiry.warning(at(day)).as_deref(), Some(said));
        }
    }
}
