//! What `/readyz` says of files whose new version is refused.

use std::sync::{Arc, Mutex, PoisonError};

use auth_core::{FailureChange, JobHealth, NumericDate};

use super::error::ReloadError;
use crate::admin::readiness::Failing;

/// Whether the newest version of some files is in force. Its clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ReloadHealth {
    job: JobHealth,
    reason: Arc<Mutex<&'static str>>,
}

impl ReloadHealth {
    /// For the files that are called `label`. None is refused so far.
    pub(crate) fn new(label: &str) -> Self {
        Self { job: JobHealth::new(label), reason: Arc::default() }
    }

    /// The newest version is in force. `true` if an earlier one was refused.
    pub(crate) fn accepted(&self) -> bool {
        self.job.succeeded()
    }

    /// The newest version is refused. `true` if that was not known before.
    pub(crate) fn refused(&self, error: &ReloadError, now: NumericDate) -> bool {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = error.reason();
        self.job.failed(error, now) != FailureChange::Same
    }

    /// What fails now. Callers are served by the old version.
    pub(crate) fn failing(&self) -> Option<Failing> {
        let failure = self.job.failure()?;
        let reason = *self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Failing {
            what: format!("a change of the {} is refused, as {reason}", failure.job),
            since: Some(failure.since),
            affects_callers: false,
        })
    }
}
