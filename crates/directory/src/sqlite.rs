//! Users in a SQLite file, which several processes may use at once.
//!
//! 1. The folder and the file are made on first use, for their owner alone (modes 0700 and 0600).
//! 2. A question is one statement, so it sees one state of the tables.
//! 3. A change that looks first takes the write lock before it looks (`BEGIN IMMEDIATE`), so nothing can
//!    change between the look and the change; others wait for it, up to 5 s.
//! 4. A file that a newer program has changed is refused; one that was replaced while open, too.
//!
//! **Invariant:** whatever keeps the tables from being read is an error, never "no such user".

mod open;
mod place;
mod rows;

use std::future::Future;

use auth_core::{Issuer, NumericDate, RoleName, Subject, TokenId};
use sqlx::{SqlitePool, query, query_as, query_scalar};

use self::{
    place::{OpenFile, Place},
    rows::{UserRow, select_users, users},
};
use crate::{Change, Directory, DirectoryError, NewUser, SECOND, User, UserStatus};

/// Begins a change: the write lock comes first, since a reader that turns writer may be refused
/// without being made to wait.
const WRITE: &str = "BEGIN IMMEDIATE";

const INSERT_USER: &str = "INSERT INTO users (issuer, subject, display_name, status, created_at) \
     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (issuer, subject) DO NOTHING";
const DELETE_USER: &str = "DELETE FROM users WHERE issuer = ?1 AND subject = ?2";
const USER_EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE issuer = ?1 AND subject = ?2)";
const UPDATE_STATUS: &str =
    "UPDATE users SET status = ?3 WHERE issuer = ?1 AND subject = ?2 AND status <> ?3";
const INSERT_ROLE: &str = "INSERT INTO user_roles (issuer, subject, role) VALUES (?1, ?2, ?3) \
     ON CONFLICT (issuer, subject, role) DO NOTHING";
const UPDATE_VALID_FROM: &str = "UPDATE users SET valid_from = ?3 \
     WHERE issuer = ?1 AND subject = ?2 AND (valid_from IS NULL OR valid_from < ?3)";
const INSERT_REVOKED: &str = "INSERT INTO revoked_tokens (issuer, token_id, revoked_at) \
     VALUES (?1, ?2, ?3) ON CONFLICT (issuer, token_id) DO NOTHING";
const IS_REVOKED: &str =
    "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE issuer = ?1 AND token_id = ?2)";
const DELETE_ROLE: &str = "DELETE FROM user_roles WHERE issuer = ?1 AND subject = ?2 AND role = ?3";

/// A directory in a SQLite database. Its clones share their connections.
#[derive(Debug, Clone)]
pub struct SqliteDirectory {
    pool: SqlitePool,
    /// `None` for a database in memory.
    file: Option<OpenFile>,
}

impl SqliteDirectory {
    /// Opens the directory at `url`, makes it if it is not there, and brings its tables up to date.
    ///
    /// `sqlite://path/to/file.db` is a path from the working folder, `sqlite:///path/to/file.db` an
    /// absolute one; both are taken as they stand (no `%20`, no parameters). `sqlite::memory:` is a
    /// database of its own at each call, and ends with it.
    pub async fn open(url: &str) -> Result<Self, DirectoryError> {
        let place = Place::parse(url)?;
        place.prepare()?;
        let pool = open::connect(&place).await?;
        let migrated = open::migrate(&pool, &place).await;
        match migrated.and_then(|()| OpenFile::of(&place)) {
            Ok(file) => Ok(Self { pool, file }),
            Err(fault) => {
                pool.close().await;
                Err(fault)
            }
        }
    }

    /// Ends all connections once their work is done, and folds the write-ahead log into the file. Every
    /// question after that is an error, also through clones.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Does `work`, if the connections still lead to the file at its path.
    async fn ask<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, DirectoryError> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        work.await.map_err(|fault| DirectoryError::Unavailable {
            path: self.file.as_ref().map(|file| file.path().to_owned()),
            source: fault.into(),
        })
    }

    /// Changes one thing of a user: `statement` takes its two names and `value`.
    async fn change<'q, V>(
        &self,
        issuer: &'q Issuer,
        subject: &'q Subject,
        statement: &'static str,
        value: V,
    ) -> Result<Change, DirectoryError>
    where
        V: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
    {
        self.ask(async {
            let mut transaction = self.pool.begin_with(WRITE).await?;
            let exists: bool = query_scalar(USER_EXISTS)
                .bind(issuer.as_str())
                .bind(subject.as_str())
                .fetch_one(&mut *transaction)
                .await?;
            if !exists {
                return Ok(Change::NoSuchUser);
            }
            let changed = query(statement)
                .bind(issuer.as_str())
                .bind(subject.as_str())
                .bind(value)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Change::made(changed.rows_affected() > 0))
        })
        .await
    }
}

impl Directory for SqliteDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<User>, DirectoryError> {
        let rows: Vec<UserRow> = self
            .ask(
                query_as(select_users!("WHERE issuer = ?1 AND subject = ?2"))
                    .bind(issuer.as_str())
                    .bind(subject.as_str())
                    .fetch_all(&self.pool),
            )
            .await?;
        Ok(users(rows)?.pop())
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        let rows: Vec<UserRow> = self
            .ask(query_as(select_users!("ORDER BY issuer, subject")).fetch_all(&self.pool))
            .await?;
        users(rows)
    }

    async fn add(&self, user: NewUser, now: NumericDate) -> Result<(), DirectoryError> {
        let user = user.into_user(now)?;
        let added = self
            .ask(async {
                let mut transaction = self.pool.begin_with(WRITE).await?;
                let added = query(INSERT_USER)
                    .bind(user.issuer.as_str())
                    .bind(user.subject.as_str())
                    .bind(&user.display_name)
                    .bind(user.status.as_str())
                    .bind(user.created_at.as_secs())
                    .execute(&mut *transaction)
                    .await?;
                if added.rows_affected() == 0 {
                    return Ok(false);
                }
                for role in &user.roles {
                    query(INSERT_ROLE)
                        .bind(user.issuer.as_str())
                        .bind(user.subject.as_str())
                        .bind(role.as_str())
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await?;
                Ok(true)
            })
            .await?;
        if added {
            return Ok(());
        }
        Err(DirectoryError::Exists { issuer: user.issuer, subject: user.subject })
    }

    async fn set_status(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        status: UserStatus,
    ) -> Result<Change, DirectoryError> {
        self.change(issuer, subject, UPDATE_STATUS, status.as_str()).await
    }

    async fn remove(&self, issuer: &Issuer, subject: &Subject) -> Result<Change, DirectoryError> {
        // One statement: the roles go with it.
        let removed = self
            .ask(
                query(DELETE_USER).bind(issuer.as_str()).bind(subject.as_str()).execute(&self.pool),
            )
            .await?;
        Ok(match removed.rows_affected() {
            0 => Change::NoSuchUser,
            _ => Change::Done,
        })
    }

    async fn grant(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        self.change(issuer, subject, INSERT_ROLE, role.as_str()).await
    }

    async fn revoke_role(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        self.change(issuer, subject, DELETE_ROLE, role.as_str()).await
    }

    async fn revoke_tokens(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        now: NumericDate,
    ) -> Result<Change, DirectoryError> {
        let from = now.plus(SECOND).as_secs();
        self.change(issuer, subject, UPDATE_VALID_FROM, from).await
    }

    async fn revoke_token(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
        now: NumericDate,
    ) -> Result<Change, DirectoryError> {
        let revoked = self
            .ask(
                query(INSERT_REVOKED)
                    .bind(issuer.as_str())
                    .bind(token_id.as_str())
                    .bind(now.as_secs())
                    .execute(&self.pool),
            )
            .await?;
        Ok(Change::made(revoked.rows_affected() > 0))
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        self.ask(
            query_scalar(IS_REVOKED)
                .bind(issuer.as_str())
                .bind(token_id.as_str())
                .fetch_one(&self.pool),
        )
        .await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        // `SELECT 1` would be answered without a look at the file; this needs both tables.
        self.ask(query(select_users!("LIMIT 1")).fetch_optional(&self.pool)).await?;
        Ok(())
    }
}
