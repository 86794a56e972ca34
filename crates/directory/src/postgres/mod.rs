//! Users in a PostgreSQL database, which many nodes share.
//!
//! 1. A server that is not on this machine is spoken to over TLS, with its certificate and name
//!    checked (`sslmode=verify-full`), unless the URL says otherwise.
//! 2. Changes are serialized (an advisory lock), so their numbers become visible in order. One that
//!    does not get the lock in 5 s gives up.
//! 3. Readers do not wait for writers: reading, reading what has changed, and changing have
//!    connections of their own.
//! 4. A connection on which a change failed is closed ([`Changing`]).
//! 5. Tables that a newer program has changed are refused.
//! 6. No answer for 10 s is an error.
//!
//! **Invariant:** whatever keeps the tables from being read is an error, never "no such user".

mod acquire;
mod open;
mod url;
mod watch;

use std::{future::Future, sync::Arc, time::Duration};

use auth_core::{Issuer, NumericDate, Subject, TokenId};
use sqlx::{PgPool, Postgres};
use tokio::time::timeout;

pub(crate) use self::acquire::acquire;
use self::open::Pools;
pub(crate) use self::url::options;
pub use self::watch::PostgresWatch;
use crate::{
    ChangeRecord, ChangeSet, Directory, DirectoryError, Edit, EditOutcome, Loaded, RevokedToken,
    Stamp, Store, User, UserName,
    changing::Changing,
    error::QueryError,
    sql::{ask, edit},
};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to read or change many users.
const LONG_TIMEOUT: Duration = Duration::from_mins(5);

/// Begins a change, which waits for any lock for 5 s at most, as in SQLite.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '5s'";

/// Makes a change wait until no other is under way. The triggers take the same lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7308332170123665234)";

/// The number in [`LOCK`].
pub(crate) const FEED_LOCK: i64 = 7_308_332_170_123_665_234;

/// A directory in a PostgreSQL database. Its clones share their connections.
#[derive(Debug, Clone)]
pub struct PostgresDirectory {
    pools: Pools,
    /// Server and database, without user and password.
    place: Arc<str>,
}

impl PostgresDirectory {
    /// Opens the directory at `url`, a PostgreSQL connection URI
    /// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>), and
    /// brings its tables up to date. The database must be there; the user must be allowed to make
    /// tables in it.
    pub async fn open(url: &str) -> Result<Self, DirectoryError> {
        let (options, place) = options(url)?;
        let pools = open::connect(options, &place).await?;
        match open::migrate(&pools.writes, &place).await {
            Ok(()) => Ok(Self { pools, place: place.into() }),
            Err(fault) => {
                pools.close().await;
                Err(fault)
            }
        }
    }

    /// The connections on which changes are made, for what else is kept in the same database.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pools.writes
    }

    /// Does `work` with a connection for reading, in time.
    async fn ask<T, W>(
        &self,
        longest: Duration,
        work: impl FnOnce(Changing<Postgres>) -> W + Send,
    ) -> Result<T, DirectoryError>
    where
        W: Future<Output = Result<T, QueryError>> + Send,
    {
        self.ask_on(&self.pools.reads, longest, work).await
    }

    /// Does `work` with a connection of `pool`, in time.
    async fn ask_on<T, W>(
        &self,
        pool: &PgPool,
        longest: Duration,
        work: impl FnOnce(Changing<Postgres>) -> W + Send,
    ) -> Result<T, DirectoryError>
    where
        W: Future<Output = Result<T, QueryError>> + Send,
    {
        // What is not answered, or not in time, says nothing of the connection: it is not used
        // again.
        let asked =
            timeout(longest, async { work(Changing::new(acquire(pool).await?, false)).await });
        asked.await.unwrap_or_else(late).map_err(|fault| self.fault(fault))
    }

    /// Does a change in time: `made`, between a beginning and an end.
    async fn in_time<T>(
        &self,
        made: impl Future<Output = Result<T, QueryError>> + Send,
    ) -> Result<T, DirectoryError> {
        let made = timeout(LONG_TIMEOUT, made).await;
        made.unwrap_or_else(late).map_err(|fault| self.fault(fault))
    }

    /// A connection for a change of what else is kept in the same database.
    pub(crate) async fn changing(&self) -> Result<Changing<Postgres>, sqlx::Error> {
        Ok(Changing::new(acquire(&self.pools.writes).await?, false))
    }

    /// Begins a change.
    async fn begin(&self) -> Result<Changing<Postgres>, QueryError> {
        let mut change = self.changing().await?;
        sqlx::raw_sql(BEGIN).execute(&mut *change).await?;
        Ok(change)
    }

    /// A connection for what an authorization server keeps.
    pub(crate) async fn authorizations(&self) -> Result<Changing<Postgres>, QueryError> {
        Ok(Changing::new(acquire(&self.pools.authorizations).await?, false))
    }

    /// Begins a change of what an authorization server keeps. It waits until no other one of the
    /// same `lock` is under way, if there is a lock.
    pub(crate) async fn change_authorizations(
        &self,
        lock: Option<i64>,
    ) -> Result<Changing<Postgres>, QueryError> {
        let mut change = self.authorizations().await?;
        sqlx::raw_sql(BEGIN).execute(&mut *change).await?;
        if let Some(lock) = lock {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(lock)
                .execute(&mut *change)
                .await?;
        }
        Ok(change)
    }

    pub(crate) fn fault(&self, fault: QueryError) -> DirectoryError {
        fault.at(|| self.place.to_string())
    }
}

/// Gives back the connection on which this was asked, if it was answered.
fn kept<T>(connection: Changing<Postgres>, answer: Result<T, QueryError>) -> Result<T, QueryError> {
    if answer.is_ok() {
        connection.keep();
    }
    answer
}

/// Ends the change that was made, or not, with this result.
async fn end<T>(
    mut change: Changing<Postgres>,
    made: Result<T, QueryError>,
) -> Result<T, QueryError> {
    match made {
        Ok(value) => {
            sqlx::query("COMMIT").execute(&mut *change).await?;
            change.keep();
            Ok(value)
        }
        // A fault of ours leaves the database as it should be, once it is rolled back.
        Err(QueryError::Directory(fault)) => {
            if sqlx::query("ROLLBACK").execute(&mut *change).await.is_ok() {
                change.keep();
            }
            Err(fault.into())
        }
        Err(fault) => Err(fault),
    }
}

fn late<T>(_: tokio::time::error::Elapsed) -> Result<T, QueryError> {
    Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into())
}

impl Directory for PostgresDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| {
            let found = ask::find(&mut *connection, issuer, subject).await;
            Ok(kept(connection, found)?.map(Arc::new))
        })
        .await
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| {
            let mut all = Vec::new();
            let read = ask::users(&mut *connection, |user| all.push(user)).await;
            kept(connection, read)?;
            Ok(all)
        })
        .await
    }

    async fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> Result<Vec<EditOutcome>, DirectoryError> {
        self.in_time(async {
            let mut change = self.begin().await?;
            sqlx::query(LOCK).execute(&mut *change).await?;
            let made = edit::apply(&mut *change, edits, stamp).await;
            end(change, made).await
        })
        .await
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| {
            let answer = ask::is_revoked(&mut *connection, issuer, token_id).await;
            kept(connection, answer)
        })
        .await
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| {
            let answer = ask::revoked_tokens(&mut *connection).await;
            kept(connection, answer)
        })
        .await
    }

    async fn record(&self, limit: u32) -> Result<Vec<ChangeRecord>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| {
            let answer = ask::record(&mut *connection, limit).await;
            kept(connection, answer)
        })
        .await
    }

    async fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| {
            let answer = ask::record_of(&mut *connection, user, limit).await;
            kept(connection, answer)
        })
        .await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| {
            let answer = ask::ping(&mut *connection).await;
            kept(connection, answer)
        })
        .await
    }
}

impl Store for PostgresDirectory {
    type Watch = PostgresWatch;

    async fn load(&self, max: usize) -> Result<Loaded, DirectoryError> {
        let changes = &self.pools.changes;
        self.ask_on(changes, LONG_TIMEOUT, async |mut connection| {
            let answer = ask::load(&mut *connection, max).await;
            kept(connection, answer)
        })
        .await
    }

    async fn changes_since(&self, since: i64) -> Result<Option<ChangeSet>, DirectoryError> {
        let changes = &self.pools.changes;
        self.ask_on(changes, ANSWER_TIMEOUT, async |mut connection| {
            let answer = ask::changes_since(&mut *connection, since).await;
            kept(connection, answer)
        })
        .await
    }

    async fn watch(&self) -> Result<PostgresWatch, DirectoryError> {
        PostgresWatch::begin(self).await
    }

    async fn write_last_seen(
        &self,
        seen: &[(UserName, NumericDate)],
    ) -> Result<(), DirectoryError> {
        self.in_time(async {
            let mut change = self.begin().await?;
            let written = ask::write_last_seen(&mut *change, seen).await;
            end(change, written).await
        })
        .await
    }

    async fn prune(&self, now: NumericDate) -> Result<(), DirectoryError> {
        self.in_time(async {
            let mut change = self.begin().await?;
            sqlx::query(LOCK).execute(&mut *change).await?;
            let pruned = ask::prune(&mut *change, now).await;
            end(change, pruned).await
        })
        .await
    }

    async fn close(&self) {
        self.pools.close().await;
    }
}
