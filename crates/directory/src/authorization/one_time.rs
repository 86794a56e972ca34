//! One-time codes and links with which a user signs in.

use auth_core::{NumericDate, oauth::SecretDigest};

use super::AuthorizationStore;
use super::pending;
use crate::{DirectoryError, UserName};

/// How the secret reaches the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneTimeKind {
    /// A code that is typed, together with the user's name.
    Code,
    /// A link that names nobody.
    Link,
}

impl AuthorizationStore {
    /// Stores a one-time secret of a user. A new code takes the place of the user's code before.
    /// `false` if there is no such user.
    pub async fn add_one_time(
        &self,
        user: &UserName,
        kind: OneTimeKind,
        digest: &SecretDigest,
        expires_at: NumericDate,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Uses a code of a user; `false` if there is none with this digest that has not ended.
    pub async fn use_code(
        &self,
        user: &UserName,
        digest: &SecretDigest,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Uses a link; the user whose it was.
    pub async fn use_link(
        &self,
        digest: &SecretDigest,
        now: NumericDate,
    ) -> Result<Option<UserName>, DirectoryError> {
        Err(pending())
    }
}
