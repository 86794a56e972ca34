//! What `/readyz` says of files whose new version is refused.

use std::sync::{Arc, Mutex, PoisonError};

use auth_core::{FailureChange, JobHealth, NumericDate};

use super::error::ReloadError;
use crate::admin::readiness::Failing;

/// Whether the newest version of some files is in force. Its clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ReloadHealth {
    job: JobHealth,
    /// Why it is refused; `None` of what is reported as a job.
    reason: Option<Arc<Mutex<&'static str>>>,
}

impl ReloadHealth {
    /// For the files that are called `label`. None is refused so far.
    pub(crate) fn new(label: &str) -> Self {
        Self { job: JobHealth::new(label), reason: Some(Arc::default()) }
    }

    /// For files that a job reads by itself.
    pub(crate) const fn of_job(job: JobHealth) -> Self {
        Self { job, reason: None }
    }

    /// The newest version is in force. `true` if an earlier one was refused.
    pub(crate) fn accepted(&self) -> bool {
        self.job.succeeded()
    }

    /// The newest version is refused. `true` if that was not known before.
    pub(crate) fn refused(&self, error: &ReloadError, now: NumericDate) -> bool {
        if let Some(reason) = &self.reason {
            *reason.lock().unwrap_or_else(PoisonError::into_inner) = error.reason();
        }
        self.job.failed(error, now) != FailureChange::Same
    }

    /// What fails now. Callers are served by the old version.
    pub(crate) fn failing(&self) -> Option<Failing> {
        let failure = self.job.failure()?;
        let Some(reason) = &self.reason else { return Some(Failing::job(&failure)) };
        let reason = *reason.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Failing {
            what: format!("a change of the {} is refused, as {reason}", failure.job),
            since: Some(failure.since),
            affects_callers: false,
            reason: Some(failure.error.clone()),
        })
    }
}
