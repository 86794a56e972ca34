//! What users have consented to before: it makes the next consent one click, never none.

use auth_core::{ClientId, NumericDate, ResourceUri, ScopeSet};

use super::{
    AuthorizationStore,
    database::{Lock, Made, change, named},
};
use crate::{DirectoryError, UserName, sql::connection::Statement};

/// How many consents of a user are remembered; the oldest is forgotten first.
const MAX_PER_USER: i64 = 500;

const FIND: &str = "SELECT scopes FROM consents \
     WHERE issuer = $1 AND subject = $2 AND client_id = $3 AND resource = $4";
const REMEMBER: &str = "INSERT INTO consents (issuer, subject, client_id, resource, scopes, \
     consented_at) SELECT issuer, subject, $3, $4, $5, $6 FROM users \
     WHERE issuer = $1 AND subject = $2 ON CONFLICT (issuer, subject, client_id, resource) \
     DO UPDATE SET scopes = excluded.scopes, consented_at = excluded.consented_at";
const TOO_MANY: &str = "DELETE FROM consents WHERE (issuer, subject, client_id, resource) IN \
     (SELECT issuer, subject, client_id, resource FROM consents \
     WHERE issuer = $1 AND subject = $2 ORDER BY consented_at DESC, client_id, resource \
     LIMIT 1000 OFFSET $3)";
const FORGET: &str = "DELETE FROM consents WHERE issuer = $1 AND subject = $2 AND client_id = $3";

impl AuthorizationStore {
    /// The scopes that a user consented to for a client at a resource; none if never.
    pub async fn consented(
        &self,
        user: &UserName,
        client_id: &ClientId,
        resource: &ResourceUri,
    ) -> Result<ScopeSet, DirectoryError> {
        let find = named(Statement::new(FIND), user).bind(client_id.as_str());
        let found = self.row(find.bind(resource.as_str()), |row| row.parsed("scopes")).await?;
        Ok(found.unwrap_or_default())
    }

    /// Remembers a consent in place of the one before. Of a user, 500 are remembered.
    pub async fn remember_consent(
        &self,
        user: &UserName,
        client_id: &ClientId,
        resource: &ResourceUri,
        scopes: &ScopeSet,
        now: NumericDate,
    ) -> Result<(), DirectoryError> {
        let scopes = scopes.to_string();
        change!(self, Lock::Rows, change => {
            let remember = named(Statement::new(REMEMBER), user)
                .bind(client_id.as_str())
                .bind(resource.as_str())
                .bind(scopes.as_str())
                .bind(now.as_secs());
            change.execute(remember).await?;
            let fewer = named(Statement::new(TOO_MANY), user).bind(MAX_PER_USER);
            change.execute(fewer).await?;
            Ok(Made::Keep(()))
        })
    }

    /// Forgets what a user consented to for a client.
    pub async fn forget_consents(
        &self,
        user: &UserName,
        client_id: &ClientId,
    ) -> Result<(), DirectoryError> {
        let forget = named(Statement::new(FORGET), user).bind(client_id.as_str());
        self.write(forget).await.map(drop)
    }
}
