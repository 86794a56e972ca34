//! The connections of both databases behind one trait, as far as the statements need them.

use std::future::Future;

use futures_util::Stream;
use sqlx::{
    PgConnection, Postgres, Row as _, Sqlite, SqliteConnection,
    error::UnexpectedNullError,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// A connection to a database.
pub(crate) trait Connection: Send {
    /// What it reads.
    type Row: Columns + Send;

    /// Runs a statement; how many rows it changed.
    fn execute(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// All rows that a statement gives.
    fn fetch_all(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// The first row that a statement gives, if any.
    fn fetch_optional(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<Option<Self::Row>, sqlx::Error>> + Send;

    /// The row of a statement that gives one.
    fn fetch_one(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<Self::Row, sqlx::Error>> + Send;

    /// The rows that a statement without values gives, one by one.
    fn fetch(
        &mut self,
        statement: &'static str,
    ) -> impl Stream<Item = Result<Self::Row, sqlx::Error>> + Send + Unpin;
}

/// A statement with the values of `$1`, `$2` and so on.
pub(crate) struct Statement<'a> {
    text: &'static str,
    values: Vec<Value<'a>>,
}

/// A value of a statement. What is `None` is `NULL` of that type.
pub(crate) enum Value<'a> {
    Text(Option<&'a str>),
    Integer(Option<i64>),
    Bytes(Option<&'a [u8]>),
}

impl<'a> Statement<'a> {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, values: Vec::new() }
    }

    /// The same with one more value.
    pub(crate) fn bind(mut self, value: impl Into<Value<'a>>) -> Self {
        self.values.push(value.into());
        self
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(integer: i64) -> Self {
        Self::Integer(Some(integer))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(integer: Option<i64>) -> Self {
        Self::Integer(integer)
    }
}

impl<'a> From<&'a [u8; 32]> for Value<'a> {
    fn from(bytes: &'a [u8; 32]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<Option<&'a [u8; 32]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8; 32]>) -> Self {
        Self::Bytes(bytes.map(<[u8; 32]>::as_slice))
    }
}

/// The columns of a row, by their names.
pub(crate) trait Columns {
    /// A string, or `NULL`.
    fn text(&self, column: &str) -> Result<Option<String>, sqlx::Error>;

    /// An integer, or `NULL`.
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error>;

    /// Bytes, or `NULL`.
    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;

    /// A boolean.
    fn boolean(&self, column: &str) -> Result<bool, sqlx::Error>;
}

/// A value of a column.
pub(crate) trait FromColumn: Sized {
    /// Reads it; an error if the column is not there, or of another type.
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error>;
}

impl FromColumn for Option<String> {
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error> {
        row.text(column)
    }
}

impl FromColumn for String {
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error> {
        row.text(column)?.ok_or_else(|| null(column))
    }
}

impl FromColumn for Option<i64> {
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error> {
        row.integer(column)
    }
}

impl FromColumn for i64 {
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error> {
        row.integer(column)?.ok_or_else(|| null(column))
    }
}

impl FromColumn for Option<Vec<u8>> {
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error> {
        row.bytes(column)
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(row: &impl Columns, column: &str) -> Result<Self, sqlx::Error> {
        row.bytes(column)?.ok_or_else(|| null(column))
    }
}

fn null(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: UnexpectedNullError.into() }
}

/// Implements [`Connection`] and [`Columns`] by a driver of sqlx.
macro_rules! driver {
    ($database:ty, $connection:ty, $row:ty, $arguments:ty) => {
        impl<'q> From<Statement<'q>> for Query<'q, $database, $arguments> {
            fn from(statement: Statement<'q>) -> Self {
                let query = sqlx::query(statement.text);
                statement.values.into_iter().fold(query, |query, value| match value {
                    Value::Text(text) => query.bind(text),
                    Value::Integer(integer) => query.bind(integer),
                    Value::Bytes(bytes) => query.bind(bytes),
                })
            }
        }

        impl Connection for $connection {
            type Row = $row;

            async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
                let query = Query::<'_, $database, _>::from(statement);
                Ok(query.execute(self).await?.rows_affected())
            }

            async fn fetch_all(
                &mut self,
                statement: Statement<'_>,
            ) -> Result<Vec<$row>, sqlx::Error> {
                Query::<'_, $database, _>::from(statement).fetch_all(self).await
            }

            async fn fetch_optional(
                &mut self,
                statement: Statement<'_>,
            ) -> Result<Option<$row>, sqlx::Error> {
                Query::<'_, $database, _>::from(statement).fetch_optional(self).await
            }

            async fn fetch_one(&mut self, statement: Statement<'_>) -> Result<$row, sqlx::Error> {
                Query::<'_, $database, _>::from(statement).fetch_one(self).await
            }

            fn fetch(
                &mut self,
                statement: &'static str,
            ) -> impl Stream<Item = Result<$row, sqlx::Error>> + Send + Unpin {
                sqlx::query(statement).fetch(self)
            }
        }

        impl Columns for $row {
            fn text(&self, column: &str) -> Result<Option<String>, sqlx::Error> {
                self.try_get(column)
            }

            fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
                self.try_get(column)
            }

            fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
                self.try_get(column)
            }

            fn boolean(&self, column: &str) -> Result<bool, sqlx::Error> {
                self.try_get(column)
            }
        }
    };
}

driver!(Sqlite, SqliteConnection, SqliteRow, SqliteArguments);
driver!(Postgres, PgConnection, PgRow, PgArguments);
