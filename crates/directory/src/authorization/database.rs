//! How the tables are read and changed, in either database.
//!
//! 1. Questions and changes have connections of their own: however many browsers sign in, users are
//!    found and changed. SQLite has one writer; a change of users waits for one change of these
//!    tables at most.
//! 2. A change is one transaction. On PostgreSQL it locks the rows that it changes, a grant always
//!    before what belongs to it. Only a change that ends grants, or removes many, takes the lock of
//!    the feed.
//! 3. What may be lost in a power cut (counts of attempts, when something was last used) is not
//!    synced to the disk by itself on SQLite.
//! 4. No answer for 10 s is an error, and the connection is closed.

use std::{future::Future, time::Duration};

use sqlx::{Postgres, Sqlite, postgres::PgRow, sqlite::SqliteRow};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::AuthorizationStore;
use crate::{
    AnyDirectory, DirectoryError, UserName,
    changing::Changing,
    error::QueryError,
    postgres::FEED_LOCK,
    sql::connection::{Columns, Connection, Statement},
};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Begins a change on SQLite: the write lock comes first, as for changes of users.
const WRITE: &str = "BEGIN IMMEDIATE";
const ROLLBACK: &str = "ROLLBACK";

/// Which changes a change excludes. SQLite has one writer, which excludes all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Those of the same rows.
    Rows,
    /// Those of users and revoked tokens, whose numbers must become visible in order.
    Feed,
    /// Those that add clients, which are counted.
    Clients,
    /// Those that add device codes, which are counted.
    Devices,
    /// Those that add one-time codes, of which a user has one.
    OneTime,
}

/// What became of a change.
pub(super) enum Made<T> {
    /// It is to be kept.
    Keep(T),
    /// It is to be undone.
    Undo(T),
}

/// A transaction.
pub(super) struct Change {
    connection: Either,
    /// In which turn a change on SQLite is.
    _turn: Option<OwnedSemaphorePermit>,
}

enum Either {
    Sqlite(Changing<Sqlite>),
    Postgres(Changing<Postgres>),
}

/// A row.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Makes a change: `$body`, a block that ends with a [`Made`], does it on `$change`.
macro_rules! change {
    ($store:expr, $lock:expr, $change:ident => $body:expr) => {
        $store
            .in_time(async {
                let mut change = $store.begin($lock).await?;
                let made = async {
                    let $change = &mut change;
                    $body
                };
                let made = made.await;
                change.end(made).await
            })
            .await
    };
}

pub(super) use change;

impl AuthorizationStore {
    /// What `read` makes of the first row that a question gives, if any.
    pub(super) async fn row<T>(
        &self,
        question: Statement<'_>,
        read: impl Fn(&Row) -> Result<T, QueryError>,
    ) -> Result<Option<T>, DirectoryError> {
        self.in_time(async {
            let mut asked = self.ask().await?;
            let row = asked.row(question).await?;
            asked.keep();
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// What `read` makes of all rows that a question gives.
    pub(super) async fn rows<T>(
        &self,
        question: Statement<'_>,
        read: impl Fn(&Row) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, DirectoryError> {
        self.in_time(async {
            let mut asked = self.ask().await?;
            let rows = asked.rows(question).await?;
            asked.keep();
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Makes a change that is one statement; how many rows it changed.
    pub(super) async fn write(&self, statement: Statement<'_>) -> Result<u64, DirectoryError> {
        self.in_time(async {
            let mut change = self.alone().await?;
            let changed = change.execute(statement).await?;
            change.keep();
            Ok(changed)
        })
        .await
    }

    /// Makes a change that is one statement; what `read` makes of the row that it gives, if any.
    pub(super) async fn write_and_read<T>(
        &self,
        statement: Statement<'_>,
        read: impl Fn(&Row) -> Result<T, QueryError>,
    ) -> Result<Option<T>, DirectoryError> {
        self.in_time(async {
            let mut change = self.alone().await?;
            let row = change.row(statement).await?;
            change.keep();
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// As [`write_and_read`](Self::write_and_read), of what may be lost in a power cut (rule 3).
    pub(super) async fn note<T>(
        &self,
        statement: Statement<'_>,
        read: impl Fn(&Row) -> Result<T, QueryError>,
    ) -> Result<Option<T>, DirectoryError> {
        self.in_time(async {
            let mut change = self.alone().await?;
            let is_synced = matches!(&self.directory, AnyDirectory::Sqlite(it) if it.is_in_file());
            if is_synced {
                change.execute(Statement::new("PRAGMA synchronous = NORMAL")).await?;
            }
            let row = change.row(statement).await?;
            if is_synced {
                change.execute(Statement::new("PRAGMA synchronous = FULL")).await?;
            }
            change.keep();
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// A connection for questions.
    async fn ask(&self) -> Result<Change, QueryError> {
        let connection = match &self.directory {
            AnyDirectory::Sqlite(it) => Either::Sqlite(it.authorizations().await?),
            AnyDirectory::Postgres(it) => Either::Postgres(it.authorizations().await?),
        };
        Ok(Change { connection, _turn: None })
    }

    /// A connection for a statement that is a transaction of its own.
    async fn alone(&self) -> Result<Change, QueryError> {
        match &self.directory {
            AnyDirectory::Sqlite(it) => {
                let (connection, turn) = it.change_authorizations().await?;
                Ok(Change { connection: Either::Sqlite(connection), _turn: Some(turn) })
            }
            AnyDirectory::Postgres(_) => self.ask().await,
        }
    }

    pub(super) async fn begin(&self, lock: Lock) -> Result<Change, QueryError> {
        match &self.directory {
            AnyDirectory::Sqlite(_) => {
                let mut change = self.alone().await?;
                change.execute(Statement::new(WRITE)).await?;
                Ok(change)
            }
            AnyDirectory::Postgres(it) => {
                let change = it.change_authorizations(lock.number()).await?;
                Ok(Change { connection: Either::Postgres(change), _turn: None })
            }
        }
    }

    pub(super) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, DirectoryError> {
        let asked = timeout(ANSWER_TIMEOUT, asked).await;
        let late = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into());
        asked.unwrap_or_else(late).map_err(|fault| match &self.directory {
            AnyDirectory::Sqlite(it) => it.fault(fault),
            AnyDirectory::Postgres(it) => it.fault(fault),
        })
    }
}

impl Lock {
    /// Its number in PostgreSQL.
    const fn number(self) -> Option<i64> {
        match self {
            Self::Rows => None,
            Self::Feed => Some(FEED_LOCK),
            Self::Clients => Some(FEED_LOCK + 1),
            Self::Devices => Some(FEED_LOCK + 2),
            Self::OneTime => Some(FEED_LOCK + 3),
        }
    }
}

impl Change {
    /// Whether no other change is under way: SQLite has one writer.
    pub(super) const fn excludes_all(&self) -> bool {
        matches!(self.connection, Either::Sqlite(_))
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        match &mut self.connection {
            Either::Sqlite(it) => Connection::execute(&mut **it, statement).await,
            Either::Postgres(it) => Connection::execute(&mut **it, statement).await,
        }
    }

    /// The first row that a statement gives, if any.
    pub(super) async fn row(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<Option<Row>, sqlx::Error> {
        match &mut self.connection {
            Either::Sqlite(it) => {
                Ok(Connection::fetch_optional(&mut **it, statement).await?.map(Row::Sqlite))
            }
            Either::Postgres(it) => {
                Ok(Connection::fetch_optional(&mut **it, statement).await?.map(Row::Postgres))
            }
        }
    }

    /// All rows that a statement gives.
    pub(super) async fn rows(&mut self, statement: Statement<'_>) -> Result<Vec<Row>, sqlx::Error> {
        Ok(match &mut self.connection {
            Either::Sqlite(it) => {
                let rows = Connection::fetch_all(&mut **it, statement).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Either::Postgres(it) => {
                let rows = Connection::fetch_all(&mut **it, statement).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Ends the change that was made, or not, with this result.
    pub(super) async fn end<T>(
        mut self,
        made: Result<Made<T>, QueryError>,
    ) -> Result<T, QueryError> {
        match made {
            Ok(Made::Keep(value)) => {
                self.execute(Statement::new("COMMIT")).await?;
                self.keep();
                Ok(value)
            }
            Ok(Made::Undo(value)) => {
                self.execute(Statement::new(ROLLBACK)).await?;
                self.keep();
                Ok(value)
            }
            // A fault of ours leaves the database as it should be, once it is rolled back.
            Err(QueryError::Directory(fault)) => {
                if self.execute(Statement::new(ROLLBACK)).await.is_ok() {
                    self.keep();
                }
                Err(fault.into())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Nothing is left on the connection.
    fn keep(self) {
        match self.connection {
            Either::Sqlite(it) => it.keep(),
            Either::Postgres(it) => it.keep(),
        }
    }
}

macro_rules! column {
    ($row:expr, $does:ident, $column:expr) => {
        match $row {
            Row::Sqlite(row) => row.$does($column),
            Row::Postgres(row) => row.$does($column),
        }
    };
}

impl Columns for Row {
    fn text(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
        column!(self, text, column)
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        column!(self, integer, column)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        column!(self, bytes, column)
    }

    fn boolean(&self, column: &str) -> Result<bool, sqlx::Error> {
        column!(self, boolean, column)
    }
}

/// A statement with the two names of a user as its next values.
pub(super) fn named<'a>(statement: Statement<'a>, user: &'a UserName) -> Statement<'a> {
    statement.bind(user.issuer.as_str()).bind(user.subject.as_str())
}
