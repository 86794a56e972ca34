//! Copies of audit logs, in a table of a PostgreSQL database that need not be that of the users.
//!
//! 1. The role that is used inserts and reads, and does nothing else: `docs/deploy/audit.sql` makes
//!    the table and the role. Nothing here makes or changes a table.
//! 2. A record that is there already stays as it is. Whether it is the same is part of the answer.
//! 3. No answer for 30 s is an error. A connection on which something failed is closed.
//! 4. A server that is not on this machine is spoken to over TLS, as with the directory.

mod row;
mod search;

use std::{future::Future, time::Duration};

use auth_core::audit::{Head, InvalidDigestError};
use futures_util::TryStreamExt;
use sqlx::{
    PgPool, Postgres, QueryBuilder, postgres::PgPoolOptions, query, query_as, query_scalar,
};
use tokio::time::timeout;

pub use self::{
    row::AuditRow,
    search::{AuditSearch, Before, by_user},
};
use crate::{
    DirectoryError, Source,
    changing::Changing,
    error::said,
    postgres::{acquire, options},
};

/// How long an answer may take, and how long a connection is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// One writes, and one more is for a reader beside it.
const MAX_CONNECTIONS: u32 = 2;

const LAST: &str = "SELECT sequence, hash FROM audit_records WHERE log = $1 \
     ORDER BY sequence DESC LIMIT 1";
const INSERT: &str = "INSERT INTO audit_records (log, sequence, node, recorded_at, kind, outcome, \
     issuer, subject, client, action, target, resource, hash, line) \
     SELECT $1, r.sequence, r.node, to_timestamp(r.millis / 1000.0), r.kind, r.outcome, r.issuer, \
     r.subject, r.client, r.action, r.target, r.resource, r.hash, r.line \
     FROM UNNEST($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], \
     $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) \
     AS r(sequence, node, millis, kind, outcome, issuer, subject, client, action, target, \
     resource, hash, line) ON CONFLICT (log, sequence) DO NOTHING";
const HASHES: &str = "SELECT sequence, hash FROM audit_records WHERE log = $1 \
     AND sequence BETWEEN $2 AND $3 ORDER BY sequence";
/// Each name is looked up behind the one before: all rows are many, and logs are few.
const LOGS: &str = "WITH RECURSIVE names AS (SELECT min(log) AS log FROM audit_records \
     UNION ALL SELECT (SELECT min(r.log) FROM audit_records r WHERE r.log > names.log) \
     FROM names WHERE names.log IS NOT NULL) \
     SELECT log FROM names WHERE log IS NOT NULL ORDER BY log";
/// A page ends with the row with which its lines have so many bytes.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Why the table of audit records cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditTableError {
    /// The URL cannot be used. Nothing of it is repeated here.
    #[error("{0}")]
    Url(DirectoryError),
    /// The database did not answer, or refused.
    #[error(
        "the database of the audit log, {place}, cannot be used; its cause says why. See that it \
         runs, that it has the table of docs/deploy/audit.sql, and that the role may insert and read"
    )]
    Unavailable {
        /// Which server and database.
        place: String,
        /// What it said.
        source: Source,
    },
    /// A row has something that was not written here.
    #[error("row {sequence} of the log {log:?} in the database has a hash that is none")]
    Hash {
        /// Which log.
        log: String,
        /// The number of the row.
        sequence: i64,
        /// Why it is none.
        source: InvalidDigestError,
    },
}

/// Asks on a connection, which is kept if there is an answer.
macro_rules! ask {
    ($table:expr, $connection:ident => $asked:expr) => {
        $table
            .in_time(async {
                let mut changing = $table.connection().await?;
                let $connection = &mut *changing;
                let answer = $asked.await?;
                changing.keep();
                Ok(answer)
            })
            .await
    };
}

/// The table of audit records in one database. Its clones share their connections.
#[derive(Debug, Clone)]
pub struct AuditTable {
    pool: PgPool,
    /// Server and database, without user and password.
    place: String,
}

impl AuditTable {
    /// The table in the database at `url`, a PostgreSQL connection URI. No connection is made yet.
    ///
    /// # Errors
    ///
    /// [`AuditTableError::Url`] if it is no such URI.
    pub fn at(url: &str) -> Result<Self, AuditTableError> {
        let (options, place) = options(url).map_err(AuditTableError::Url)?;
        let pool = PgPoolOptions::new().max_connections(MAX_CONNECTIONS);
        let pool = pool.acquire_timeout(ACQUIRE_TIMEOUT).connect_lazy_with(options);
        Ok(Self { pool, place })
    }

    /// Whether `url` is one that [`at`](Self::at) takes.
    ///
    /// # Errors
    ///
    /// [`AuditTableError::Url`] if it is not.
    pub fn check(url: &str) -> Result<(), AuditTableError> {
        options(url).map(drop).map_err(AuditTableError::Url)
    }

    /// The last record of `log` that is there; `None` if there is none.
    pub async fn last(&self, log: &str) -> Result<Option<Head>, AuditTableError> {
        let last: Option<(i64, String)> =
            ask!(self, connection => query_as(LAST).bind(log).fetch_optional(connection))?;
        let Some((sequence, hash)) = last else { return Ok(None) };
        let fault = |source| AuditTableError::Hash { log: log.to_owned(), sequence, source };
        let number = u64::try_from(sequence).unwrap_or_default();
        Ok(Some(Head::new(number, hash.parse().map_err(fault)?)))
    }

    /// Adds records of `log`, in the order of their numbers. Those that are there stay.
    ///
    /// The number of the first one of which another is there, if there is such a one.
    pub async fn insert(
        &self,
        log: &str,
        rows: &[AuditRow],
    ) -> Result<Option<u64>, AuditTableError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        let texts = |of: fn(&AuditRow) -> &str| rows.iter().map(of).collect::<Vec<_>>();
        let columns = |of: fn(&AuditRow) -> Option<&str>| rows.iter().map(of).collect::<Vec<_>>();
        let insert = query(INSERT)
            .bind(log)
            .bind(rows.iter().map(|row| row.sequence).collect::<Vec<_>>())
            .bind(texts(|row| &row.node))
            .bind(rows.iter().map(|row| row.millis).collect::<Vec<_>>())
            .bind(texts(|row| &row.kind))
            .bind(columns(|row| row.outcome.as_deref()))
            .bind(columns(|row| row.issuer.as_deref()))
            .bind(columns(|row| row.subject.as_deref()))
            .bind(columns(|row| row.client.as_deref()))
            .bind(columns(|row| row.action.as_deref()))
            .bind(columns(|row| row.target.as_deref()))
            .bind(columns(|row| row.resource.as_deref()))
            .bind(texts(|row| &row.hash))
            .bind(texts(|row| &row.line));
        let added = ask!(self, connection => insert.execute(connection))?;
        if added.rows_affected() == rows.len() as u64 {
            return Ok(None);
        }
        let hashes = query_as(HASHES).bind(log).bind(first.sequence).bind(last.sequence);
        let there: Vec<(i64, String)> = ask!(self, connection => hashes.fetch_all(connection))?;
        let is_there = |row: &&AuditRow| {
            there.iter().any(|(sequence, hash)| *sequence == row.sequence && *hash == row.hash)
        };
        let other = rows.iter().find(|row| !is_there(row));
        Ok(other.map(|row| u64::try_from(row.sequence).unwrap_or_default()))
    }

    /// The names of all logs that have records there.
    pub async fn logs(&self) -> Result<Vec<String>, AuditTableError> {
        ask!(self, connection => query_scalar(LOGS).fetch_all(connection))
    }

    /// The first records of `log` that `search` is for and whose numbers are greater than `after`:
    /// at most `limit`, and fewer if they are long. None, if there is no other.
    pub async fn page(
        &self,
        log: &str,
        search: &AuditSearch,
        after: i64,
        limit: i64,
    ) -> Result<Vec<AuditRow>, AuditTableError> {
        self.read(search::by_number(log, search, after, limit)).await
    }

    /// The newest records of `log` that `search` is for and that are older than `before`, the
    /// newest first: at most `limit`, and fewer if they are long. None, if there is no other.
    pub async fn newest(
        &self,
        log: &str,
        search: &AuditSearch,
        before: Option<Before>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, AuditTableError> {
        self.read(search::newest(log, search, before, limit)).await
    }

    async fn read(
        &self,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<AuditRow>, AuditTableError> {
        let read = async {
            let mut changing = self.connection().await?;
            let (mut found, mut bytes, mut is_whole) = (Vec::new(), 0, false);
            let mut rows = query.build_query_as::<AuditRow>().fetch(&mut *changing);
            while bytes < MAX_PAGE_BYTES && !is_whole {
                match rows.try_next().await? {
                    Some(row) => {
                        bytes += row.line.len();
                        found.push(row);
                    }
                    None => is_whole = true,
                }
            }
            drop(rows);
            // On another one there are rows that are not read.
            if is_whole {
                changing.keep();
            }
            Ok(found)
        };
        self.in_time(read).await
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn connection(&self) -> Result<Changing<Postgres>, sqlx::Error> {
        Ok(Changing::new(acquire(&self.pool).await?, false))
    }

    /// Waits for an answer in time.
    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, AuditTableError> {
        let late = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        let fault = |source| AuditTableError::Unavailable {
            place: self.place.clone(),
            source: said(source),
        };
        timeout(ANSWER_TIMEOUT, asked).await.unwrap_or_else(late).map_err(fault)
    }
}
