//! Opening: connect, then bring the tables up to date, or report why that fails.

use std::{io::ErrorKind, sync::LazyLock, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::{
    DirectoryError,
    error::said,
    migrations::{Script, migrator},
};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    migrator(&[
        Script {
            name: "0001_directory.sql",
            sql: include_str!("../../migrations/postgres/0001_directory.sql"),
        },
        Script {
            name: "0002_authorization.sql",
            sql: include_str!("../../migrations/postgres/0002_authorization.sql"),
        },
        Script {
            name: "0003_introspection.sql",
            sql: include_str!("../../migrations/postgres/0003_introspection.sql"),
        },
    ])
});

/// How long to wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same to read what has changed: with the time for the reason of a failure
/// ([`acquire`](super::acquire)), it ends before the one who asks gives up.
const CHANGES_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections for reading. What is asked for on the way of a request is in memory, so a few do.
const MAX_READERS: u32 = 5;

/// Connections for reading what has changed.
const MAX_CHANGES: u32 = 1;

/// Connections for changes, which are serialized, and for sessions.
const MAX_WRITERS: u32 = 3;

/// Connections for reading and writing what an authorization server keeps.
const MAX_AUTHORIZATIONS: u32 = 5;

/// Connections to one database. A task that waits for one of a kind does not hold those of
/// another.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    /// For questions.
    pub(super) reads: PgPool,
    /// For the question what has changed.
    pub(super) changes: PgPool,
    /// For changes.
    pub(super) writes: PgPool,
    /// For what an authorization server keeps: however many sign in, users are found and changed.
    pub(super) authorizations: PgPool,
}

impl Pools {
    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.changes.close().await;
        self.writes.close().await;
        self.authorizations.close().await;
    }
}

pub(super) async fn connect(
    options: PgConnectOptions,
    place: &str,
) -> Result<Pools, DirectoryError> {
    let fault = |source: sqlx::Error| DirectoryError::Connect {
        place: place.to_owned(),
        source: said(source),
    };
    // Of a server that refuses, the pool would try again and say in the end that it was too late.
    let first = timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let first = first.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())));
    first.map_err(fault)?.close().await.map_err(fault)?;
    let pool = PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
    let writes = pool.clone().max_connections(MAX_WRITERS).connect_with(options.clone());
    Ok(Pools {
        writes: writes.await.map_err(fault)?,
        reads: pool.clone().max_connections(MAX_READERS).connect_lazy_with(options.clone()),
        changes: pool
            .clone()
            .acquire_timeout(CHANGES_ACQUIRE_TIMEOUT)
            .max_connections(MAX_CHANGES)
            .connect_lazy_with(options.clone()),
        authorizations: pool.max_connections(MAX_AUTHORIZATIONS).connect_lazy_with(options),
    })
}

/// A connection that waits for notifications, in a pool of its own: one that is gone without a word
/// holds nothing that the next one needs.
pub(super) fn listening(pools: &Pools) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    pool.connect_lazy_with((*pools.changes.connect_options()).clone())
}

/// Runs the migrations that are missing. The migrator keeps out others that are about to do the
/// same.
pub(super) async fn migrate(pool: &PgPool, place: &str) -> Result<(), DirectoryError> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let place = place.to_owned();
    MIGRATIONS.run(pool).await.map_err(|fault| match fault {
        MigrateError::VersionMissing(found) if found > known => {
            DirectoryError::NewerSchema { place, found, known }
        }
        MigrateError::Execute(fault) | MigrateError::ExecuteMigration(fault, _) => {
            DirectoryError::Migration { place, source: said(fault) }
        }
        fault => DirectoryError::Migration { place, source: fault.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_script_in_the_folder_is_run() {
        crate::migrations::assert_has_all_of("migrations/postgres", &MIGRATIONS).await;
    }
}
