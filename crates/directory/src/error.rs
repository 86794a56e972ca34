//! What can go wrong, and what a person can do about it.
//!
//! Only [`DirectoryError::Exists`] and [`DirectoryError::DisplayName`] are about the request; every
//! other variant means that the directory could not be asked.

use std::{error::Error, io, path::PathBuf};

use auth_core::{Issuer, Subject};

/// The fault below one of the directory's: the database's own words. Its type is no promise.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why the directory did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A user by these names is there, and stays as it is.
    #[error("there is a user {subject} of {issuer} already")]
    Exists {
        /// Who vouches for it.
        issuer: Issuer,
        /// What the issuer calls it.
        subject: Subject,
    },
    /// A display name that would not fit, or not stay, in one line.
    #[error("a display name has at most 255 bytes and no control characters (a line break, say)")]
    DisplayName,
    /// No directory at such a URL. Only its scheme is kept: the rest may hold a password.
    #[error(
        "a directory URL of this form is not supported (scheme: {scheme:?}); it is \
         sqlite://path/to/file.db (from the working folder), sqlite:///path/to/file.db (absolute), \
         both without parameters, sqlite::memory: (gone at the end), or \
         postgres://user:password@host:5432/database"
    )]
    UnsupportedUrl {
        /// What is before the first colon; empty if there is none.
        scheme: String,
    },
    /// The folder of the database is not there and could not be made.
    #[error(
        "cannot make the folder {} for the user database; make it for the account that this \
         program runs as, or choose another place", path.display()
    )]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The database's file could not be opened for reading and writing, nor made.
    #[error(
        "cannot read and write the user database {}; the account that this program runs as must \
         be able to write the file and its folder", path.display()
    )]
    File {
        /// Which file.
        path: PathBuf,
        /// What the file system or the database said.
        source: Source,
    },
    /// The file is something else, or damaged.
    #[error(
        "{} is not a usable SQLite database; it was left as it is: choose another file, or put \
         a backup in its place", path.display()
    )]
    NotADatabase {
        /// Which file.
        path: PathBuf,
        /// What the database said.
        source: Source,
    },
    /// A newer program has changed the tables.
    #[error(
        "the user database {place} has schema {found}, and this program knows none after {known}; \
         it was left as it is: run a newer program, or put a backup from before in its place"
    )]
    NewerSchema {
        /// Which file or server.
        place: String,
        /// The migration that is not known here.
        found: i64,
        /// The last migration that is known here.
        known: i64,
    },
    /// The tables could not be made or brought up to date.
    #[error(
        "the tables of the user database {place} could not be brought up to date; it was left as \
         it is: choose another database, or put a backup in its place"
    )]
    Migration {
        /// Which file or server.
        place: String,
        /// What the database said.
        source: Source,
    },
    /// Any account of this computer can write the users.
    #[error("any account of this computer can write {}, and so add users: run `chmod o-w` on it", path.display())]
    InsecurePermissions {
        /// The file or its folder.
        path: PathBuf,
    },
    /// The file that was opened is not at its path any more: no one changes its content now.
    #[error(
        "the user database {} was moved, removed or replaced while in use; start this program \
         again", path.display()
    )]
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// The database did not answer, or not in time.
    #[error(
        "the user database {place} could not be asked; its cause says why (the server is down, the \
         file is locked by another program, the disk is full, a table is missing)"
    )]
    Unavailable {
        /// Which file or server.
        place: String,
        /// What it said.
        source: Source,
    },
    /// Too many changes wait for their turn.
    #[error("too many new users wait to be added: ask again later")]
    Busy,
    /// A URL of a PostgreSQL database that cannot be used. Nothing of it is repeated here but the
    /// names of parameters.
    #[error("the URL of the PostgreSQL database cannot be used: {reason}")]
    PostgresUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The PostgreSQL server could not be reached, or refused the login.
    #[error(
        "cannot connect to the user database {place}; its cause says why. See that the server runs, \
         and check host, port, database, user, password and TLS of the URL"
    )]
    Connect {
        /// Which server and database.
        place: String,
        /// What the server or the system said.
        source: Source,
    },
    /// What is known in memory is older than it may be, as the database could not be asked for so
    /// long.
    #[error(
        "the user database could not be asked for {} s, and what is known of it is too old",
        for_secs
    )]
    Stale {
        /// For how long, in seconds.
        for_secs: u64,
    },
    /// A stored value that this program would never have written.
    #[error("the user database holds a {column} that is not valid; put it right, or use a backup")]
    Corrupt {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        source: Source,
    },
}

impl DirectoryError {
    /// Whether the URL is wrong, so that there is no database to ask.
    #[must_use]
    pub const fn is_of_the_url(&self) -> bool {
        matches!(self, Self::UnsupportedUrl { .. } | Self::PostgresUrl { .. })
    }
}

/// What a database said, or why it was not asked, in one text.
///
/// sqlx adds to the message of PostgreSQL a line of PostgreSQL's own source.
pub(crate) fn said(error: sqlx::Error) -> Source {
    match error {
        sqlx::Error::Database(error) => Reported(error).into(),
        error => error.into(),
    }
}

/// An error that a database reported.
#[derive(Debug, thiserror::Error)]
#[error("the database says: {}", .0.message())]
struct Reported(Box<dyn sqlx::error::DatabaseError>);

/// What went wrong within a question: the database's fault, or one of ours.
#[derive(Debug)]
pub(crate) enum QueryError {
    Sql(sqlx::Error),
    Directory(DirectoryError),
}

impl QueryError {
    /// The fault, as one of the database at `place`.
    pub(crate) fn at(self, place: impl FnOnce() -> String) -> DirectoryError {
        match self {
            Self::Sql(source) => {
                DirectoryError::Unavailable { place: place(), source: said(source) }
            }
            Self::Directory(fault) => fault,
        }
    }
}

impl From<sqlx::Error> for QueryError {
    fn from(fault: sqlx::Error) -> Self {
        Self::Sql(fault)
    }
}

impl From<DirectoryError> for QueryError {
    fn from(fault: DirectoryError) -> Self {
        Self::Directory(fault)
    }
}
