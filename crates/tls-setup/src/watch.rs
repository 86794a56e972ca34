//! The files of the certificate, read again by a program that reads no other files again.

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, FailureChange, JobHealth};
use settings::Settling;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    certificate_files::CertificateFiles,
    error::TlsFileError,
    files::{TextError, TlsTexts},
};

/// How often files are read.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long it takes to the second read when the operator asks.
const ASKED_INTERVAL: Duration = Duration::from_millis(50);

/// Files that are read again, and what became of them.
struct Watched {
    files: CertificateFiles,
    settling: Settling<Result<TlsTexts, TextError>>,
    health: JobHealth,
    clock: Arc<dyn Clock>,
    /// The operator asks: also what has not changed is judged, and the log says so.
    is_asked: bool,
    /// What was refused may be good later as it is.
    may_pass: bool,
}

/// Reads `files` every half second until `stop` is cancelled, and at once when `asked` is notified.
/// A change counts once it was read twice. One that is refused is logged, and `health` has it.
pub async fn keep_fresh(
    files: CertificateFiles,
    clock: Arc<dyn Clock>,
    health: JobHealth,
    asked: Arc<Notify>,
    stop: CancellationToken,
) {
    let (settling, reading, at) = (Settling::new(), health.clone(), Arc::clone(&clock));
    let mut watched = Watched { files, settling, health, clock, is_asked: false, may_pass: false };
    loop {
        // A disk may take its time: requests do not wait for it.
        let looked = tokio::task::spawn_blocking(move || {
            watched.look();
            watched
        });
        watched = match looked.await {
            Ok(watched) => watched,
            Err(error) => {
                tracing::error!(
                    %error,
                    "The TLS certificate is not read again any more: restart the program"
                );
                reading.failed(error, at.now());
                return;
            }
        };
        let pause = if watched.is_asked { ASKED_INTERVAL } else { INTERVAL };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = asked.notified() => watched.ask(),
            () = stop.cancelled() => return,
        }
    }
}

impl Watched {
    fn ask(&mut self) {
        self.is_asked = true;
        self.settling.forget();
    }

    fn look(&mut self) {
        if std::mem::take(&mut self.may_pass) {
            self.settling.forget();
        }
        let Some(content) = self.settling.read(self.files.read()) else { return };
        let is_asked = std::mem::take(&mut self.is_asked);
        match self.files.apply(content) {
            Ok(is_new) => {
                let was_refused = self.health.succeeded();
                if is_new {
                    tracing::info!("Read again, and in force: the TLS certificate");
                } else if was_refused || is_asked {
                    tracing::info!("Read again, and as before: the TLS certificate");
                }
            }
            Err(error) => {
                self.may_pass = matches!(error, TlsFileError::Early { .. });
                let change = self.health.failed(&error, self.clock.now());
                if change != FailureChange::Same || is_asked {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::warn!(
                        error,
                        "Read again, and refused, so that the old one stays in force: the TLS \
                         certificate"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use auth_core::NumericDate;
    use testkit::ManualClock;

    use super::*;
    use crate::{in_force::InForce, made::Made, names::Host};

    const DAY: i64 = 24 * 3600;

    fn host() -> Host {
        Host { name: "localhost".to_owned(), setting: "JWT_ISSUER" }
    }

    fn watched(made: &Made, clock: &Arc<ManualClock>) -> (Watched, InForce) {
        let (in_force, loaded) = (InForce::default(), made.files.load().unwrap());
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
        let files = made.files.clone();
        let (at, put) = (Arc::clone(&clock), in_force.clone());
        let files = CertificateFiles::new(files, loaded, host(), put, at).unwrap();
        let (settling, health) = (Settling::new(), JobHealth::new("reading"));
        let watched = Watched { files, settling, health, clock, is_asked: false, may_pass: false };
        (watched, in_force)
    }

    #[test]
    fn a_change_counts_at_its_second_read_and_what_is_refused_is_a_failure_until_it_is_good() {
        let made = Made::new();
        let (mut watched, in_force) = watched(&made, &ManualClock::at(Made::NOW));
        let now = watched.clock.now();
        let ends = || in_force.expiry().age(now).unwrap().1.not_after;
        let before = ends();
        made.renew(Made::NOW - DAY, Made::NOW + 50 * DAY);
        watched.look();
        assert_eq!(ends(), before, "it may be half-written");
        watched.look();
        assert!(ends() < before && watched.health.failure().is_none());
        let good = fs::read(&made.files.certificate).unwrap();
        fs::write(&made.files.certificate, "").unwrap();
        watched.look();
        watched.look();
        assert!(watched.health.failure().unwrap().error.contains("there is no certificate"));
        fs::write(&made.files.certificate, good).unwrap();
        watched.look();
        watched.look();
        assert!(watched.health.failure().is_none());
    }

    #[test]
    fn what_is_asked_for_is_judged_also_if_it_has_not_changed() {
        let made = Made::new();
        let (mut watched, _) = watched(&made, &ManualClock::at(Made::NOW));
        watched.look();
        watched.look();
        watched.ask();
        watched.look();
        assert!(watched.is_asked, "it is judged at the second read");
        watched.look();
        assert!(!watched.is_asked);
    }

    /// A clock that cannot be read.
    #[derive(Debug)]
    struct Broken;

    impl Clock for Broken {
        fn now(&self) -> NumericDate {
            panic!("the clock is broken")
        }
    }

    #[tokio::test]
    async fn a_panic_ends_the_reading_which_is_a_failure_then() {
        let made = Made::new();
        let (loaded, in_force) = (made.files.load().unwrap(), InForce::default());
        let (files, broken) = (made.files.clone(), Arc::new(Broken));
        let files = CertificateFiles::new(files, loaded, host(), in_force, broken).unwrap();
        made.renew(Made::NOW - DAY, Made::NOW + 50 * DAY);
        let (health, clock) = (JobHealth::new("reading"), ManualClock::at(Made::NOW));
        let (asked, stop) = (Arc::default(), CancellationToken::new());
        keep_fresh(files, clock, health.clone(), asked, stop).await;
        assert!(health.failure().is_some());
    }

    #[test]
    fn one_that_was_too_early_is_in_force_once_it_is_valid() {
        let made = Made::new();
        let clock = ManualClock::at(Made::NOW);
        let (mut watched, _) = watched(&made, &clock);
        made.renew(Made::NOW + DAY, Made::NOW + 50 * DAY);
        watched.look();
        watched.look();
        assert!(watched.health.failure().is_some());
        clock.set(Made::NOW + 2 * DAY);
        watched.look();
        watched.look();
        assert!(watched.health.failure().is_none());
    }
}
