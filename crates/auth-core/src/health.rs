//! Whether background work succeeds: what a job reports, and what a readiness check reads.
//!
//! 1. A failure lasts from the first error to the next success.
//! 2. The caller learns what changed, so that each change is logged once.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::NumericDate;

/// The health of one background job. Clones share it: the job keeps one, and the readiness check
/// another.
#[derive(Clone)]
pub struct JobHealth(Arc<Inner>);

struct Inner {
    job: String,
    failure: Mutex<Option<JobFailure>>,
}

/// A job that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// What the job does: `removing old sessions`.
    pub job: String,
    /// Since when it fails.
    pub since: NumericDate,
    /// The last error. For the log only: it may name files.
    pub error: String,
}

/// What an error changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureChange {
    /// The job did not fail before.
    Began,
    /// It failed before, with another error.
    OtherError,
    /// It failed before, with the same error.
    Same,
}

impl JobHealth {
    /// A job that has not failed yet. `job` is what it does: `removing old sessions`.
    pub fn new(job: impl Into<String>) -> Self {
        Self(Arc::new(Inner { job: job.into(), failure: Mutex::new(None) }))
    }

    /// What the job does.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.0.job
    }

    /// Records a success. `true` if the job failed before.
    #[expect(clippy::must_use_candidate, reason = "a caller that does not log ignores it")]
    pub fn succeeded(&self) -> bool {
        self.lock().take().is_some()
    }

    /// Records an error at `now`.
    pub fn failed(&self, error: impl fmt::Display, now: NumericDate) -> FailureChange {
        let error = error.to_string();
        let mut failure = self.lock();
        let (change, since) = match failure.as_ref() {
            None => (FailureChange::Began, now),
            Some(before) if before.error == error => (FailureChange::Same, before.since),
            Some(before) => (FailureChange::OtherError, before.since),
        };
        *failure = Some(JobFailure { job: self.0.job.clone(), since, error });
        change
    }

    /// The failure that lasts now, if any.
    #[must_use]
    pub fn failure(&self) -> Option<JobFailure> {
        self.lock().clone()
    }

    /// Since when the job fails; `None` if it does not.
    #[must_use]
    pub fn failing_since(&self) -> Option<NumericDate> {
        self.lock().as_ref().map(|failure| failure.since)
    }

    fn lock(&self) -> MutexGuard<'_, Option<JobFailure>> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for JobHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobHealth").field(&self.0.job).field(&self.failure()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_begins_once_and_lasts_until_the_next_success() {
        let at = |secs| NumericDate::from_secs(secs).unwrap();
        let job = JobHealth::new("writing");
        assert_eq!(job.failure(), None);
        assert!(!job.succeeded());
        assert_eq!(job.failed("the disk is full", at(2)), FailureChange::Began);
        assert_eq!(job.failed("the disk is full", at(3)), FailureChange::Same);
        assert_eq!(job.clone().failed("the disk is gone", at(4)), FailureChange::OtherError);
        assert_eq!(job.failing_since(), Some(at(2)));
        let failure = job.failure().unwrap();
        assert_eq!((failure.job.as_str(), failure.since), ("writing", at(2)));
        assert_eq!(failure.error, "the disk is gone");
        assert!(job.succeeded() && !job.succeeded());
        assert_eq!(job.failing_since(), None);
        assert_eq!(job.failed("the disk is full", at(5)), FailureChange::Began);
        assert_eq!(job.failing_since(), Some(at(5)));
    }
}
