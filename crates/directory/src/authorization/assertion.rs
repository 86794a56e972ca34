//! Assertions that were used (RFC 7523 §3): each `jti` of an issuer once, on whichever node.

use auth_core::oauth::SingleUse;

use super::AuthorizationStore;
use super::pending;
use crate::DirectoryError;

impl AuthorizationStore {
    /// Uses an assertion of `issuer` (its `iss`); `false` if it was used before. It is remembered
    /// until it expires.
    pub async fn use_assertion(
        &self,
        issuer: &str,
        assertion: &SingleUse,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }
}
