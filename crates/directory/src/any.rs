//! The database that a URL names.

use std::{path::PathBuf, sync::Arc};

use auth_core::{Issuer, NumericDate, Subject, TokenId};

use crate::{
    ChangeRecord, ChangeSet, Directory, DirectoryError, Edit, EditOutcome, Loaded,
    PostgresDirectory, PostgresWatch, RevokedToken, SqliteDirectory, SqliteWatch, Stamp, Store,
    User, UserName, Watch, postgres::options,
};

/// A directory in the kind of database that its URL names.
#[derive(Debug, Clone)]
pub enum AnyDirectory {
    /// `sqlite:…`
    Sqlite(SqliteDirectory),
    /// `postgres:…` or `postgresql:…`
    Postgres(PostgresDirectory),
}

/// Waits for changes of an [`AnyDirectory`].
#[derive(Debug)]
pub enum AnyWatch {
    /// Of a SQLite file.
    Sqlite(SqliteWatch),
    /// Of a PostgreSQL database.
    Postgres(Box<PostgresWatch>),
}

macro_rules! either {
    ($any:expr, $it:ident => $does:expr) => {
        match $any {
            Self::Sqlite($it) => $does,
            Self::Postgres($it) => $does,
        }
    };
}

impl AnyDirectory {
    /// Opens the directory at `url`: see [`SqliteDirectory::open`] and [`PostgresDirectory::open`].
    pub async fn open(url: &str) -> Result<Self, DirectoryError> {
        if is_postgres(url) {
            return PostgresDirectory::open(url).await.map(Self::Postgres);
        }
        SqliteDirectory::open(url).await.map(Self::Sqlite)
    }

    /// Whether `url` is one that [`open`](Self::open) takes. Asks no database.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::UnsupportedUrl`] or [`DirectoryError::PostgresUrl`] if it is not.
    pub fn check(url: &str) -> Result<(), DirectoryError> {
        if is_postgres(url) {
            return options(url).map(drop);
        }
        SqliteDirectory::missing_file(url).map(drop)
    }

    /// The file of the directory at `url` if it is a file and is not there yet. To read it would
    /// make it.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::UnsupportedUrl`].
    pub fn missing_file(url: &str) -> Result<Option<PathBuf>, DirectoryError> {
        if is_postgres(url) {
            return Ok(None);
        }
        SqliteDirectory::missing_file(url)
    }

    /// Ends all connections once their work is done. Every question after that is an error.
    pub async fn close(&self) {
        Store::close(self).await;
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

impl Directory for AnyDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        either!(self, it => it.find(issuer, subject).await)
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        either!(self, it => it.list().await)
    }

    async fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> Result<Vec<EditOutcome>, DirectoryError> {
        either!(self, it => it.apply(edits, stamp).await)
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        either!(self, it => it.is_revoked(issuer, token_id).await)
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        either!(self, it => it.revoked_tokens().await)
    }

    async fn record(&self, limit: u32) -> Result<Vec<ChangeRecord>, DirectoryError> {
        either!(self, it => it.record(limit).await)
    }

    async fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, DirectoryError> {
        either!(self, it => it.record_of(user, limit).await)
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        either!(self, it => it.ping().await)
    }
}

impl Store for AnyDirectory {
    type Watch = AnyWatch;

    async fn load(&self, max: usize) -> Result<Loaded, DirectoryError> {
        either!(self, it => it.load(max).await)
    }

    async fn changes_since(&self, since: i64) -> Result<Option<ChangeSet>, DirectoryError> {
        either!(self, it => it.changes_since(since).await)
    }

    async fn watch(&self) -> Result<AnyWatch, DirectoryError> {
        match self {
            Self::Sqlite(it) => it.watch().await.map(AnyWatch::Sqlite),
            Self::Postgres(it) => it.watch().await.map(Box::new).map(AnyWatch::Postgres),
        }
    }

    async fn write_last_seen(
        &self,
        seen: &[(UserName, NumericDate)],
    ) -> Result<(), DirectoryError> {
        either!(self, it => it.write_last_seen(seen).await)
    }

    async fn prune(&self, now: NumericDate) -> Result<(), DirectoryError> {
        either!(self, it => it.prune(now).await)
    }

    async fn close(&self) {
        either!(self, it => Store::close(it).await);
    }
}

impl Watch for AnyWatch {
    async fn changed(&mut self) -> Result<(), DirectoryError> {
        either!(self, it => it.changed().await)
    }
}
