//! Whether the servers of an upstream can be started or reached: for the log and for readiness.

use std::{error::Error, fmt, sync::Arc};

use auth_core::{Clock, FailureChange, JobHealth, NumericDate, SystemClock};

/// Whether the servers of one upstream can be started or reached, as the last attempt showed.
/// Clones share it.
#[derive(Clone)]
pub struct Availability {
    health: JobHealth,
    clock: Arc<dyn Clock>,
}

impl Availability {
    /// Of the upstream `name`, of which nothing is known yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { health: JobHealth::new(name), clock: Arc::new(SystemClock) }
    }

    /// Since when no server can be started or reached; `None` if the last attempt succeeded.
    #[must_use]
    pub fn failing_since(&self) -> Option<NumericDate> {
        self.health.failing_since()
    }

    /// Records that a server was started or reached.
    pub fn succeeded(&self) {
        if self.health.succeeded() {
            tracing::info!(upstream = self.health.job(), "The server is available again");
        }
    }

    /// Logs that one caller got no server, which says nothing about others.
    pub(crate) fn refused_one(&self, error: &(dyn Error + 'static)) {
        tracing::warn!(
            upstream = self.health.job(),
            error,
            "The server does not say what it offers to one caller, who is refused"
        );
    }

    /// Records that none was. Each new reason is logged.
    pub fn failed(&self, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        if self.health.failed(text, self.clock.now()) != FailureChange::Same {
            tracing::warn!(
                upstream = self.health.job(),
                error,
                "The server is not available: it cannot be started or reached"
            );
        }
    }
}

impl fmt::Debug for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Availability").field(&self.health).finish()
    }
}
