//! Sessions of browsers: who is signed in at the authorization server.

use std::time::Duration;

use auth_core::{NumericDate, oauth::SecretDigest};

use super::AuthorizationStore;
use super::pending;
use crate::{DirectoryError, UserName};

/// A session that begins now.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The digest of the cookie's token.
    pub digest: SecretDigest,
    /// Its name in lists: random, no secret.
    pub id: String,
    /// Who is signed in.
    pub user: UserName,
    /// How: `password`, `code`, `link`, or the name of a provider; `+totp` after a second factor.
    pub method: String,
    /// What the browser calls itself, escaped and cut to 255 bytes.
    pub user_agent: String,
    /// When.
    pub created_at: NumericDate,
    /// When it ends at the latest.
    pub expires_at: NumericDate,
}

/// A session as it is stored.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    /// How it began.
    pub begun: NewSession,
    /// When it was last used, to the minute or so.
    pub last_used_at: NumericDate,
}

impl AuthorizationStore {
    /// Begins a session. A user has at most 100: one more ends the one that was not used for
    /// longest. `false` if the user is gone or disabled.
    pub async fn begin_browser_session(
        &self,
        session: &NewSession,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// The session of a cookie, which is used now; `None` if it has ended, was not used for
    /// `idle`, or its user is disabled.
    pub async fn use_browser_session(
        &self,
        digest: &SecretDigest,
        idle: Duration,
        now: NumericDate,
    ) -> Result<Option<BrowserSession>, DirectoryError> {
        Err(pending())
    }

    /// The sessions of a user that have not ended, the one used last first.
    pub async fn browser_sessions(
        &self,
        user: &UserName,
        now: NumericDate,
    ) -> Result<Vec<BrowserSession>, DirectoryError> {
        Err(pending())
    }

    /// Ends the session of a cookie.
    pub async fn end_browser_session(&self, digest: &SecretDigest) -> Result<(), DirectoryError> {
        Err(pending())
    }

    /// Ends sessions of a user: the one with this id, or all but the one with the digest `keep`.
    /// How many ended.
    pub async fn end_browser_sessions_of(
        &self,
        user: &UserName,
        id: Option<&str>,
        keep: Option<&SecretDigest>,
    ) -> Result<u64, DirectoryError> {
        Err(pending())
    }
}
