//! Columns become values. What this program would not have written is an error, never a guess.

use std::str::FromStr;

use auth_core::{NumericDate, oauth::SecretDigest};

use super::database::Row;
use crate::{
    DirectoryError, Source, UserName,
    error::QueryError,
    sql::{
        connection::{Columns, FromColumn},
        rows,
    },
};

impl Row {
    pub(super) fn get<T: FromColumn>(&self, column: &str) -> Result<T, QueryError> {
        Ok(T::from_column(self, column)?)
    }

    /// A text that is one of a type.
    pub(super) fn parsed<T>(&self, column: &'static str) -> Result<T, QueryError>
    where
        T: FromStr<Err: Into<Source>>,
    {
        Ok(rows::read(column, self.get::<String>(column)?.parse())?)
    }

    /// The same, or `NULL`.
    pub(super) fn parsed_if_any<T>(&self, column: &'static str) -> Result<Option<T>, QueryError>
    where
        T: FromStr<Err: Into<Source>>,
    {
        let text = self.text(column)?;
        Ok(rows::read(column, text.as_deref().map(str::parse).transpose())?)
    }

    pub(super) fn date(&self, column: &'static str) -> Result<NumericDate, QueryError> {
        Ok(rows::read(column, NumericDate::from_secs(self.get(column)?))?)
    }

    pub(super) fn date_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<NumericDate>, QueryError> {
        Ok(rows::date(column, self.integer(column)?)?)
    }

    /// A number that is not negative.
    pub(super) fn count(&self, column: &'static str) -> Result<u64, QueryError> {
        Ok(rows::read(column, u64::try_from(self.get::<i64>(column)?))?)
    }

    /// 32 bytes, or `NULL`.
    pub(super) fn bytes32_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<[u8; 32]>, QueryError> {
        let bytes = self.bytes(column)?;
        let bytes = bytes.map(|bytes| <[u8; 32]>::try_from(bytes.as_slice())).transpose();
        Ok(rows::read(column, bytes)?)
    }

    pub(super) fn digest_if_any(
        &self,
        column: &'static str,
    ) -> Result<Option<SecretDigest>, QueryError> {
        Ok(self.bytes32_if_any(column)?.map(SecretDigest::from_bytes))
    }

    pub(super) fn digest(&self, column: &'static str) -> Result<SecretDigest, QueryError> {
        let missing = || DirectoryError::Corrupt { column, source: "it is missing".into() };
        Ok(self.digest_if_any(column)?.ok_or_else(missing)?)
    }

    /// `issuer` and `subject`.
    pub(super) fn user(&self) -> Result<UserName, QueryError> {
        Ok(UserName { issuer: self.parsed("issuer")?, subject: self.parsed("subject")? })
    }
}
