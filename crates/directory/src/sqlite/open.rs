//! Opening: connect, then bring the tables up to date, or report why that fails.

use std::{sync::LazyLock, time::Duration};

use sqlx::{
    SqlitePool,
    error::DatabaseError,
    migrate::{MigrateError, Migrator},
    query,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

use super::{ROLLBACK, WRITE, place::Place};
use crate::{
    DirectoryError,
    migrations::{Script, migrator},
};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    migrator(&[
        Script {
            name: "0001_users.sql",
            sql: include_str!("../../migrations/sqlite/0001_users.sql"),
        },
        Script {
            name: "0002_revocations.sql",
            sql: include_str!("../../migrations/sqlite/0002_revocations.sql"),
        },
        Script {
            name: "0003_changes.sql",
            sql: include_str!("../../migrations/sqlite/0003_changes.sql"),
        },
        Script {
            name: "0004_authorization.sql",
            sql: include_str!("../../migrations/sqlite/0004_authorization.sql"),
        },
        Script {
            name: "0005_introspection.sql",
            sql: include_str!("../../migrations/sqlite/0005_introspection.sql"),
        },
    ])
});

/// How long a writer waits for another one, in this process or in another.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before asking again, where SQLite does not wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// How long to wait for a free connection: longer than for a writer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections for reading. Readers do not wait for each other.
const MAX_READERS: u32 = 4;

/// Connections for reading what an authorization server keeps.
const MAX_AUTHORIZATION_READERS: u32 = 2;

/// Connections to one database. A task that waits for one of a kind does not hold those of
/// another.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    /// For questions.
    pub(super) reads: SqlitePool,
    /// One, for the question what has changed.
    pub(super) changes: SqlitePool,
    /// For questions about what an authorization server keeps: however many sign in, users are
    /// found.
    pub(super) authorizations: SqlitePool,
    /// One, for changes: SQLite serializes writers anyway, and the pool does so in order.
    pub(super) writes: SqlitePool,
}

impl Pools {
    /// Closes all; the last one folds the write-ahead log into the file.
    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.changes.close().await;
        self.authorizations.close().await;
        self.writes.close().await;
    }
}

pub(super) async fn connect(place: &Place) -> Result<Pools, DirectoryError> {
    let pool = SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).max_connections(1);
    let options = SqliteConnectOptions::new().foreign_keys(true).busy_timeout(BUSY_TIMEOUT);
    let (pool, options) = match place {
        // The database is its one connection, which therefore must not end.
        Place::Memory => (
            pool.idle_timeout(None).max_lifetime(None).before_acquire(|connection, _| {
                Box::pin(async move {
                    // A change that was broken off. Without one this is refused, which is as good.
                    let _ = query(ROLLBACK).execute(connection).await;
                    Ok(true)
                })
            }),
            options.in_memory(true),
        ),
        // WAL: readers go on while another process writes. FULL, though NORMAL would keep the file
        // sound: a user who was disabled must not be active again after a power cut, and changes
        // are too rare for the cost to matter.
        Place::File(path) => (
            pool,
            options
                .filename(path)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full),
        ),
    };
    // While another process turns a new file to WAL, SQLite says "busy" at once and does not wait.
    let deadline = Instant::now() + BUSY_TIMEOUT;
    let writes = loop {
        match pool.clone().connect_with(options.clone()).await.map_err(|f| open_fault(place, f)) {
            Err(DirectoryError::Unavailable { .. }) if Instant::now() < deadline => {
                sleep(BUSY_PAUSE).await;
            }
            connected => break connected?,
        }
    };
    Ok(match place {
        Place::Memory => Pools {
            reads: writes.clone(),
            changes: writes.clone(),
            authorizations: writes.clone(),
            writes,
        },
        Place::File(_) => {
            let readers = |most| pool.clone().max_connections(most);
            Pools {
                reads: readers(MAX_READERS).connect_lazy_with(options.clone()),
                changes: readers(1).connect_lazy_with(options.clone()),
                authorizations: readers(MAX_AUTHORIZATION_READERS).connect_lazy_with(options),
                writes,
            }
        }
    })
}

/// Runs the migrations that are missing and sees that changes can be made: in one transaction,
/// which also keeps out any other process that is about to do the same (the migrator's own lock
/// does nothing on SQLite).
pub(super) async fn migrate(pool: &SqlitePool, place: &Place) -> Result<(), DirectoryError> {
    let fault = |fault| open_fault(place, fault);
    let mut transaction = pool.begin_with(WRITE).await.map_err(fault)?;
    // `run` would do, if the compiler could see that its future is `Send` when it borrows a
    // connection.
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(|fault| migrate_fault(place, fault))?;
    // Of a file that may only be read, SQLite complains at the first statement that could write:
    // now rather than at the first change.
    query("DELETE FROM users WHERE FALSE").execute(&mut *transaction).await.map_err(fault)?;
    transaction.commit().await.map_err(fault)
}

fn migrate_fault(place: &Place, fault: MigrateError) -> DirectoryError {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    let known = known.unwrap_or_default();
    let at = place.name().display().to_string();
    match fault {
        MigrateError::VersionMissing(found) if found > known => {
            DirectoryError::NewerSchema { place: at, found, known }
        }
        MigrateError::Execute(fault) => open_fault(place, fault),
        fault => DirectoryError::Migration { place: at, source: fault.into() },
    }
}

fn open_fault(place: &Place, fault: sqlx::Error) -> DirectoryError {
    // Primary result codes, the low byte of the extended ones
    // (https://www.sqlite.org/rescode.html).
    const ERROR: u32 = 1;
    const BUSY: u32 = 5;
    const LOCKED: u32 = 6;
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;

    let code = fault.as_database_error().and_then(DatabaseError::code);
    let code = code.and_then(|code| code.parse::<u32>().ok());
    let path = place.name().to_owned();
    let at = path.display().to_string();
    let source = fault.into();
    match code.map(|code| code & 0xFF) {
        Some(ERROR) => DirectoryError::Migration { place: at, source },
        Some(BUSY | LOCKED) => DirectoryError::Unavailable { place: at, source },
        Some(CORRUPT | NOT_A_DATABASE) => DirectoryError::NotADatabase { path, source },
        _ => DirectoryError::File { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_script_in_the_folder_is_run() {
        crate::migrations::assert_has_all_of("migrations/sqlite", &MIGRATIONS).await;
    }
}
