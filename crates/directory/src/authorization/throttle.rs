//! Failed attempts, counted for all nodes together.

use std::time::Duration;

use auth_core::NumericDate;

use super::AuthorizationStore;
use super::pending;
use crate::DirectoryError;

/// What is known of the attempts under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttle {
    /// How many failed in the current window.
    pub failures: u64,
    /// When the window ends; `None` without failures.
    pub ends_at: Option<NumericDate>,
}

impl AuthorizationStore {
    /// The failures under `key` (at most 255 bytes) in its window.
    pub async fn throttle(&self, key: &str, now: NumericDate) -> Result<Throttle, DirectoryError> {
        Err(pending())
    }

    /// Counts an attempt **before** it is judged, so that attempts at the same time are all counted;
    /// what is known then, with it. The window begins with its first failure and lasts `window`.
    pub async fn count_attempt(
        &self,
        key: &str,
        window: Duration,
        now: NumericDate,
    ) -> Result<Throttle, DirectoryError> {
        Err(pending())
    }

    /// Forgets the failures under `key`, after a success.
    pub async fn clear_attempts(&self, key: &str) -> Result<(), DirectoryError> {
        Err(pending())
    }
}
