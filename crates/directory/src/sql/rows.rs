//! Rows become values. Stored text is parsed like any other input: a value that this program would
//! not have written is an error, never a guess.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use auth_core::{NumericDate, RoleName};

use super::connection::{Columns, FromColumn};
use crate::{ChangeRecord, DirectoryError, RevokedToken, Source, User};

/// The columns of [`UserRow`], one row for each role and one for a user without any.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT issuer, subject, display_name, status, created_at, valid_from, last_seen_at, \
             role, expires_at FROM users LEFT JOIN user_roles USING (issuer, subject) ",
            $rest
        )
    };
}

pub(crate) use select_users;

/// A user with one of its roles.
pub(super) struct UserRow {
    issuer: String,
    subject: String,
    display_name: String,
    status: String,
    created_at: i64,
    valid_from: Option<i64>,
    last_seen_at: Option<i64>,
    role: Option<String>,
    expires_at: Option<i64>,
}

pub(super) struct TokenRow {
    issuer: String,
    token_id: String,
    expires_at: Option<i64>,
}

pub(super) struct RecordRow {
    at: i64,
    who: String,
    what: String,
    issuer: String,
    subject: Option<String>,
    token_id: Option<String>,
    detail: Option<String>,
}

/// Reads each member of a row from the column of its name.
macro_rules! from_row {
    ($row:ident { $($column:ident),+ }) => {
        impl $row {
            pub(super) fn read(row: &impl Columns) -> Result<Self, sqlx::Error> {
                Ok(Self { $($column: FromColumn::from_column(row, stringify!($column))?),+ })
            }
        }
    };
}

from_row!(UserRow {
    issuer,
    subject,
    display_name,
    status,
    created_at,
    valid_from,
    last_seen_at,
    role,
    expires_at
});
from_row!(TokenRow { issuer, token_id, expires_at });
from_row!(RecordRow { at, who, what, issuer, subject, token_id, detail });

/// Makes users of rows, where the rows of one user stand together. What many users have in common
/// (their issuer, their set of roles) is there once.
#[derive(Default)]
pub(super) struct Users {
    last: Option<User>,
    roles: BTreeSet<RoleName>,
    sets: HashSet<Arc<BTreeSet<RoleName>>>,
}

impl Users {
    /// Takes a row; gives the user before, if this is another one's.
    pub(super) fn push(&mut self, row: UserRow) -> Result<Option<User>, DirectoryError> {
        let role: Option<RoleName> = read("role", row.role.as_deref().map(str::parse).transpose())?;
        let role_expiry = date("expires_at", row.expires_at)?;
        let is_same = self.last.as_ref().is_some_and(|user| {
            row.issuer == user.issuer.as_str() && row.subject == user.subject.as_str()
        });
        let before = if is_same { None } else { self.finish() };
        if !is_same {
            let issuer = before.as_ref().filter(|user| user.issuer.as_str() == row.issuer);
            self.last = Some(User {
                issuer: match issuer {
                    Some(user) => user.issuer.clone(),
                    None => read("issuer", row.issuer.parse())?,
                },
                subject: read("subject", row.subject.parse())?,
                display_name: row.display_name.into(),
                status: read("status", row.status.parse())?,
                roles: Arc::default(),
                role_expiry: BTreeMap::new(),
                created_at: read("created_at", NumericDate::from_secs(row.created_at))?,
                valid_from: date("valid_from", row.valid_from)?,
                last_seen_at: date("last_seen_at", row.last_seen_at)?.into(),
            });
        }
        if let (Some(user), Some(role), Some(end)) = (&mut self.last, &role, role_expiry) {
            user.role_expiry.insert(role.clone(), end);
        }
        self.roles.extend(role);
        Ok(before)
    }

    /// The last user.
    pub(super) fn finish(&mut self) -> Option<User> {
        let mut user = self.last.take()?;
        let roles = std::mem::take(&mut self.roles);
        user.roles = if let Some(known) = self.sets.get(&roles) {
            Arc::clone(known)
        } else {
            let roles = Arc::new(roles);
            self.sets.insert(Arc::clone(&roles));
            roles
        };
        Some(user)
    }
}

impl TokenRow {
    pub(super) fn into_token(self) -> Result<RevokedToken, DirectoryError> {
        Ok(RevokedToken {
            issuer: read("issuer", self.issuer.parse())?,
            token_id: read("token_id", self.token_id.parse())?,
            expires_at: date("expires_at", self.expires_at)?,
        })
    }
}

impl RecordRow {
    pub(super) fn into_record(self) -> Result<ChangeRecord, DirectoryError> {
        Ok(ChangeRecord {
            at: read("at", NumericDate::from_secs(self.at))?,
            who: self.who,
            what: self.what,
            issuer: self.issuer,
            subject: self.subject,
            token_id: self.token_id,
            detail: self.detail,
        })
    }
}

pub(crate) fn date(
    column: &'static str,
    secs: Option<i64>,
) -> Result<Option<NumericDate>, DirectoryError> {
    read(column, secs.map(NumericDate::from_secs).transpose())
}

pub(crate) fn read<T, E: Into<Source>>(
    column: &'static str,
    value: Result<T, E>,
) -> Result<T, DirectoryError> {
    value.map_err(|source| DirectoryError::Corrupt { column, source: source.into() })
}
