//! Work in the background that may fail, and goes on trying.

use std::sync::{Mutex, PoisonError};

use auth_core::NumericDate;

use crate::DirectoryError;

/// Work in the background that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingJob {
    /// What it does.
    pub job: &'static str,
    /// Since when it fails. A success in between ends a failure.
    pub since: NumericDate,
    /// What went wrong last.
    pub error: String,
}

/// One kind of work.
#[derive(Debug)]
pub(super) struct Job {
    name: &'static str,
    failing: Mutex<Option<FailingJob>>,
}

impl Job {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, failing: Mutex::new(None) }
    }

    pub(super) fn failing(&self) -> Option<FailingJob> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes down how it went. The log has one line when it begins to fail, and one when that ends.
    pub(super) fn ended(&self, result: &Result<(), DirectoryError>, now: NumericDate) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let job = self.name;
        match (result, failing.as_mut()) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                *failing = None;
                tracing::info!("The user database: {job} works again");
            }
            (Err(fault), Some(failing)) => failing.error = fault.to_string(),
            (Err(fault), None) => {
                let reason = std::error::Error::source(fault);
                tracing::warn!(%fault, reason, "The user database: {job} fails");
                *failing = Some(FailingJob { job, since: now, error: fault.to_string() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_lasts_from_its_first_fault_to_the_next_success() {
        let at = |secs| NumericDate::from_secs(secs).unwrap();
        let job = Job::new("work");
        job.ended(&Ok(()), at(1));
        assert_eq!(job.failing(), None);
        for now in [2, 3] {
            job.ended(&Err(DirectoryError::Stale { for_secs: 7 }), at(now));
            let failing = job.failing().unwrap();
            assert_eq!((failing.job, failing.since), ("work", at(2)));
            assert!(failing.error.contains("7 s"), "{failing:?}");
        }
        job.ended(&Ok(()), at(4));
        assert_eq!(job.failing(), None);
        job.ended(&Err(DirectoryError::DisplayName), at(5));
        assert_eq!(job.failing().unwrap().since, at(5));
    }
}
