//! Users in a SQLite file, which several processes may use at once.
//!
//! 1. The folder and the file are made on first use, for their owner alone (modes 0700 and 0600).
//! 2. A question is one statement, so it sees one state of the tables.
//! 3. A change takes the write lock before it looks (`BEGIN IMMEDIATE`), so nothing can change
//!    between the look and the change; others wait for it, up to 5 s.
//! 4. Readers do not wait for writers: reading, reading what has changed, and changing have
//!    connections of their own.
//! 5. A connection on which a change failed is closed ([`Changing`]).
//! 6. A file that a newer program has changed is refused; one that was replaced while open, too.
//!
//! **Invariant:** whatever keeps the tables from being read is an error, never "no such user".

mod open;
mod place;
mod watch;

use std::{path::PathBuf, sync::Arc};

use auth_core::{Issuer, NumericDate, Subject, TokenId};
use sqlx::{Sqlite, SqlitePool, pool::PoolConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::watch::SqliteWatch;
use self::{
    open::Pools,
    place::{OpenFile, Place},
};
use crate::{
    ChangeRecord, ChangeSet, Directory, DirectoryError, Edit, EditOutcome, Loaded, RevokedToken,
    Stamp, Store, User, UserName,
    changing::Changing,
    error::QueryError,
    sql::{ask, edit},
};

/// Begins a change: the write lock comes first, since a reader that turns writer may be refused
/// without being made to wait.
const WRITE: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// A directory in a SQLite database. Its clones share their connections.
#[derive(Debug, Clone)]
pub struct SqliteDirectory {
    pools: Pools,
    /// `None` for a database in memory.
    file: Option<OpenFile>,
    /// Whose turn it is to change what an authorization server keeps: a change of users waits for
    /// at most one such change, however many sign in.
    turn: Arc<Semaphore>,
}

impl SqliteDirectory {
    /// Opens the directory at `url`, makes it if it is not there, and brings its tables up to date.
    ///
    /// `sqlite://path/to/file.db` is a path from the working folder, `sqlite:///path/to/file.db` an
    /// absolute one; both are taken as they stand (no `%20`, no parameters). `sqlite::memory:` is a
    /// database of its own at each call, and ends with it.
    pub async fn open(url: &str) -> Result<Self, DirectoryError> {
        let place = Place::parse(url)?;
        place.prepare()?;
        let pools = open::connect(&place).await?;
        let migrated = open::migrate(&pools.writes, &place).await;
        match migrated.and_then(|()| OpenFile::of(&place)) {
            Ok(file) => Ok(Self { pools, file, turn: Arc::new(Semaphore::new(1)) }),
            Err(fault) => {
                pools.close().await;
                Err(fault)
            }
        }
    }

    /// The file at `url` if it is a file and is not there yet.
    pub(crate) fn missing_file(url: &str) -> Result<Option<PathBuf>, DirectoryError> {
        Ok(match Place::parse(url)? {
            Place::File(path) if !path.exists() => Some(path),
            Place::File(_) | Place::Memory => None,
        })
    }

    /// The connection on which changes are made, for what else is kept in the same database.
    #[must_use]
    pub const fn pool(&self) -> &SqlitePool {
        &self.pools.writes
    }

    /// A connection, if it leads to the file at its path.
    async fn read(&self) -> Result<PoolConnection<Sqlite>, DirectoryError> {
        self.check()?;
        self.acquire(&self.pools.reads).await.map_err(|fault| self.fault(fault.into()))
    }

    /// The connection that is used for nothing but reading what has changed.
    async fn read_changes(&self) -> Result<PoolConnection<Sqlite>, DirectoryError> {
        self.check()?;
        self.acquire(&self.pools.changes).await.map_err(|fault| self.fault(fault.into()))
    }

    /// A connection for a change of what else is kept in the same database.
    pub(crate) async fn changing(&self) -> Result<Changing<Sqlite>, sqlx::Error> {
        Ok(Changing::new(self.acquire(&self.pools.writes).await?, self.file.is_none()))
    }

    /// A connection of `pool`. If the future is dropped while the pool tests it, the pool
    /// closes it. For a database in memory that would be its end: there a task asks, and does not
    /// leave.
    async fn acquire(&self, pool: &SqlitePool) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
        if self.file.is_some() {
            return pool.acquire().await;
        }
        let acquired = tokio::spawn(pool.acquire()).await;
        acquired.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// A connection for a question about what an authorization server keeps.
    pub(crate) async fn authorizations(&self) -> Result<Changing<Sqlite>, QueryError> {
        self.check()?;
        let connection = self.acquire(&self.pools.authorizations).await?;
        Ok(Changing::new(connection, self.file.is_none()))
    }

    /// The connection for a change of what an authorization server keeps, and the turn, which ends
    /// when it is dropped.
    pub(crate) async fn change_authorizations(
        &self,
    ) -> Result<(Changing<Sqlite>, OwnedSemaphorePermit), QueryError> {
        self.check()?;
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        Ok((self.changing().await?, turn))
    }

    /// Whether what is committed reaches the disk at once; in memory, nothing does.
    pub(crate) const fn is_in_file(&self) -> bool {
        self.file.is_some()
    }

    /// Begins a change. It is not a transaction of sqlx, whose count of transactions goes wrong
    /// when SQLite ends one by itself.
    async fn write(&self) -> Result<Changing<Sqlite>, DirectoryError> {
        self.check()?;
        let begun = async {
            let mut change = self.changing().await?;
            sqlx::query(WRITE).execute(&mut *change).await?;
            Ok(change)
        };
        begun.await.map_err(|fault: sqlx::Error| self.fault(fault.into()))
    }

    /// Ends the change that was made, or not, with this result.
    async fn end<T>(
        &self,
        mut change: Changing<Sqlite>,
        made: Result<T, QueryError>,
    ) -> Result<T, DirectoryError> {
        match made {
            Ok(value) => {
                let ended = sqlx::query(COMMIT).execute(&mut *change).await;
                ended.map_err(|fault| self.fault(fault.into()))?;
                change.keep();
                Ok(value)
            }
            // A fault of ours leaves the database as it should be, once it is rolled back.
            Err(QueryError::Directory(fault)) => {
                if sqlx::query(ROLLBACK).execute(&mut *change).await.is_ok() {
                    change.keep();
                }
                Err(fault)
            }
            Err(fault) => Err(self.fault(fault)),
        }
    }

    fn check(&self) -> Result<(), DirectoryError> {
        self.file.as_ref().map_or(Ok(()), OpenFile::check)
    }

    pub(crate) fn fault(&self, fault: QueryError) -> DirectoryError {
        fault.at(|| match &self.file {
            Some(file) => file.path().display().to_string(),
            None => "in memory".into(),
        })
    }
}

impl Directory for SqliteDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        let found = ask::find(&mut *self.read().await?, issuer, subject).await;
        Ok(found.map_err(|fault| self.fault(fault))?.map(Arc::new))
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        let mut all = Vec::new();
        let listed = ask::users(&mut *self.read().await?, |user| all.push(user)).await;
        listed.map(|()| all).map_err(|fault| self.fault(fault))
    }

    async fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> Result<Vec<EditOutcome>, DirectoryError> {
        let mut change = self.write().await?;
        let made = edit::apply(&mut *change, edits, stamp).await;
        self.end(change, made).await
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        let revoked = ask::is_revoked(&mut *self.read().await?, issuer, token_id).await;
        revoked.map_err(|fault| self.fault(fault))
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        let tokens = ask::revoked_tokens(&mut *self.read().await?).await;
        tokens.map_err(|fault| self.fault(fault))
    }

    async fn record(&self, limit: u32) -> Result<Vec<ChangeRecord>, DirectoryError> {
        let record = ask::record(&mut *self.read().await?, limit).await;
        record.map_err(|fault| self.fault(fault))
    }

    async fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, DirectoryError> {
        let record = ask::record_of(&mut *self.read().await?, user, limit).await;
        record.map_err(|fault| self.fault(fault))
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        ask::ping(&mut *self.read().await?).await.map_err(|fault| self.fault(fault))
    }
}

impl Store for SqliteDirectory {
    type Watch = SqliteWatch;

    async fn load(&self, max: usize) -> Result<Loaded, DirectoryError> {
        ask::load(&mut *self.read_changes().await?, max).await.map_err(|fault| self.fault(fault))
    }

    async fn changes_since(&self, since: i64) -> Result<Option<ChangeSet>, DirectoryError> {
        ask::changes_since(&mut *self.read_changes().await?, since)
            .await
            .map_err(|fault| self.fault(fault))
    }

    async fn watch(&self) -> Result<SqliteWatch, DirectoryError> {
        SqliteWatch::begin(self).await
    }

    async fn write_last_seen(
        &self,
        seen: &[(UserName, NumericDate)],
    ) -> Result<(), DirectoryError> {
        let mut change = self.write().await?;
        let written = ask::write_last_seen(&mut *change, seen).await;
        self.end(change, written).await
    }

    async fn prune(&self, now: NumericDate) -> Result<(), DirectoryError> {
        let mut change = self.write().await?;
        let pruned = ask::prune(&mut *change, now).await;
        self.end(change, pruned).await
    }

    /// Folds the write-ahead log into the file, too.
    async fn close(&self) {
        self.pools.close().await;
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row, query};

    use super::*;

    #[tokio::test]
    async fn whether_anything_changed_is_known_without_reading_the_whole_feed() {
        let directory = SqliteDirectory::open("sqlite::memory:").await.unwrap();
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", ask::BOUNDS));
        let steps = query(plan).fetch_all(&mut *directory.read().await.unwrap()).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        assert!(steps.contains(&"SEARCH feed".to_owned()), "{steps:?}");
        assert!(!steps.contains(&"SCAN feed".to_owned()), "{steps:?}");
    }
}
