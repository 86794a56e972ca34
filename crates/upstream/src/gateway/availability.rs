//! Whether the servers of an upstream can be started or reached: for the log and for readiness.

use std::{error::Error, fmt, sync::Arc};

use auth_core::{Clock, FailureChange, JobHealth, NumericDate, SystemClock};

use super::begin_error::connect_error;
use crate::{era::ConnectError, pool::PoolError};

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

    /// Records the outcome of a start for a caller. What only concerns that caller is not recorded.
    pub(super) fn note<T>(&self, outcome: &Result<T, PoolError>) {
        match outcome {
            Ok(_) => self.succeeded(),
            // With backoff it said why when it failed.
            Err(
                PoolError::Full | PoolError::OwnerFull | PoolError::Ended | PoolError::Backoff(_),
            ) => {}
            Err(PoolError::Handshake(error)) if is_refusal(error) => {}
            Err(error) => self.failed(error),
        }
    }
}

/// Whether the server is there, and refuses what this client asks for.
fn is_refusal(error: &Arc<dyn Error + Send + Sync>) -> bool {
    matches!(connect_error(error), Some(ConnectError::Refused(_)))
}

impl fmt::Debug for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Availability").field(&self.health).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_server_is_unavailable_from_its_failure_to_its_next_start() {
        let availability = Availability::new("files");
        assert_eq!(availability.failing_since(), None);
        availability.note::<()>(&Err(PoolError::OwnerFull));
        assert_eq!(availability.failing_since(), None, "that is about one caller");
        availability.note::<()>(&Err(PoolError::TooSlow(Duration::from_secs(1))));
        let since = availability.failing_since();
        assert!(since.is_some());
        availability.note::<()>(&Err(PoolError::Backoff(Duration::from_secs(1))));
        assert_eq!(availability.failing_since(), since);
        availability.note(&Ok(()));
        assert_eq!(availability.failing_since(), None);
    }
}
