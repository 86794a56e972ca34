//! Assertions that were used (RFC 7523 §3): each `jti` of an issuer once, on whichever node.

use auth_core::oauth::SingleUse;

use super::AuthorizationStore;
use crate::{DirectoryError, sql::connection::Statement};

const USE: &str = "INSERT INTO used_assertions (issuer, token_id, expires_at) \
     VALUES ($1, $2, $3) ON CONFLICT (issuer, token_id) DO NOTHING";

impl AuthorizationStore {
    /// Uses an assertion of `issuer` (its `iss`); `false` if it was used before. It is remembered
    /// until it expires.
    pub async fn use_assertion(
        &self,
        issuer: &str,
        assertion: &SingleUse,
    ) -> Result<bool, DirectoryError> {
        let used = Statement::new(USE)
            .bind(issuer)
            .bind(assertion.id.as_str())
            .bind(assertion.until.as_secs());
        Ok(self.write(used).await? > 0)
    }
}
