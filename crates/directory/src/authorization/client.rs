//! Clients that registered themselves (RFC 7591) or that an operator added. A client with a
//! metadata document is not stored.

use std::time::Duration;

use auth_core::{
    ClientId, NumericDate,
    oauth::{ClientMetadata, SecretDigest},
};

use super::AuthorizationStore;
use super::pending;
use crate::DirectoryError;

/// Who added a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// It registered itself, and expires by disuse.
    Registered,
    /// An operator added it. It stays until it is removed.
    Operator,
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
    /// When.
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

impl AuthorizationStore {
    /// Adds a client. Of those that registered themselves there are at most `max_registered`.
    pub async fn add_client(
        &self,
        client: &StoredClient,
        max_registered: u64,
    ) -> Result<AddClient, DirectoryError> {
        Err(pending())
    }

    /// The client with this id.
    pub async fn client(&self, id: &ClientId) -> Result<Option<StoredClient>, DirectoryError> {
        Err(pending())
    }

    /// All clients, by id; those that an operator added alone if `operator_only`.
    pub async fn clients(&self, operator_only: bool) -> Result<Vec<StoredClient>, DirectoryError> {
        Err(pending())
    }

    /// Removes a client, ends its grants and revokes their tokens; `None` if there was none.
    pub async fn remove_client(
        &self,
        id: &ClientId,
        now: NumericDate,
    ) -> Result<Option<super::EndedGrants>, DirectoryError> {
        Err(pending())
    }

    /// Notes that a client got a token. A client without a row (a metadata document) is passed over.
    pub async fn touch_client(
        &self,
        id: &ClientId,
        now: NumericDate,
    ) -> Result<(), DirectoryError> {
        Err(pending())
    }

    /// Removes clients that registered themselves and were never used for `unused`, or not for
    /// `idle`.
    pub async fn prune_clients(
        &self,
        now: NumericDate,
        unused: Duration,
        idle: Duration,
    ) -> Result<u64, DirectoryError> {
        Err(pending())
    }
}
