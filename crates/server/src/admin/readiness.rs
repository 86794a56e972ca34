//! The background jobs, and whether they fail: one registry for `/readyz`.
//!
//! A job that fails reports since when. Where callers are refused because of it, `/readyz` answers
//! with 503; where they are still served, its body says so.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use auth_core::{JobFailure, JobHealth, NumericDate};

/// How a job fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// What cannot be done, without secrets: `the log cannot be written`.
    pub what: String,
    /// Since when, if it is known.
    pub since: Option<NumericDate>,
    /// Whether callers are refused because of it.
    pub affects_callers: bool,
    /// Why, for operators alone: it may name files and addresses.
    pub reason: Option<String>,
}

impl Failing {
    /// The server stops: it accepts no more callers.
    pub(crate) fn stopping() -> Self {
        Self { what: "the server stops".into(), since: None, affects_callers: true, reason: None }
    }

    /// A background job that fails. Callers are served meanwhile.
    pub(crate) fn job(failure: &JobFailure) -> Self {
        let what = format!("{} fails", failure.job);
        let reason = Some(failure.error.clone());
        Self { what, since: Some(failure.since), affects_callers: false, reason }
    }
}

/// A check: what fails now, if anything does.
pub(crate) type Check = Box<dyn Fn() -> Option<Failing> + Send + Sync>;

/// The jobs of this process. Its clones share them.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<Checks>>);

#[derive(Default)]
struct Checks {
    lasting: Vec<Check>,
    /// Those of settings that can be replaced.
    replaceable: Vec<Check>,
}

impl Readiness {
    /// Adds a job. `check` is called for each question, and must not wait.
    pub fn add(&self, check: impl Fn() -> Option<Failing> + Send + Sync + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lasting.push(Box::new(check));
    }

    /// Adds a background job.
    pub fn add_job(&self, health: JobHealth) {
        self.add(move || health.failure().as_ref().map(Failing::job));
    }

    /// Puts `checks` in the place of those that were given so before: for what is replaced while
    /// the server runs.
    pub(crate) fn check_instead(&self, checks: Vec<Check>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replaceable = checks;
    }

    /// What fails now, in the order in which the jobs were added.
    #[must_use]
    pub fn failing(&self) -> Vec<Failing> {
        let checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checks.lasting.iter().chain(&checks.replaceable).filter_map(|check| check()).collect()
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readiness").field(&self.failing()).finish()
    }
}
