//! Device codes (RFC 8628).

use std::time::Duration;

use auth_core::{
    ClientId, NumericDate, ResourceUri, ScopeSet,
    oauth::{DeviceState, Polling, RefreshToken, SecretDigest, UserCode},
};

use super::{
    AddGrant, AuthorizationStore, ClientSource, GrantId, IssuedToken, NewGrant,
    database::{Lock, Made, Row, change},
    issuing::{self, IfThere},
    tokens::{self, By},
};
use crate::{
    DirectoryError,
    error::QueryError,
    sql::{
        connection::{Columns, Statement},
        rows,
    },
};

/// How many device codes of all clients together may wait for their users.
const MAX_PENDING: i64 = 10_000;

/// The columns of a device authorization.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT digest, user_code, client_id, client_name, resource, scopes, created_at, \
             expires_at, state, poll_interval, polled_at, grant_id FROM devices WHERE ",
            $rest
        )
    };
}

const INSERT: &str = "INSERT INTO devices (digest, user_code, client_id, client_name, resource, \
     scopes, created_at, expires_at, state, poll_interval) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9 WHERE \
     (SELECT count(*) FROM devices WHERE client_id = $3 AND state = 'pending' AND expires_at > $7) \
     < $10 AND (SELECT count(*) FROM devices WHERE state = 'pending' AND expires_at > $7) < $11 \
     ON CONFLICT (user_code) DO NOTHING";
const BY_USER_CODE: &str = select!("user_code = $1 AND state = 'pending' AND expires_at > $2");
const BY_DIGEST: &str = select!("digest = $1");
const APPROVE: &str = "UPDATE devices SET state = 'approved', grant_id = $2 WHERE digest = $1 \
     AND state = 'pending' AND expires_at > $3 AND client_id = $4 AND resource = $5";
const DENY: &str = "UPDATE devices SET state = 'denied' WHERE digest = $1 AND state = 'pending'";
const POLL: &str = "UPDATE devices SET poll_interval = $2, polled_at = $3 \
     WHERE digest = $1 AND state = 'pending'";
const EXCHANGE: &str = "UPDATE devices SET state = 'used' \
     WHERE digest = $1 AND state = 'approved' AND expires_at > $2";

/// A device authorization that a client asks for.
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    /// The digest of the device code.
    pub digest: SecretDigest,
    /// What the user types.
    pub user_code: UserCode,
    /// The client.
    pub client_id: ClientId,
    /// How it calls itself.
    pub client_name: Option<String>,
    /// For which resource.
    pub resource: ResourceUri,
    /// The scopes that it asks for.
    pub scopes: ScopeSet,
    /// When it began.
    pub created_at: NumericDate,
    /// When it ends.
    pub expires_at: NumericDate,
}

/// A device authorization as it is stored.
#[derive(Debug, Clone)]
pub struct StoredDevice {
    /// What was asked for.
    pub request: DeviceRequest,
    /// What the user decided.
    pub state: DeviceState,
    /// How often the client polls.
    pub polling: Polling,
    /// The grant, once it was approved.
    pub grant: Option<GrantId>,
}

impl AuthorizationStore {
    /// Stores a device authorization; `false` if the user code is in use, or `max_pending` of this
    /// client, or 10,000 of all clients, are pending.
    pub async fn begin_device(
        &self,
        request: &DeviceRequest,
        max_pending: u64,
    ) -> Result<bool, DirectoryError> {
        let scopes = request.scopes.to_string();
        change!(self, Lock::Devices, change => {
            let insert = Statement::new(INSERT)
                .bind(request.digest.as_bytes())
                .bind(request.user_code.as_str())
                .bind(request.client_id.as_str())
                .bind(request.client_name.as_deref())
                .bind(request.resource.as_str())
                .bind(scopes.as_str())
                .bind(request.created_at.as_secs())
                .bind(request.expires_at.as_secs())
                .bind(seconds(Polling::default().interval()))
                .bind(i64::try_from(max_pending).unwrap_or(i64::MAX))
                .bind(MAX_PENDING);
            Ok(Made::Keep(change.execute(insert).await? > 0))
        })
    }

    /// The device authorization that waits for this user code, if it has not ended.
    pub async fn device_by_user_code(
        &self,
        user_code: &UserCode,
        now: NumericDate,
    ) -> Result<Option<StoredDevice>, DirectoryError> {
        let find = Statement::new(BY_USER_CODE).bind(user_code.as_str()).bind(now.as_secs());
        self.row(find, read).await
    }

    /// The device authorization with this device code.
    pub async fn device(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<StoredDevice>, DirectoryError> {
        self.row(Statement::new(BY_DIGEST).bind(digest.as_bytes()), read).await
    }

    /// Decides a pending device authorization: with the grant that the user gives, or `None` for
    /// no, and from where its client is known. `false` if it is not pending any more, has ended
    /// when the grant is given, is not for its client and resource, the client was removed, or the
    /// user is gone or disabled.
    pub async fn decide_device(
        &self,
        digest: &SecretDigest,
        grant: Option<(&NewGrant, ClientSource)>,
    ) -> Result<bool, DirectoryError> {
        let Some((grant, source)) = grant else {
            let deny = Statement::new(DENY).bind(digest.as_bytes());
            return Ok(self.write(deny).await? > 0);
        };
        self.make_room_for_grant(grant).await?;
        change!(self, Lock::Rows, change => {
            if issuing::insert(change, grant, source, IfThere::Fail).await? != AddGrant::Added {
                return Ok(Made::Undo(false));
            }
            let approve = Statement::new(APPROVE)
                .bind(digest.as_bytes())
                .bind(grant.id.as_str())
                .bind(grant.created_at.as_secs())
                .bind(grant.client_id.as_str())
                .bind(grant.resource.as_str());
            let is_approved = change.execute(approve).await? > 0;
            Ok(if is_approved { Made::Keep(true) } else { Made::Undo(false) })
        })
    }

    /// Notes a poll.
    pub async fn note_poll(
        &self,
        digest: &SecretDigest,
        polling: &Polling,
    ) -> Result<(), DirectoryError> {
        let poll = Statement::new(POLL)
            .bind(digest.as_bytes())
            .bind(seconds(polling.interval()))
            .bind(polling.polled_at().map(NumericDate::as_secs));
        self.note(poll, |_| Ok(())).await.map(drop)
    }

    /// Marks an approved device code as exchanged and notes its tokens; `false` if it was exchanged
    /// already, it or its grant has ended, or its user is disabled.
    pub async fn exchange_device(
        &self,
        digest: &SecretDigest,
        access: &IssuedToken,
        refresh: Option<&RefreshToken>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        change!(self, Lock::Rows, change => {
            let grant = tokens::take(change, By::Device(digest), refresh.is_some(), now).await?;
            let Some(grant) = grant else { return Ok(Made::Undo(false)) };
            let exchange = Statement::new(EXCHANGE).bind(digest.as_bytes()).bind(now.as_secs());
            if change.execute(exchange).await? == 0 {
                return Ok(Made::Undo(false));
            }
            tokens::insert(change, &grant, access, refresh).await?;
            Ok(Made::Keep(true))
        })
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn read(row: &Row) -> Result<StoredDevice, QueryError> {
    let state: String = row.get("state")?;
    let state = match state.as_str() {
        "pending" => Ok(DeviceState::Pending),
        "approved" => Ok(DeviceState::Approved),
        "denied" => Ok(DeviceState::Denied),
        "used" => Ok(DeviceState::Used),
        _ => Err("not a state of a device authorization"),
    };
    let interval = Duration::from_secs(row.count("poll_interval")?);
    Ok(StoredDevice {
        request: DeviceRequest {
            digest: row.digest("digest")?,
            user_code: row.parsed("user_code")?,
            client_id: row.parsed("client_id")?,
            client_name: row.text("client_name")?,
            resource: row.parsed("resource")?,
            scopes: row.parsed("scopes")?,
            created_at: row.date("created_at")?,
            expires_at: row.date("expires_at")?,
        },
        state: rows::read("state", state)?,
        polling: Polling::restore(interval, row.date_if_any("polled_at")?),
        grant: row.parsed_if_any("grant_id")?,
    })
}
