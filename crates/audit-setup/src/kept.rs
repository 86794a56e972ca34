//! The head of the log in the database of the directory. A person who can write the files alone
//! cannot change it there: that the end was cut off, or all files removed or replaced, is noticed
//! at the next start and by `server audit verify`.
//!
//! It is kept every few seconds, and when the server stops, once the disk has the record: a machine
//! that loses its power never has less than is kept.

use std::{
    path::{Path, PathBuf, absolute},
    sync::Arc,
    time::Duration,
};

use audit_log::{AuditConfig, AuditFileError, AuditLog};
use auth_core::{Clock, FailureChange, JobHealth, audit::Head, display::chain};
use directory::{AnyDirectory, DirectoryError, Shared};
use tokio_util::sync::CancellationToken;

use crate::{AuditSetupError, config};

/// How long until the database is asked again after an error.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// What the log of this node in `file` is called in databases.
#[must_use]
pub fn log_name(file: &Path) -> String {
    let path = absolute(file).unwrap_or_else(|_| file.to_owned());
    format!("{} {}", config::node(), path.display())
}

/// Where the head of one log is kept.
#[derive(Debug, Clone)]
pub struct KeptHead {
    shared: Shared,
    path: PathBuf,
    name: String,
}

impl KeptHead {
    /// That of the log of this node in `file`.
    #[must_use]
    pub fn of(file: &Path, directory: &AnyDirectory) -> Self {
        Self { shared: Shared::new(directory.clone()), path: file.to_owned(), name: log_name(file) }
    }

    /// That of the log of this name, as [`log_name`] has it.
    #[must_use]
    pub fn of_log(name: &str, directory: &AnyDirectory) -> Self {
        let (path, name) = (PathBuf::from(name), name.to_owned());
        Self { shared: Shared::new(directory.clone()), path, name }
    }

    /// The one that was kept last; `None` if none was.
    pub async fn load(&self) -> Result<Option<Head>, AuditSetupError> {
        let text = self.shared.audit_head(&self.name).await?;
        let invalid = |source| AuditFileError::KeptHead { path: self.path.clone(), source };
        Ok(text.map(|text| text.parse::<Head>().map_err(invalid)).transpose()?)
    }

    /// Keeps `head` instead.
    pub async fn store(&self, head: Head) -> Result<(), DirectoryError> {
        self.shared.keep_audit_head(&self.name, &head.to_string()).await
    }
}

/// A log whose head is kept.
#[derive(Clone)]
pub struct KeptLog {
    log: AuditLog,
    kept: KeptHead,
    health: JobHealth,
    clock: Arc<dyn Clock>,
}

impl KeptLog {
    /// Opens the log that `config` describes, if it has the record that is kept.
    pub async fn open(
        config: &AuditConfig,
        directory: &AnyDirectory,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, AuditSetupError> {
        let kept = KeptHead::of(&config.file, directory);
        let log = AuditLog::open(config, kept.load().await?, clock)?;
        let health = JobHealth::new("keeping the head of the audit log");
        Ok(Self { log, kept, health, clock: Arc::clone(clock) })
    }

    /// What records.
    #[must_use]
    pub const fn log(&self) -> &AuditLog {
        &self.log
    }

    /// Whether heads are kept.
    #[must_use]
    pub fn health(&self) -> JobHealth {
        self.health.clone()
    }

    /// Keeps each head until `stop` is cancelled.
    pub async fn keep(self, stop: CancellationToken) {
        let mut synced = self.log.synced();
        let run = async {
            while synced.changed().await.is_ok() {
                while !self.store().await {
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        };
        Box::pin(stop.run_until_cancelled(run)).await;
    }

    /// Closes the log, and keeps its last head.
    pub async fn close(self) {
        let log = self.log.clone();
        // It waits for the disk. A panic was logged.
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
        self.store().await;
    }

    /// Whether the head that the disk has is kept.
    async fn store(&self) -> bool {
        let head = *self.log.synced().borrow();
        if head == Head::EMPTY {
            // Not known yet: what was kept before stays.
            return true;
        }
        match self.kept.store(head).await {
            Ok(()) => {
                if self.health.succeeded() {
                    tracing::info!("The head of the audit log is kept again");
                }
                true
            }
            Err(error) => {
                let error = chain(&error);
                if self.health.failed(&error, self.clock.now()) != FailureChange::Same {
                    tracing::warn!(%error, "The head of the audit log cannot be kept");
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Algorithm, audit::InvalidHeadError};
    use testkit::{ManualClock, NOW, TestKey};

    use super::*;

    #[tokio::test]
    async fn a_head_that_cannot_be_kept_is_reported_and_one_that_is_none_ends_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let config = AuditConfig {
            file: folder.path().join("audit.jsonl"),
            key: TestKey::shared(Algorithm::Es256).signing(),
            node: "a".into(),
            max_bytes: u64::MAX,
            max_full_files: None,
            checkpoint_records: 10,
            is_copied: false,
        };
        let clock: Arc<dyn Clock> = ManualClock::at(NOW);
        let directory = AnyDirectory::open("sqlite::memory:").await.unwrap();
        let log = KeptLog::open(&config, &directory, &clock).await.unwrap();
        let kept = log.kept.clone();
        log.close().await;
        assert_eq!(kept.load().await.unwrap().unwrap().sequence(), 2);

        // Closed before its disk has a record: what was kept stays.
        let log = KeptLog::open(&config, &directory, &clock).await.unwrap();
        assert!(log.store().await);
        assert_eq!(kept.load().await.unwrap().unwrap().sequence(), 2);
        kept.shared.keep_audit_head(&kept.name, "none").await.unwrap();
        let Err(AuditSetupError::File(AuditFileError::KeptHead { source, .. })) = kept.load().await
        else {
            panic!("it is no head")
        };
        assert_eq!(source, InvalidHeadError);
        directory.close().await;
        let health = log.health();
        assert_eq!(health.failure(), None);
        log.close().await;
        assert!(health.failure().is_some());
    }
}
