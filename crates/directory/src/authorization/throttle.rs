//! Failed attempts, counted for all nodes together.

use std::time::Duration;

use auth_core::NumericDate;

use super::{AuthorizationStore, database::Row};
use crate::{DirectoryError, error::QueryError, sql::connection::Statement};

const FIND: &str = "SELECT failures, ends_at FROM throttles WHERE key = $1 AND ends_at > $2";
const COUNT: &str = "INSERT INTO throttles (key, failures, ends_at) VALUES ($1, 1, $3) \
     ON CONFLICT (key) DO UPDATE SET \
     failures = CASE WHEN throttles.ends_at > $2 THEN throttles.failures + 1 ELSE 1 END, \
     ends_at = CASE WHEN throttles.ends_at > $2 THEN throttles.ends_at ELSE excluded.ends_at END \
     RETURNING failures, ends_at";
const FORGIVE: &str =
    "UPDATE throttles SET failures = failures - 1 WHERE key = $1 AND failures > 1";
const CLEAR: &str = "DELETE FROM throttles WHERE key = $1";

/// What is known of the attempts under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttle {
    /// How many failed in the current window.
    pub failures: u64,
    /// When the window ends; `None` without failures.
    pub ends_at: Option<NumericDate>,
}

impl AuthorizationStore {
    /// The failures under `key` (1 to 255 bytes) in its window.
    pub async fn throttle(&self, key: &str, now: NumericDate) -> Result<Throttle, DirectoryError> {
        let find = Statement::new(FIND).bind(key).bind(now.as_secs());
        Ok(self.row(find, read).await?.unwrap_or_default())
    }

    /// Counts an attempt **before** it is judged, so that attempts at the same time are all
    /// counted; what is known then, with it. The window begins with its first failure and lasts
    /// `window`.
    pub async fn count_attempt(
        &self,
        key: &str,
        window: Duration,
        now: NumericDate,
    ) -> Result<Throttle, DirectoryError> {
        let end = now.plus(window).as_secs();
        let count = Statement::new(COUNT).bind(key).bind(now.as_secs()).bind(end);
        Ok(self.note(count, read).await?.unwrap_or_default())
    }

    /// Takes back one attempt under `key`, which was right and says nothing about those before. Of
    /// the first one, the window stays.
    pub async fn forgive_attempt(&self, key: &str) -> Result<(), DirectoryError> {
        self.note(Statement::new(FORGIVE).bind(key), |_| Ok(())).await.map(drop)
    }

    /// Forgets the failures under `key`, after a success.
    pub async fn clear_attempts(&self, key: &str) -> Result<(), DirectoryError> {
        self.note(Statement::new(CLEAR).bind(key), |_| Ok(())).await.map(drop)
    }
}

fn read(row: &Row) -> Result<Throttle, QueryError> {
    Ok(Throttle { failures: row.count("failures")?, ends_at: Some(row.date("ends_at")?) })
}
