//! What users have consented to before: it makes the next consent one click, never none.

use auth_core::{ClientId, NumericDate, ResourceUri, ScopeSet};

use super::AuthorizationStore;
use super::pending;
use crate::{DirectoryError, UserName};

impl AuthorizationStore {
    /// The scopes that a user consented to for a client at a resource; none if never.
    pub async fn consented(
        &self,
        user: &UserName,
        client_id: &ClientId,
        resource: &ResourceUri,
    ) -> Result<ScopeSet, DirectoryError> {
        Err(pending())
    }

    /// Remembers a consent in place of the one before.
    pub async fn remember_consent(
        &self,
        user: &UserName,
        client_id: &ClientId,
        resource: &ResourceUri,
        scopes: &ScopeSet,
        now: NumericDate,
    ) -> Result<(), DirectoryError> {
        Err(pending())
    }

    /// Forgets what a user consented to for a client.
    pub async fn forget_consents(
        &self,
        user: &UserName,
        client_id: &ClientId,
    ) -> Result<(), DirectoryError> {
        Err(pending())
    }
}
