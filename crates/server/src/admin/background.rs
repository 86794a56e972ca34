//! Whether the work in the background goes well: what a job says, and what readiness reads.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{Clock, NumericDate};

use crate::admin::readiness::Failing;

/// Whether one job succeeds. Its clones are the same: the job keeps one, and whoever reports keeps another.
#[derive(Clone)]
pub struct JobHealth(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    failure: Mutex<Option<JobFailure>>,
}

/// A job that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// Since when. A success in between ends a failure.
    pub since: NumericDate,
    /// What went wrong last. It is for the log: it may name files.
    pub error: String,
}

impl JobHealth {
    /// A job that has not failed yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { clock, failure: Mutex::new(None) }))
    }

    /// The job succeeded. `true` if it had failed before, so that this is worth a line in the log.
    #[expect(clippy::must_use_candidate, reason = "who does not log it needs no answer")]
    pub fn ok(&self) -> bool {
        self.failure().take().is_some()
    }

    /// The job failed. `true` if it did not fail before, or for another reason.
    pub fn failed(&self, error: impl fmt::Display) -> bool {
        let error = error.to_string();
        let now = self.0.clock.now();
        let mut failure = self.failure();
        let since = failure.as_ref().map_or(now, |before| before.since);
        let is_new = failure.as_ref().is_none_or(|before| before.error != error);
        *failure = Some(JobFailure { since, error });
        is_new
    }

    /// Since when the job fails; `None` while it does not.
    #[must_use]
    pub fn failing_since(&self) -> Option<NumericDate> {
        self.failure().as_ref().map(|failure| failure.since)
    }

    /// Since when the job fails, and why; `None` while it does not.
    #[must_use]
    pub fn failing(&self) -> Option<JobFailure> {
        self.failure().clone()
    }

    /// The same for `/readyz`. Callers are served meanwhile.
    #[must_use]
    pub fn as_failing(&self, job: &str) -> Option<Failing> {
        let since = Some(self.failing_since()?);
        Some(Failing { what: format!("{job} fails"), since, affects_callers: false })
    }

    fn failure(&self) -> MutexGuard<'_, Option<JobFailure>> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for JobHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobHealth").field(&self.failing()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use testkit::{ManualClock, NOW};

    use super::*;

    #[test]
    fn a_failure_begins_once_and_lasts_until_the_next_success() {
        let clock = ManualClock::at(NOW);
        let job = JobHealth::new(Arc::clone(&clock) as Arc<dyn Clock>);
        assert_eq!(job.failing_since(), None);
        assert!(!job.ok());
        let since = clock.now();
        assert!(job.failed("the disk is full"));
        clock.advance(Duration::from_secs(5));
        assert!(!job.failed("the disk is full"), "it is told once");
        assert!(job.clone().failed("the disk is gone"), "and again when it is something else");
        assert_eq!(job.failing_since(), Some(since));
        assert_eq!(job.failing().unwrap().error, "the disk is gone");
        assert!(job.ok() && !job.ok());
        assert_eq!(job.failing_since(), None);
        assert!(job.failed("the disk is full"));
        assert_eq!(job.failing_since(), Some(clock.now()));
    }
}
