//! Authorization codes.

use auth_core::{
    NumericDate,
    oauth::{RefreshToken, SecretDigest, StoredCode},
};

use super::pending;
use super::{AuthorizationStore, GrantId, IssuedToken, NewGrant};
use crate::DirectoryError;

/// A code as it is stored, and the grant that it is for.
#[derive(Debug, Clone)]
pub struct IssuedCode {
    /// The code.
    pub code: StoredCode,
    /// The grant.
    pub grant: GrantId,
}

impl AuthorizationStore {
    /// Stores a grant and the code for it, in one change; `false` if the user is gone or disabled.
    pub async fn issue_code(
        &self,
        grant: &NewGrant,
        digest: &SecretDigest,
        code: &StoredCode,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// The code with this digest.
    pub async fn find_code(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<IssuedCode>, DirectoryError> {
        Err(pending())
    }

    /// Marks a code as exchanged and notes its tokens, in one change; `false`, and nothing is
    /// written, if it was exchanged already, its grant has ended, or its user is disabled.
    pub async fn exchange_code(
        &self,
        digest: &SecretDigest,
        access: &IssuedToken,
        refresh: Option<&RefreshToken>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }
}
