//! Passwords and second factors.

use auth_core::NumericDate;
use auth_core::oauth::SecretDigest;
use secrecy::SecretString;

use super::AuthorizationStore;
use super::pending;
use crate::{DirectoryError, UserName};

/// The second factor of a user: time-based codes (RFC 6238).
#[derive(Debug, Clone)]
pub struct SecondFactor {
    /// The key, in base32.
    pub secret: SecretString,
    /// Whether the user has shown a code, so that it is asked for.
    pub is_confirmed: bool,
    /// The last time step whose code was used; no code of this step or before is accepted again.
    pub last_step: i64,
}

impl AuthorizationStore {
    /// The Argon2id hash of a user's password (PHC string); `None` if there is no password.
    pub async fn password(&self, user: &UserName) -> Result<Option<SecretString>, DirectoryError> {
        Err(pending())
    }

    /// Sets the hash of a password; `None` removes it. `false` if there is no such user.
    pub async fn set_password(
        &self,
        user: &UserName,
        hash: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// The second factor of a user.
    pub async fn second_factor(
        &self,
        user: &UserName,
    ) -> Result<Option<SecondFactor>, DirectoryError> {
        Err(pending())
    }

    /// Begins a second factor that is not confirmed yet, in place of one that was not. `false` if
    /// there is a confirmed one, or no such user.
    pub async fn begin_second_factor(
        &self,
        user: &UserName,
        secret: &SecretString,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Confirms it with the step of the first code, and stores the digests of recovery codes.
    pub async fn confirm_second_factor(
        &self,
        user: &UserName,
        step: i64,
        recovery: &[SecretDigest],
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Uses the code of a time step; `false` if this step, or a later one, was used.
    pub async fn use_step(&self, user: &UserName, step: i64) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Uses a recovery code; `false` if there is none with this digest.
    pub async fn use_recovery_code(
        &self,
        user: &UserName,
        digest: &SecretDigest,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Removes the second factor and its recovery codes; `false` if there was none.
    pub async fn remove_second_factor(&self, user: &UserName) -> Result<bool, DirectoryError> {
        Err(pending())
    }
}
