//! Device codes (RFC 8628).

use auth_core::{
    ClientId, NumericDate, ResourceUri, ScopeSet,
    oauth::{DeviceState, Polling, RefreshToken, SecretDigest, UserCode},
};

use super::pending;
use super::{AuthorizationStore, GrantId, IssuedToken, NewGrant};
use crate::DirectoryError;

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
    /// client are pending.
    pub async fn begin_device(
        &self,
        request: &DeviceRequest,
        max_pending: u64,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// The device authorization that waits for this user code, if it has not ended.
    pub async fn device_by_user_code(
        &self,
        user_code: &UserCode,
        now: NumericDate,
    ) -> Result<Option<StoredDevice>, DirectoryError> {
        Err(pending())
    }

    /// The device authorization with this device code.
    pub async fn device(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<StoredDevice>, DirectoryError> {
        Err(pending())
    }

    /// Decides a pending device authorization: with the grant that the user gives, or `None` for
    /// no. `false` if it is not pending any more.
    pub async fn decide_device(
        &self,
        digest: &SecretDigest,
        grant: Option<&NewGrant>,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Notes a poll.
    pub async fn note_poll(
        &self,
        digest: &SecretDigest,
        polling: &Polling,
    ) -> Result<(), DirectoryError> {
        Err(pending())
    }

    /// Marks an approved device code as exchanged and notes its tokens; `false` if it was exchanged
    /// already, its grant has ended, or its user is disabled.
    pub async fn exchange_device(
        &self,
        digest: &SecretDigest,
        access: &IssuedToken,
        refresh: Option<&RefreshToken>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }
}
