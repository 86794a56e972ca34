//! Users in a PostgreSQL database, which many nodes share.
//!
//! 1. A server that is not on this machine is spoken to over TLS, with its certificate and name checked
//!    (`sslmode=verify-full`), unless the URL says otherwise.
//! 2. Changes take turns (an advisory lock), so their numbers become visible in order.
//! 3. Tables that a newer program has changed are refused.
//! 4. No answer for 10 s is an error.
//!
//! **Invariant:** whatever keeps the tables from being read is an error, never "no such user".

#[path = "shared/ask.rs"]
#[expect(clippy::duplicate_mod, reason = "one text for every database")]
mod ask;
#[path = "shared/edit.rs"]
#[expect(clippy::duplicate_mod, reason = "one text for every database")]
mod edit;
mod open;
#[path = "shared/rows.rs"]
#[expect(clippy::duplicate_mod, reason = "one text for every database")]
mod rows;
mod watch;

use std::{future::Future, sync::Arc, time::Duration};

use auth_core::{Issuer, NumericDate, Subject, TokenId};
use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use tokio::time::timeout;

pub use self::watch::PostgresWatch;
use crate::{
    Change, Directory, DirectoryError, Edit, Loaded, News, Record, RevokedToken, Stamp, Store,
    User, UserName, error::Fault,
};

type Connection = PgConnection;
type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;
type Row = PgRow;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to read or change many users.
const LONG_TIMEOUT: Duration = Duration::from_mins(5);

/// Makes a change wait until nobody else changes anything. The triggers take the same lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7308332170123665234)";

/// A directory in a PostgreSQL database. Its clones share their connections.
#[derive(Debug, Clone)]
pub struct PostgresDirectory {
    pool: PgPool,
    /// Server and database, without user and password.
    place: Arc<str>,
}

impl PostgresDirectory {
    /// Opens the directory at `url`, a PostgreSQL connection URI
    /// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>), and brings its
    /// tables up to date. The database must be there; the user must be allowed to make tables in it.
    pub async fn open(url: &str) -> Result<Self, DirectoryError> {
        let (options, place) = open::options(url)?;
        let pool = open::connect(options, &place).await?;
        match open::migrate(&pool, &place).await {
            Ok(()) => Ok(Self { pool, place: place.into() }),
            Err(fault) => {
                pool.close().await;
                Err(fault)
            }
        }
    }

    /// The connections, for what else is kept in the same database.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Does `work` with a connection, in time.
    async fn ask<T, W>(
        &self,
        longest: Duration,
        work: impl FnOnce(PoolConnection<Postgres>) -> W + Send,
    ) -> Result<T, DirectoryError>
    where
        W: Future<Output = Result<T, Fault>> + Send,
    {
        let asked = timeout(longest, async { work(self.pool.acquire().await?).await });
        asked.await.unwrap_or_else(late).map_err(|fault| self.fault(fault))
    }

    /// Does `work` in a transaction, in time.
    async fn change<T, W>(
        &self,
        work: impl FnOnce(Transaction<'static, Postgres>) -> W + Send,
    ) -> Result<T, DirectoryError>
    where
        W: Future<Output = Result<T, Fault>> + Send,
    {
        let done = timeout(LONG_TIMEOUT, async { work(self.pool.begin().await?).await });
        done.await.unwrap_or_else(late).map_err(|fault| self.fault(fault))
    }

    fn fault(&self, fault: Fault) -> DirectoryError {
        fault.at(|| self.place.to_string())
    }
}

fn late<T>(_: tokio::time::error::Elapsed) -> Result<T, Fault> {
    Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into())
}

impl Directory for PostgresDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| {
            Ok(ask::find(&mut connection, issuer, subject).await?.map(Arc::new))
        })
        .await
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| {
            let mut all = Vec::new();
            ask::users(&mut connection, |user| all.push(user)).await?;
            Ok(all)
        })
        .await
    }

    async fn apply(&self, edits: Vec<Edit>, stamp: &Stamp) -> Result<Vec<Change>, DirectoryError> {
        self.change(async |mut transaction| {
            sqlx::query(LOCK).execute(&mut *transaction).await?;
            let changes = edit::apply(&mut transaction, edits, stamp).await?;
            transaction.commit().await?;
            Ok(changes)
        })
        .await
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| {
            ask::is_revoked(&mut connection, issuer, token_id).await
        })
        .await
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| ask::revoked_tokens(&mut connection).await)
            .await
    }

    async fn record(&self, limit: u32) -> Result<Vec<Record>, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| ask::record(&mut connection, limit).await)
            .await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| ask::ping(&mut connection).await).await
    }
}

impl Store for PostgresDirectory {
    type Watch = PostgresWatch;

    async fn load(&self, max: usize) -> Result<Loaded, DirectoryError> {
        self.ask(LONG_TIMEOUT, async |mut connection| ask::load(&mut connection, max).await).await
    }

    async fn news(&self, since: i64) -> Result<Option<News>, DirectoryError> {
        self.ask(ANSWER_TIMEOUT, async |mut connection| ask::news(&mut connection, since).await)
            .await
    }

    async fn watch(&self) -> Result<PostgresWatch, DirectoryError> {
        PostgresWatch::begin(self).await
    }

    async fn write_seen(&self, seen: &[(UserName, NumericDate)]) -> Result<(), DirectoryError> {
        self.change(async |mut transaction| {
            ask::write_seen(&mut transaction, seen).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn prune(&self, now: NumericDate) -> Result<(), DirectoryError> {
        self.change(async |mut transaction| {
            sqlx::query(LOCK).execute(&mut *transaction).await?;
            ask::prune(&mut transaction, now).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
