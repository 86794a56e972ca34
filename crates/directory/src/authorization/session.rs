//! Sessions of browsers: who is signed in at the authorization server.

use std::time::Duration;

use auth_core::{NumericDate, oauth::SecretDigest};

use super::{
    AuthorizationStore, SignInMethod,
    client::before,
    database::{Lock, Made, Row, change, named},
};
use crate::{DirectoryError, UserName, error::QueryError, sql::connection::Statement};

/// How many sessions a user may have.
const MAX_PER_USER: i64 = 100;

/// How exact `last_used_at` is, in seconds.
const USED_EVERY: i64 = 60;

/// Sessions of users who may act.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT digest, id, issuer, subject, method, user_agent, browser_sessions.created_at \
             AS created_at, expires_at, last_used_at FROM browser_sessions JOIN users USING (issuer, subject) \
             WHERE status = 'active' AND ",
            $rest
        )
    };
}

const INSERT: &str = "INSERT INTO browser_sessions (digest, id, issuer, subject, method, \
     user_agent, created_at, expires_at, last_used_at) \
     SELECT $3, $4, issuer, subject, $5, $6, $7, $8, $7 FROM users \
     WHERE issuer = $1 AND subject = $2 AND status = 'active'";
const TOO_MANY: &str = "DELETE FROM browser_sessions WHERE digest IN (SELECT digest \
     FROM browser_sessions WHERE issuer = $1 AND subject = $2 AND digest <> $3 \
     ORDER BY last_used_at DESC, digest LIMIT 1000 OFFSET $4)";
const FIND: &str = select!("digest = $1 AND expires_at > $2 AND last_used_at >= $3");
const LIST: &str =
    select!("issuer = $1 AND subject = $2 AND expires_at > $3 ORDER BY last_used_at DESC, id");
const TOUCH: &str =
    "UPDATE browser_sessions SET last_used_at = $2 WHERE digest = $1 AND last_used_at < $2";
const END: &str = "DELETE FROM browser_sessions WHERE digest = $1";
const END_ONE: &str = "DELETE FROM browser_sessions WHERE issuer = $1 AND subject = $2 AND id = $3";
const END_ALL: &str = "DELETE FROM browser_sessions WHERE issuer = $1 AND subject = $2";
const END_OTHERS: &str =
    "DELETE FROM browser_sessions WHERE issuer = $1 AND subject = $2 AND digest <> $3";

/// A session that begins now.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The digest of the cookie's token.
    pub digest: SecretDigest,
    /// Its name in lists: random, no secret.
    pub id: String,
    /// Who is signed in.
    pub user: UserName,
    /// How.
    pub method: SignInMethod,
    /// What the browser calls itself, escaped and cut to 255 bytes.
    pub user_agent: String,
    /// When.
    pub created_at: NumericDate,
    /// When it ends at the latest.
    pub expires_at: NumericDate,
}

impl NewSession {
    /// Whether the user has signed in with a second factor, too.
    #[must_use]
    pub fn has_second_factor(&self) -> bool {
        self.method.second.is_some()
    }
}

/// A session as it is stored.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    /// How it began.
    pub begun: NewSession,
    /// When it was last used, to the minute or so.
    pub last_used_at: NumericDate,
}

impl AuthorizationStore {
    /// Begins a session. A user has at most 100: one more ends the one that was not used for
    /// longest. `false` if the user is gone or disabled.
    pub async fn begin_browser_session(
        &self,
        session: &NewSession,
    ) -> Result<bool, DirectoryError> {
        let method = session.method.to_string();
        change!(self, Lock::Rows, change => {
            let insert = named(Statement::new(INSERT), &session.user)
                .bind(session.digest.as_bytes())
                .bind(session.id.as_str())
                .bind(method.as_str())
                .bind(session.user_agent.as_str())
                .bind(session.created_at.as_secs())
                .bind(session.expires_at.as_secs());
            if change.execute(insert).await? == 0 {
                return Ok(Made::Undo(false));
            }
            let fewer = named(Statement::new(TOO_MANY), &session.user)
                .bind(session.digest.as_bytes())
                .bind(MAX_PER_USER - 1);
            change.execute(fewer).await?;
            Ok(Made::Keep(true))
        })
    }

    /// The session of a cookie, which is used now; `None` if it has ended, was not used for
    /// `idle`, or its user is disabled.
    pub async fn use_browser_session(
        &self,
        digest: &SecretDigest,
        idle: Duration,
        now: NumericDate,
    ) -> Result<Option<BrowserSession>, DirectoryError> {
        let find = Statement::new(FIND)
            .bind(digest.as_bytes())
            .bind(now.as_secs())
            .bind(before(now, idle));
        let Some(mut session) = self.row(find, read).await? else { return Ok(None) };
        if now.as_secs() - session.last_used_at.as_secs() >= USED_EVERY {
            let touch = Statement::new(TOUCH).bind(digest.as_bytes()).bind(now.as_secs());
            self.note(touch, |_| Ok(())).await?;
            session.last_used_at = now;
        }
        Ok(Some(session))
    }

    /// The sessions of a user that have not ended, the one used last first; none of one who is
    /// disabled.
    pub async fn browser_sessions(
        &self,
        user: &UserName,
        now: NumericDate,
    ) -> Result<Vec<BrowserSession>, DirectoryError> {
        self.rows(named(Statement::new(LIST), user).bind(now.as_secs()), read).await
    }

    /// Ends the session of a cookie.
    pub async fn end_browser_session(&self, digest: &SecretDigest) -> Result<(), DirectoryError> {
        self.write(Statement::new(END).bind(digest.as_bytes())).await.map(drop)
    }

    /// Ends sessions of a user: the one with this id, or all but the one with the digest `keep`.
    /// How many ended.
    pub async fn end_browser_sessions_of(
        &self,
        user: &UserName,
        id: Option<&str>,
        keep: Option<&SecretDigest>,
    ) -> Result<u64, DirectoryError> {
        let end = match (id, keep) {
            (Some(id), _) => named(Statement::new(END_ONE), user).bind(id),
            (None, Some(keep)) => named(Statement::new(END_OTHERS), user).bind(keep.as_bytes()),
            (None, None) => named(Statement::new(END_ALL), user),
        };
        self.write(end).await
    }
}

fn read(row: &Row) -> Result<BrowserSession, QueryError> {
    Ok(BrowserSession {
        begun: NewSession {
            digest: row.digest("digest")?,
            id: row.get("id")?,
            user: row.user()?,
            method: row.parsed("method")?,
            user_agent: row.get("user_agent")?,
            created_at: row.date("created_at")?,
            expires_at: row.date("expires_at")?,
        },
        last_used_at: row.date("last_used_at")?,
    })
}
