//! The log that a program writes, and its copy: to be opened, kept and closed together.

use std::sync::Arc;

use audit_log::{AuditConfig, AuditLog, Files};
use auth_core::{Clock, JobHealth};
use directory::{AnyDirectory, AuditTable};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{AuditSettings, AuditSetupError, copy::AuditCopy, kept::KeptLog};

/// Which program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The server: the file that is configured.
    Server,
    /// The authorization server that runs alone: [a file beside that](Files::of_issuer).
    Issuer,
}

/// An audit log that is open. Its clones share it.
#[derive(Clone)]
pub struct OpenAudit {
    kept: KeptLog,
    copy: Option<AuditCopy>,
}

impl OpenAudit {
    /// Opens the log that the settings describe, if it has the record that `directory` knows.
    ///
    /// # Errors
    ///
    /// [`AuditSetupError`] if the log cannot be written, or is not the one that is known.
    pub async fn open(
        settings: &AuditSettings,
        writer: Writer,
        directory: &AnyDirectory,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, AuditSetupError> {
        let AuditSettings { log, database } = settings;
        let configured = Files::at(&log.file);
        let own = match writer {
            Writer::Server => configured.clone(),
            Writer::Issuer => configured.of_issuer(),
        };
        let table = database.as_ref().map(|url| AuditTable::at(url.expose_secret())).transpose()?;
        let config = AuditConfig { file: own.current().to_owned(), ..log.clone() };
        let kept = KeptLog::open(&config, directory, clock).await?;
        // Commands have no process that could copy their log, so each program beside it does.
        let logs = [own, configured.of_commands()];
        let copy =
            table.map(|table| AuditCopy::new(table, directory, logs, kept.log().synced(), clock));
        Ok(Self { kept, copy })
    }

    /// What records.
    #[must_use]
    pub const fn log(&self) -> &AuditLog {
        self.kept.log()
    }

    /// What copies it, if there is a database for that.
    #[must_use]
    pub const fn copy(&self) -> Option<&AuditCopy> {
        self.copy.as_ref()
    }

    /// How its background jobs are.
    pub fn health(&self) -> impl Iterator<Item = JobHealth> + use<> {
        [self.kept.health()].into_iter().chain(self.copy.as_ref().map(AuditCopy::health))
    }

    /// Starts the jobs. They end when `stop` is cancelled.
    pub fn start(&self, running: &mut JoinSet<()>, stop: &CancellationToken) {
        running.spawn(self.kept.clone().keep(stop.clone()));
        if let Some(copy) = self.copy.clone() {
            running.spawn(copy.keep(stop.clone()));
        }
    }

    /// Closes the log once nothing is recorded any more, and copies its last records.
    pub async fn close(self) {
        self.kept.close().await;
        if let Some(copy) = self.copy {
            copy.finish().await;
        }
    }
}
