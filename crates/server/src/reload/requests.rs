//! Asking for files to be read again, and waiting for what becomes of it.

use auth_core::JobHealth;
use tokio::sync::watch;

use super::{ReplaceableParts, health::ReloadHealth};
use crate::admin::readiness::Failing;

/// Asks for everything to be read again. Its clones do the same.
#[derive(Debug, Clone)]
pub(crate) struct ReloadRequests {
    pub(super) asked: watch::Sender<u64>,
    /// The last request after which everything was judged. What reads has the only sender, so
    /// who waits learns of its end.
    pub(super) judged: watch::Receiver<u64>,
    pub(super) lasting: Box<[ReloadHealth]>,
    pub(super) replaceable: ReplaceableParts,
    pub(super) reading: JobHealth,
}

/// Why nothing is read again.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReloadEndedError {
    /// The server stops.
    #[error("the server stops: files are not read again any more")]
    Stopping,
    /// What reads has failed.
    #[error("files are not read again any more: the log says why, and a restart is needed")]
    Failed,
}

impl ReloadRequests {
    /// Asks now. Requests that come before the first is done count as one.
    pub(crate) fn ask(&self) {
        self.asked.send_modify(|number| *number += 1);
    }

    /// Asks now, and waits until everything was judged. What is refused is returned.
    ///
    /// # Errors
    ///
    /// [`ReloadEndedError`] if nothing is read again any more.
    pub(crate) async fn ask_and_wait(&self) -> Result<Vec<Failing>, ReloadEndedError> {
        self.ask();
        let number = *self.asked.borrow();
        let mut judged = self.judged.clone();
        if judged.wait_for(|judged| *judged >= number).await.is_err() {
            let has_failed = self.reading.failure().is_some();
            return Err(if has_failed {
                ReloadEndedError::Failed
            } else {
                ReloadEndedError::Stopping
            });
        }
        let all = self.lasting.iter().cloned().chain(self.replaceable.health());
        Ok(all.filter_map(|health| health.failing()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use testkit::{ManualClock, NOW};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::reload::{Applied, Part, Reload, ReloadError, Source, Watched, looked};

    /// Files that are refused for what is outside of them. They change after so many reads.
    struct Refused {
        reads: usize,
        change_after: usize,
        judged: Arc<AtomicUsize>,
    }

    impl Source for Refused {
        type Content = bool;

        fn label(&self) -> String {
            "files".into()
        }

        fn read(&mut self, _: bool) -> bool {
            self.reads += 1;
            self.reads > self.change_after
        }

        fn apply(&mut self, _: &bool) -> Result<Applied, ReloadError> {
            self.judged.fetch_add(1, Ordering::Relaxed);
            Err(ReloadError::NotAccepted)
        }
    }

    fn refused(change_after: usize) -> (Box<dyn Part>, Arc<AtomicUsize>) {
        let judged = Arc::new(AtomicUsize::new(0));
        let source = Refused { reads: 0, change_after, judged: Arc::clone(&judged) };
        (Box::new(Watched::new(source, ManualClock::at(NOW))), judged)
    }

    #[test]
    fn a_request_is_done_once_each_part_was_judged_since_whatever_is_judged_again() {
        let ((one, first), (other, second)) = (refused(usize::MAX), refused(1));
        let (mut parts, others) = (vec![one, other], ReplaceableParts::default());
        let counts = || [&first, &second].map(|judged| judged.load(Ordering::Relaxed));
        // One is judged at the second look, the other at the third: from then on in turns.
        for (is_asked, is_done, judged) in
            [(true, false, [0, 0]), (false, false, [1, 0]), (false, true, [1, 1])]
        {
            let found = looked(parts, &others, is_asked);
            assert_eq!((found.is_settled, counts()), (is_done, judged));
            parts = found.parts;
        }
        // What was judged before a request does not count for it.
        assert!(!looked(parts, &others, true).is_settled);
    }

    /// Is never judged, or panics where that is not caught.
    struct Never {
        panics: bool,
    }

    impl Part for Never {
        fn look(&mut self) {}

        fn ask(&mut self) {}

        fn is_settled(&self) -> bool {
            assert!(!self.panics, "a bug");
            false
        }

        fn health(&self) -> ReloadHealth {
            ReloadHealth::new("files")
        }
    }

    /// Each look at it asks for it once more.
    struct Impatient {
        files: Watched<Refused>,
        requests: watch::Sender<Option<ReloadRequests>>,
        looks: usize,
        stop: CancellationToken,
    }

    impl Part for Impatient {
        fn look(&mut self) {
            self.files.look();
            self.looks += 1;
            if self.looks == 20 {
                self.stop.cancel();
            }
            if let Some(requests) = &*self.requests.borrow() {
                requests.ask();
            }
        }

        fn ask(&mut self) {
            self.files.ask();
        }

        fn is_settled(&self) -> bool {
            self.files.is_settled()
        }

        fn health(&self) -> ReloadHealth {
            self.files.health()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn files_settle_however_often_they_are_asked_for() {
        let (stop, judged) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let source = Refused { reads: 0, change_after: 0, judged: Arc::clone(&judged) };
        let files = Watched::new(source, ManualClock::at(NOW));
        let (requests, _) = watch::channel(None);
        let part = Impatient { files, requests: requests.clone(), looks: 0, stop: stop.clone() };
        let parts: Vec<Box<dyn Part>> = vec![Box::new(part)];
        let reload = Reload::new(parts, ReplaceableParts::default(), ManualClock::at(NOW));
        requests.send_replace(Some(reload.requests()));
        let asking = reload.requests();
        let waiting = tokio::spawn(async move { asking.ask_and_wait().await });
        tokio::task::yield_now().await;
        reload.keep_fresh(stop).await;
        assert!(judged.load(Ordering::Relaxed) > 1, "each round is judged");
        assert_eq!(waiting.await.unwrap().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn whoever_waits_learns_that_the_server_stops_and_whoever_asks_later_too() {
        let (stop, others) = (CancellationToken::new(), ReplaceableParts::default());
        let parts: Vec<Box<dyn Part>> = vec![Box::new(Never { panics: false })];
        let reload = Reload::new(parts, others, ManualClock::at(NOW));
        let requests = reload.requests();
        let asking = requests.clone();
        let waiting = tokio::spawn(async move { asking.ask_and_wait().await });
        let reading = tokio::spawn(reload.keep_fresh(stop.clone()));
        tokio::task::yield_now().await;
        stop.cancel();
        reading.await.unwrap();
        assert_eq!(waiting.await.unwrap(), Err(ReloadEndedError::Stopping));
        assert_eq!(requests.ask_and_wait().await, Err(ReloadEndedError::Stopping));
        assert_eq!(requests.reading.failure(), None);
    }

    #[tokio::test]
    async fn what_reads_files_and_fails_is_known_to_readyz_and_to_whoever_asks() {
        let (stop, others) = (CancellationToken::new(), ReplaceableParts::default());
        let parts: Vec<Box<dyn Part>> = vec![Box::new(Never { panics: true })];
        let reload = Reload::new(parts, others, ManualClock::at(NOW));
        let (requests, reading) = (reload.requests(), reload.reading());
        reload.keep_fresh(stop).await;
        assert_eq!(reading.failure().unwrap().job, "reading files again");
        assert_eq!(requests.ask_and_wait().await, Err(ReloadEndedError::Failed));
    }
}
