//! Whether the file has changed. `PRAGMA data_version` says so at almost no cost
//! (<https://www.sqlite.org/pragma.html#pragma_data_version>): it counts the changes of all
//! connections but the one that asks, so this one is used for nothing else.

use std::time::Duration;

use sqlx::{
    ConnectOptions, SqliteConnection, query_scalar,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tokio::time::{Instant, sleep};

use super::SqliteDirectory;
use crate::{DirectoryError, Watch};

/// How often the file is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// How often it is said that something may have changed, though nothing seems to have.
const AT_LEAST_EVERY: Duration = Duration::from_secs(1);

/// Waits for changes of a SQLite file.
#[derive(Debug)]
pub struct SqliteWatch {
    directory: SqliteDirectory,
    /// `None` for a database in memory, which does not report changes: it is taken for changed each
    /// time.
    connection: Option<SqliteConnection>,
    seen: i64,
}

impl SqliteWatch {
    pub(super) async fn begin(directory: &SqliteDirectory) -> Result<Self, DirectoryError> {
        directory.check()?;
        let connection = match &directory.file {
            None => None,
            Some(file) => {
                let options = SqliteConnectOptions::new()
                    .filename(file.path())
                    .create_if_missing(false)
                    .journal_mode(SqliteJournalMode::Wal);
                let connected = options.connect().await;
                Some(connected.map_err(|fault| directory.fault(fault.into()))?)
            }
        };
        let mut watch = Self { directory: directory.clone(), connection, seen: 0 };
        watch.is_new().await?;
        Ok(watch)
    }

    async fn is_new(&mut self) -> Result<bool, DirectoryError> {
        self.directory.check()?;
        let Some(connection) = &mut self.connection else { return Ok(true) };
        let version = query_scalar("PRAGMA data_version").fetch_one(connection).await;
        let version: i64 = version.map_err(|fault| self.directory.fault(fault.into()))?;
        Ok(std::mem::replace(&mut self.seen, version) != version)
    }
}

impl Watch for SqliteWatch {
    async fn changed(&mut self) -> Result<(), DirectoryError> {
        let deadline = Instant::now() + AT_LEAST_EVERY;
        loop {
            sleep(ASK_EVERY).await;
            if self.is_new().await? || Instant::now() >= deadline {
                return Ok(());
            }
        }
    }
}
