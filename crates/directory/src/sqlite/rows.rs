//! Rows become users. Stored text is parsed like any other input: a value that this program would not
//! have written is an error, never a guess.

use auth_core::NumericDate;

use crate::{DirectoryError, Source, User};

/// The columns of [`UserRow`], one row for each role and one for a user without any.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "SELECT issuer, subject, display_name, status, created_at, valid_from, role \
             FROM users LEFT JOIN user_roles USING (issuer, subject) ",
            $rest
        )
    };
}

pub(super) use select_users;

/// A user with one of its roles.
#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    issuer: String,
    subject: String,
    display_name: String,
    status: String,
    created_at: i64,
    valid_from: Option<i64>,
    role: Option<String>,
}

/// The users of `rows`, where the rows of one user stand together.
pub(super) fn users(rows: Vec<UserRow>) -> Result<Vec<User>, DirectoryError> {
    let mut users: Vec<User> = Vec::new();
    for row in rows {
        let role = row.role.as_deref().map(|role| read("role", role.parse()));
        let role = role.transpose()?;
        match users.last_mut() {
            Some(user) if row.is_of(user) => user.roles.extend(role),
            _ => users.push(User {
                issuer: read("issuer", row.issuer.parse())?,
                subject: read("subject", row.subject.parse())?,
                display_name: row.display_name,
                status: read("status", row.status.parse())?,
                roles: role.into_iter().collect(),
                created_at: read("created_at", NumericDate::from_secs(row.created_at))?,
                valid_from: read(
                    "valid_from",
                    row.valid_from.map(NumericDate::from_secs).transpose(),
                )?,
            }),
        }
    }
    Ok(users)
}

impl UserRow {
    fn is_of(&self, user: &User) -> bool {
        self.issuer == user.issuer.as_str() && self.subject == user.subject.as_str()
    }
}

fn read<T, E: Into<Source>>(
    column: &'static str,
    value: Result<T, E>,
) -> Result<T, DirectoryError> {
    value.map_err(|source| DirectoryError::Corrupt { column, source: source.into() })
}
