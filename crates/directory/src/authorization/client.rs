//! Clients that registered themselves (RFC 7591) or that an operator added. A client with a
//! metadata document is not stored.

use std::time::Duration;

use auth_core::{
    ClientId, NumericDate,
    oauth::{ClientMetadata, SecretDigest},
};

use super::{
    AuthorizationStore, EndedGrants,
    database::{Change, Lock, Made, Row, change},
    ending::{self, Which},
};
use crate::{
    DirectoryError,
    error::QueryError,
    sql::{connection::Statement, rows},
};

/// How long a client that registered itself stays at least, though it was never used, in seconds:
/// longer than it takes a person to sign in.
const MIN_STAY: i64 = 600;

/// How exact `last_used_at` is, in seconds.
const USED_EVERY: i64 = 60;

/// The columns of a client.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, metadata, secret, origin, introspects, created_at, last_used_at FROM clients ",
            $rest
        )
    };
}

const INSERT: &str = "INSERT INTO clients (id, metadata, secret, origin, introspects, created_at, \
     last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
const COUNT: &str = "SELECT count(*) AS clients FROM \
     (SELECT 1 FROM clients WHERE origin = 'registered' LIMIT $1) AS registered";
const MAKE_ROOM: &str = "DELETE FROM clients WHERE id IN (SELECT id FROM clients \
     WHERE origin = 'registered' AND last_used_at IS NULL AND created_at <= $1 \
     ORDER BY created_at, id LIMIT 1)";
const DELETE: &str = "DELETE FROM clients WHERE id = $1";
const EXISTS: &str = "SELECT id FROM clients WHERE id = $1";
/// It waits for a change that removes the row, and keeps others from it. Uses are noted meanwhile.
const HOLD: &str = "SELECT id FROM clients WHERE id = $1 FOR KEY SHARE";
const TOUCH: &str = "UPDATE clients SET last_used_at = $2 \
     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";
const FORGET_CONSENTS: &str = "DELETE FROM consents WHERE client_id = $1";
const FORGET_DEVICES: &str = "DELETE FROM devices WHERE client_id = $1";
const FORGET_UNUSED: &str = "DELETE FROM clients \
     WHERE origin = 'registered' AND last_used_at IS NULL AND created_at < $1";
const FORGET_IDLE: &str = "DELETE FROM clients WHERE origin = 'registered' AND last_used_at < $1";

/// Who added a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// It registered itself, and expires by disuse.
    Registered,
    /// An operator added it. It stays until it is removed.
    Operator,
}

/// From where a client is known when something is stored for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientSource {
    /// It is stored here, and must be here still.
    Stored,
    /// From its metadata document: it has no row.
    Document,
}

/// A client as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredClient {
    /// Its id.
    pub id: ClientId,
    /// What it registered.
    pub metadata: ClientMetadata,
    /// The digest of its secret, if its method has one.
    pub secret: Option<SecretDigest>,
    /// Who added it.
    pub origin: ClientOrigin,
    /// Whether it may introspect tokens of other clients, as a resource server does.
    pub introspects: bool,
    /// When it was added.
    pub created_at: NumericDate,
    /// When it last got a token, to the minute or so; `None` if never.
    pub last_used_at: Option<NumericDate>,
}

/// What adding a client met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AddClient {
    /// It was added.
    Added,
    /// There is one by this id.
    Exists,
    /// There are as many registered clients as there may be.
    Full,
}

impl ClientOrigin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Operator => "operator",
        }
    }
}

impl AuthorizationStore {
    /// Adds a client. Of those that registered themselves there are at most `max_registered`: one
    /// more takes the place of the one that was added first, more than ten minutes ago, and never
    /// used. So a flood of registrations keeps no client out for long.
    pub async fn add_client(
        &self,
        client: &StoredClient,
        max_registered: u64,
    ) -> Result<AddClient, DirectoryError> {
        let metadata = rows::read("metadata", client.metadata.to_json())?;
        let max = i64::try_from(max_registered).unwrap_or(i64::MAX);
        change!(self, Lock::Clients, change => {
            if client.origin == ClientOrigin::Registered {
                let count = change.row(Statement::new(COUNT).bind(max)).await?;
                let count = count.map_or(Ok(0), |row| row.get::<i64>("clients"))?;
                let room = Statement::new(MAKE_ROOM).bind(client.created_at.as_secs() - MIN_STAY);
                if count >= max && (max == 0 || change.execute(room).await? == 0) {
                    return Ok(Made::Undo(AddClient::Full));
                }
            }
            let insert = Statement::new(INSERT)
                .bind(client.id.as_str())
                .bind(metadata.as_str())
                .bind(client.secret.as_ref().map(SecretDigest::as_bytes))
                .bind(client.origin.as_str())
                .bind(i64::from(client.introspects))
                .bind(client.created_at.as_secs())
                .bind(client.last_used_at.map(NumericDate::as_secs));
            Ok(match change.execute(insert).await? {
                0 => Made::Undo(AddClient::Exists),
                _ => Made::Keep(AddClient::Added),
            })
        })
    }

    /// The client with this id.
    pub async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, DirectoryError> {
        self.row(Statement::new(select!("WHERE id = $1")).bind(id.as_str()), read).await
    }

    /// All clients, by id; those that an operator added alone if `operator_only`.
    pub async fn clients(&self, operator_only: bool) -> Result<Vec<StoredClient>, DirectoryError> {
        let text = if operator_only {
            select!("WHERE origin = 'operator' ORDER BY id")
        } else {
            select!("ORDER BY id")
        };
        self.rows(Statement::new(text), read).await
    }

    /// Removes a client, ends its grants, revokes their tokens, and forgets what users consented to
    /// for it; `None` if there was none.
    ///
    /// The row goes first. A change that gives the client a grant at the same time holds the row,
    /// and is waited for, so the grant is found; or it waits, and finds no client.
    pub async fn remove_client(
        &self,
        id: &ClientId,
        now: NumericDate,
    ) -> Result<Option<EndedGrants>, DirectoryError> {
        change!(self, Lock::Feed, change => {
            if change.execute(Statement::new(DELETE).bind(id.as_str())).await? == 0 {
                return Ok(Made::Undo(None));
            }
            let ended = ending::end(change, Which::Client(id), now).await?;
            for text in [FORGET_DEVICES, FORGET_CONSENTS] {
                change.execute(Statement::new(text).bind(id.as_str())).await?;
            }
            Ok(Made::Keep(Some(ended)))
        })
    }

    /// Notes that a client got a token. A client without a row (a metadata document) is passed
    /// over.
    pub async fn touch_client(
        &self,
        id: &ClientId,
        now: NumericDate,
    ) -> Result<(), DirectoryError> {
        let touch = Statement::new(TOUCH)
            .bind(id.as_str())
            .bind(now.as_secs())
            .bind(now.as_secs() - USED_EVERY);
        self.note(touch, |_| Ok(())).await.map(drop)
    }

    /// Removes clients that registered themselves and were never used for `unused`, or not for
    /// `idle`.
    pub async fn prune_clients(
        &self,
        now: NumericDate,
        unused: Duration,
        idle: Duration,
    ) -> Result<u64, DirectoryError> {
        let unused = Statement::new(FORGET_UNUSED).bind(before(now, unused));
        let idle = Statement::new(FORGET_IDLE).bind(before(now, idle));
        Ok(self.write(unused).await? + self.write(idle).await?)
    }
}

/// Keeps the row of a client from being removed until the change ends; `false` if it should have
/// one and has none.
pub(super) async fn hold(
    change: &mut Change,
    id: &ClientId,
    source: ClientSource,
) -> Result<bool, QueryError> {
    let text = match source {
        ClientSource::Document => return Ok(true),
        ClientSource::Stored if change.excludes_all() => EXISTS,
        ClientSource::Stored => HOLD,
    };
    Ok(change.row(Statement::new(text).bind(id.as_str())).await?.is_some())
}

/// The second that is `duration` before `now`.
pub(super) fn before(now: NumericDate, duration: Duration) -> i64 {
    now.as_secs().saturating_sub_unsigned(duration.as_secs())
}

fn read(row: &Row) -> Result<StoredClient, QueryError> {
    let origin: String = row.get("origin")?;
    let metadata: String = row.get("metadata")?;
    Ok(StoredClient {
        id: row.parsed("id")?,
        metadata: rows::read("metadata", ClientMetadata::restore(&metadata))?,
        secret: row.digest_if_any("secret")?,
        origin: match origin.as_str() {
            "registered" => Ok(ClientOrigin::Registered),
            "operator" => Ok(ClientOrigin::Operator),
            _ => rows::read("origin", Err("neither registered nor operator")),
        }?,
        introspects: row.get::<i64>("introspects")? != 0,
        created_at: row.date("created_at")?,
        last_used_at: row.date_if_any("last_used_at")?,
    })
}
