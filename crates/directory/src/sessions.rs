//! What nodes share beside the users: sessions of clients of the revisions before 2026-07-28, keys,
//! and the heads of audit logs.
//!
//! 1. A session is its owner's (issuer, subject, client): any other caller finds none.
//! 2. One that no node took up for [`MAX_AGE`] is gone.
//! 3. An owner has at most [`MAX_PER_OWNER`]: beginning one more ends the one that was not used for
//!    longest.
//! 4. A secret is made once: later callers get the first one's.
//!
//! **Invariant:** whatever keeps the tables from being read is an error, never "no such session".

use std::{future::Future, time::Duration};

use auth_core::{NumericDate, Owner};
use sqlx::{query, query_scalar};
use tokio::time::timeout;

use crate::{AnyDirectory, DirectoryError};

/// How long a session is remembered after a node took it up, in seconds.
const MAX_AGE: i64 = 24 * 3600;

/// How many sessions one owner may have.
const MAX_PER_OWNER: i64 = 100;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

const BEGIN: &str = "INSERT INTO sessions (id, issuer, subject, client, state, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
const TOO_MANY: &str = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
     WHERE issuer IS NOT DISTINCT FROM $1 AND subject IS NOT DISTINCT FROM $2 \
     AND client IS NOT DISTINCT FROM $3 ORDER BY updated_at DESC, id LIMIT 1000000 OFFSET $4)";
const TAKE_UP: &str = "UPDATE sessions SET updated_at = $5 WHERE id = $1 \
     AND issuer IS NOT DISTINCT FROM $2 AND subject IS NOT DISTINCT FROM $3 \
     AND client IS NOT DISTINCT FROM $4 AND updated_at >= $6 RETURNING state";
const END: &str = "DELETE FROM sessions WHERE id = $1 AND issuer IS NOT DISTINCT FROM $2 \
     AND subject IS NOT DISTINCT FROM $3 AND client IS NOT DISTINCT FROM $4";
const FORGET: &str = "DELETE FROM sessions WHERE updated_at < $1";
const MAKE_SECRET: &str =
    "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const SECRET: &str = "SELECT value FROM secrets WHERE name = $1";

/// What the names of signing keys begin with, among the secrets. The value is no secret: when a
/// node last signed with the key.
const SIGNING_KEY: &str = "signing-key ";
/// What the names of heads of audit logs begin with, among the secrets. They are none, either.
const AUDIT_HEAD: &str = "audit-head ";
/// What the names of audit logs begin with that are copied elsewhere. The value is empty.
const COPIED_LOG: &str = "copied-audit-log ";
const COPIED_LOGS: &str =
    "SELECT name FROM secrets WHERE name LIKE 'copied-audit-log %' ORDER BY name";
const REPLACE: &str = "INSERT INTO secrets (name, value) VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const ANNOUNCED_KEYS: &str =
    "SELECT name FROM secrets WHERE name LIKE 'signing-key %' AND value >= $1 ORDER BY name";
const FORGET_KEYS: &str = "DELETE FROM secrets WHERE name LIKE 'signing-key %' AND value < $1";
const A_DAY: i64 = 24 * 3600;

/// What nodes share, in the database of the directory.
#[derive(Debug, Clone)]
pub struct Shared(AnyDirectory);

/// Does the same in either database: the texts are understood by both. A connection on which it
/// failed, or took too long, is closed.
macro_rules! either {
    ($shared:expr, $connection:ident => $does:expr) => {
        match &$shared.0 {
            AnyDirectory::Sqlite(it) => in_time(on!(it, $connection => $does)).await,
            AnyDirectory::Postgres(it) => in_time(on!(it, $connection => $does)).await,
        }
    };
}

macro_rules! on {
    ($directory:expr, $connection:ident => $does:expr) => {
        async {
            let mut changing = $directory.changing().await?;
            let $connection = &mut *changing;
            let done = async { $does }.await?;
            changing.keep();
            Ok(done)
        }
    };
}

impl Shared {
    /// What is kept beside the users of `directory`.
    #[must_use]
    pub const fn new(directory: AnyDirectory) -> Self {
        Self(directory)
    }

    /// The secret of this name, which is `fresh` if there was none.
    pub async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, DirectoryError> {
        either!(self, connection => {
            query(MAKE_SECRET).bind(name).bind(fresh).execute(&mut *connection).await?;
            query_scalar(SECRET).bind(name).fetch_one(&mut *connection).await
        })
    }

    /// Notes that a node signs with these keys at `now`, and returns the names of all keys with
    /// which any node has signed since `since`. Names are forgotten after a day.
    pub async fn announce_keys(
        &self,
        ids: &[&str],
        now: NumericDate,
        since: NumericDate,
    ) -> Result<Vec<String>, DirectoryError> {
        // As bytes that are ordered as the times are.
        let bytes = |time: i64| time.max(0).to_be_bytes().to_vec();
        let (at, since) = (bytes(now.as_secs()), bytes(since.as_secs()));
        let old = bytes(now.as_secs() - A_DAY);
        let names: Vec<String> = either!(self, connection => {
            for id in ids {
                let name = format!("{SIGNING_KEY}{id}");
                query(REPLACE).bind(name).bind(&at).execute(&mut *connection).await?;
            }
            query(FORGET_KEYS).bind(&old).execute(&mut *connection).await?;
            query_scalar(ANNOUNCED_KEYS).bind(&since).fetch_all(&mut *connection).await
        })?;
        let id = |name: &String| name.strip_prefix(SIGNING_KEY).map(str::to_owned);
        Ok(names.iter().filter_map(id).collect())
    }

    /// Keeps the head of the audit log of this name, instead of the one that was kept before.
    pub async fn keep_audit_head(&self, log: &str, head: &str) -> Result<(), DirectoryError> {
        let name = format!("{AUDIT_HEAD}{log}");
        either!(self, connection => {
            let keep = query(REPLACE).bind(&name).bind(head.as_bytes());
            keep.execute(&mut *connection).await.map(drop)
        })
    }

    /// The head of the audit log of this name that was kept last; `None` if there is none.
    pub async fn audit_head(&self, log: &str) -> Result<Option<String>, DirectoryError> {
        let name = format!("{AUDIT_HEAD}{log}");
        let head: Option<Vec<u8>> = either!(self, connection => {
            query_scalar(SECRET).bind(&name).fetch_optional(&mut *connection).await
        })?;
        Ok(head.map(|head| String::from_utf8_lossy(&head).into_owned()))
    }

    /// Notes that the audit log of this name is copied to a table, so that it is missed where all
    /// of its rows are gone.
    pub async fn note_copied_audit_log(&self, log: &str) -> Result<(), DirectoryError> {
        let name = format!("{COPIED_LOG}{log}");
        either!(self, connection => {
            let note = query(MAKE_SECRET).bind(&name).bind(&b""[..]);
            note.execute(&mut *connection).await.map(drop)
        })
    }

    /// The names of all audit logs that are noted so.
    pub async fn copied_audit_logs(&self) -> Result<Vec<String>, DirectoryError> {
        let names: Vec<String> = either!(self, connection => {
            query_scalar(COPIED_LOGS).fetch_all(&mut *connection).await
        })?;
        Ok(names.iter().filter_map(|name| name.strip_prefix(COPIED_LOG)).map(Into::into).collect())
    }

    /// Remembers a session that begins now.
    pub async fn begin_session(
        &self,
        id: &str,
        owner: &Owner,
        state: &[u8],
        now: NumericDate,
    ) -> Result<(), DirectoryError> {
        let (issuer, subject, client) = names(owner);
        either!(self, connection => {
            let begin = query(BEGIN).bind(id).bind(issuer).bind(subject).bind(client);
            begin.bind(state).bind(now.as_secs()).execute(&mut *connection).await?;
            let fewer = query(TOO_MANY).bind(issuer).bind(subject).bind(client);
            fewer.bind(MAX_PER_OWNER).execute(&mut *connection).await.map(drop)
        })
    }

    /// The state of a session that is taken up now; `None` if its owner has none by this name.
    pub async fn take_up_session(
        &self,
        id: &str,
        owner: &Owner,
        now: NumericDate,
    ) -> Result<Option<Vec<u8>>, DirectoryError> {
        let (issuer, subject, client) = names(owner);
        either!(self, connection => {
            let state = query_scalar(TAKE_UP).bind(id).bind(issuer).bind(subject).bind(client);
            let state = state.bind(now.as_secs()).bind(now.as_secs() - MAX_AGE);
            state.fetch_optional(&mut *connection).await
        })
    }

    /// Forgets a session, if it is its owner's.
    pub async fn end_session(&self, id: &str, owner: &Owner) -> Result<(), DirectoryError> {
        let (issuer, subject, client) = names(owner);
        either!(self, connection => {
            let end = query(END).bind(id).bind(issuer).bind(subject).bind(client);
            end.execute(&mut *connection).await.map(drop)
        })
    }

    /// Forgets sessions that are too old to be taken up.
    pub async fn prune_sessions(&self, now: NumericDate) -> Result<(), DirectoryError> {
        either!(self, connection => {
            query(FORGET).bind(now.as_secs() - MAX_AGE).execute(&mut *connection).await.map(drop)
        })
    }
}

async fn in_time<T>(
    asked: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DirectoryError> {
    let late = |_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
    timeout(ANSWER_TIMEOUT, asked).await.unwrap_or_else(late).map_err(|fault| {
        DirectoryError::Unavailable { place: "with the sessions".into(), source: fault.into() }
    })
}

/// Issuer, subject and client. All are `None` for a caller without a token.
fn names(owner: &Owner) -> (Option<&str>, Option<&str>, Option<&str>) {
    match owner {
        Owner::Anonymous => (None, None, None),
        Owner::Principal { issuer, subject, client_id } => (
            Some(issuer.as_str()),
            Some(subject.as_str()),
            client_id.as_ref().map(auth_core::ClientId::as_str),
        ),
    }
}
