//! The copy of the audit log in a PostgreSQL database.
//!
//! 1. The files are the source: a record is copied once the disk has it, in the order of the
//!    numbers. A database that cannot be reached delays the copy alone: no call waits for it.
//! 2. After an error the copy goes on from the last record that the table has. It reads the files
//!    again, so what waits is in no memory; what is in memory is bounded by [`MAX_ROWS`] and
//!    [`MAX_BYTES`].
//! 3. Rows that are there stay. One that differs from the record in the file, or a record that the
//!    table has and the files have not, is a fault that is named, and nothing is copied then.
//! 4. The directory knows which logs are copied: one whose rows are all gone is missed.
//! 5. Both logs are copied: that of this process, and that of the commands beside it. Two processes
//!    that copy the latter do not disturb each other (rule 3).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use audit_log::{AuditFileError, Files, Follower};
use auth_core::{Clock, FailureChange, JobHealth, NumericDate, audit::Head, display::chain};
use directory::{AnyDirectory, AuditRow, AuditTable, AuditTableError, DirectoryError, Shared};
use tokio::{sync::watch, task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::kept::log_name;

/// How much is copied at once: so many records, or the one with which so many bytes are exceeded.
const MAX_ROWS: usize = 500;
const MAX_BYTES: usize = 1024 * 1024;
/// How often it is looked for records of commands, and how long until another try after an error.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long a stop waits for the last records to be copied.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Why records are not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database.
    #[error(transparent)]
    Table(#[from] AuditTableError),
    /// The directory cannot note that a log is copied.
    #[error("the directory of users cannot be used: {0}")]
    Directory(#[from] DirectoryError),
    /// The files.
    #[error(transparent)]
    File(#[from] AuditFileError),
    /// The table has another record with that number.
    #[error(
        "record {sequence} of the log {log:?} in the database is not the one in the file: check \
         them with `audit verify` and `audit verify --database`, and name another file in \
         AUDIT_FILE to begin a new log"
    )]
    Differs {
        /// Which log.
        log: String,
        /// The number of the record.
        sequence: u64,
    },
    /// The table has a record that the files have not.
    #[error(
        "the database has record {sequence} of the log {log:?}, and the files end before it: they \
         were cut off or replaced. Restore them, or name another file in AUDIT_FILE to begin a new \
         log"
    )]
    Ahead {
        /// Which log.
        log: String,
        /// The number of the record.
        sequence: u64,
    },
    /// The task that reads the files ended.
    #[error("the files of the audit log are not read any more: see the log for a panic")]
    Ended,
}

/// What copies the logs of this node.
#[derive(Clone)]
pub struct AuditCopy {
    table: AuditTable,
    /// Where it is noted which logs are copied.
    shared: Shared,
    /// The log of this process, and that of the commands.
    logs: [Files; 2],
    /// The last record of the former that the disk has.
    synced: watch::Receiver<Head>,
    health: JobHealth,
    clock: Arc<dyn Clock>,
    /// Since when there are records that are not copied.
    behind_since: Arc<Mutex<Option<NumericDate>>>,
}

/// One log that is copied.
struct CopiedLog {
    name: String,
    files: Files,
    /// Where to go on; `None` if that is to be asked of the table.
    follower: Option<Follower>,
    /// Whether the directory knows that it is copied.
    is_noted: bool,
}

/// Records that were read, and where to go on.
struct Batch {
    follower: Follower,
    rows: Vec<AuditRow>,
    /// Records that were removed before they were read.
    missing: Option<(u64, u64)>,
    fault: Option<AuditFileError>,
}

impl AuditCopy {
    /// Copies the log of this process, and that of the commands, to `table`. `synced`: the last
    /// record of the former that the disk has.
    pub(crate) fn new(
        table: AuditTable,
        directory: &AnyDirectory,
        logs: [Files; 2],
        synced: watch::Receiver<Head>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self {
            table,
            shared: Shared::new(directory.clone()),
            logs,
            synced,
            health: JobHealth::new("copying the audit log to the database"),
            clock: Arc::clone(clock),
            behind_since: Arc::default(),
        }
    }

    /// Whether records are copied.
    #[must_use]
    pub fn health(&self) -> JobHealth {
        self.health.clone()
    }

    /// For how long the table has lacked records that the files have.
    #[must_use]
    pub fn lag(&self) -> Duration {
        let since = *self.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| {
            let secs = self.clock.now().as_secs().saturating_sub(since.as_secs());
            Duration::from_secs(u64::try_from(secs).unwrap_or_default())
        })
    }

    /// Copies until `stop` is cancelled.
    pub async fn keep(mut self, stop: CancellationToken) {
        let mut logs = self.logs();
        let run = async {
            loop {
                self.pass(&mut logs).await;
                // The log's thread may have ended: then a record changes nothing.
                if self.health.failure().is_some() || self.synced.has_changed().is_err() {
                    tokio::time::sleep(INTERVAL).await;
                } else {
                    // Either way it is time to look again.
                    let _ = timeout(INTERVAL, self.synced.changed()).await;
                }
            }
        };
        Box::pin(stop.run_until_cancelled(run)).await;
    }

    /// Copies what is left, once the log is closed. What is not copied in time is copied after the
    /// next start.
    pub async fn finish(mut self) {
        let mut logs = self.logs();
        if timeout(FINISH_TIMEOUT, self.pass(&mut logs)).await.is_err() {
            tracing::warn!("The last records of the audit log were not copied in time");
        }
        self.table.close().await;
    }

    fn logs(&self) -> [CopiedLog; 2] {
        self.logs.clone().map(|files| CopiedLog {
            name: log_name(files.current()),
            files,
            follower: None,
            is_noted: false,
        })
    }

    /// Copies what there is now.
    async fn pass(&mut self, [own, commands]: &mut [CopiedLog; 2]) {
        let synced = self.synced.borrow_and_update().sequence();
        let of_own = self.copy(own, Some(synced)).await;
        // A fault of one log does not keep the other from being copied.
        let done = self.copy(commands, None).await;
        if let Some(error) = faults([of_own, done]) {
            self.is_behind();
            if self.health.failed(&error, self.clock.now()) != FailureChange::Same {
                tracing::error!(%error, "The audit log is not copied to the database");
            }
        } else {
            *self.behind_since.lock().unwrap_or_else(PoisonError::into_inner) = None;
            if self.health.succeeded() {
                tracing::info!("The audit log is copied to the database again");
            }
        }
    }

    fn is_behind(&self) {
        let mut since = self.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(|| self.clock.now());
    }

    /// Copies the records of one log: those up to `synced`, or else all, once the disk has them.
    async fn copy(&self, log: &mut CopiedLog, synced: Option<u64>) -> Result<(), CopyError> {
        loop {
            // After an error it is asked again where to go on.
            let follower = match log.follower.take() {
                Some(follower) => follower,
                None => self.take_up(log).await?,
            };
            let read = spawn_blocking(move || read(follower, synced));
            let Batch { follower, rows, missing, fault } =
                read.await.map_err(|_| CopyError::Ended)?;
            if let Some((first, last)) = missing {
                let log = &log.name;
                tracing::error!(
                    log,
                    first,
                    last,
                    "Records of the audit log were removed before they were copied"
                );
            }
            if rows.is_empty() && fault.is_none() {
                log.follower = Some(follower);
                return Ok(());
            }
            self.is_behind();
            if !log.is_noted {
                // First, so that no rows are there whose loss is not noticed.
                self.shared.note_copied_audit_log(&log.name).await?;
                log.is_noted = true;
            }
            if let Some(sequence) = self.table.insert(&log.name, &rows).await? {
                return Err(CopyError::Differs { log: log.name.clone(), sequence });
            }
            if let Some(fault) = fault {
                return Err(fault.into());
            }
            log.follower = Some(follower);
        }
    }

    /// Where to go on: behind the last record that the table has, which must be in the files.
    async fn take_up(&self, log: &CopiedLog) -> Result<Follower, CopyError> {
        let files = log.files.clone();
        let Some(last) = self.table.last(&log.name).await? else {
            return Ok(Follower::new(files, 1));
        };
        let sequence = last.sequence();
        let found = spawn_blocking(move || {
            let mut follower = Follower::new(files.clone(), sequence);
            let found = follower.read()?.map(|(line, _)| line.head());
            // The files with it were removed, or it is the one before the next.
            Ok::<_, AuditFileError>((found, Follower::new(files, sequence.saturating_add(1))))
        });
        let (found, follower) = found.await.map_err(|_| CopyError::Ended)??;
        let log = log.name.clone();
        match found {
            None => Err(CopyError::Ahead { log, sequence }),
            Some(head) if head.sequence() == sequence && head != last => {
                Err(CopyError::Differs { log, sequence })
            }
            Some(_) => Ok(follower),
        }
    }
}

/// What went wrong with any of the logs, each fault once; `None` if nothing did.
fn faults(copied: [Result<(), CopyError>; 2]) -> Option<String> {
    let errors = copied.into_iter().filter_map(Result::err);
    let mut faults: Vec<_> = errors.map(|error| chain(&error)).collect();
    // A database that cannot be reached is one fault.
    faults.dedup();
    (!faults.is_empty()).then(|| faults.join("; "))
}

/// Reads the next records. Those of a log that another process writes are on the disk afterwards.
fn read(mut follower: Follower, synced: Option<u64>) -> Batch {
    let (mut rows, mut bytes, mut fault) = (Vec::new(), 0, None);
    let mut missing = None;
    while rows.len() < MAX_ROWS
        && bytes < MAX_BYTES
        && synced.is_none_or(|synced| follower.next() <= synced)
    {
        let next = follower.next();
        match follower.read() {
            Ok(Some((record, line))) => {
                if record.sequence > next {
                    missing = Some((next, record.sequence - 1));
                }
                bytes += line.len();
                rows.push(AuditRow::of(&record, &line));
            }
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    if synced.is_none()
        && !rows.is_empty()
        && let Err(error) = follower.sync()
    {
        // Nothing is copied that a power failure could take from the file.
        rows.clear();
        fault = Some(error);
    }
    Batch { follower, rows, missing, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faults_of_both_logs_are_named_and_one_that_both_have_once() {
        let ahead = |log: &str| Err(CopyError::Ahead { log: log.into(), sequence: 7 });
        assert_eq!(faults([Ok(()), Ok(())]), None);
        assert_eq!(faults([Err(CopyError::Ended), Ok(())]), Some(CopyError::Ended.to_string()));
        let both = faults([ahead("own"), ahead("commands")]).unwrap();
        assert!(both.contains("\"own\"") && both.contains("; ") && both.contains("\"commands\""));
        assert_eq!(faults([ahead("own"), ahead("own")]), faults([Ok(()), ahead("own")]));
    }
}
