//! What users have consented to before: it makes the next consent one click, never none.

use auth_core::{ClientId, NumericDate, ResourceUri, ScopeSet, oauth::RedirectUri};

use super::{
    AuthorizationStore,
    client::{self, ClientSource},
    database::{Lock, Made, Row, change, named},
};
use crate::{DirectoryError, UserName, error::QueryError, sql::connection::Statement};

/// How many consents of a user are remembered; the oldest is forgotten first.
const MAX_PER_USER: i64 = 500;

const FIND: &str = "SELECT scopes, declined FROM consents \
     WHERE issuer = $1 AND subject = $2 AND client_id = $3 AND resource = $4";
const REMEMBER: &str = "INSERT INTO consents (issuer, subject, client_id, resource, scopes, \
     declined, consented_at) SELECT issuer, subject, $3, $4, $5, $6, $7 FROM users \
     WHERE issuer = $1 AND subject = $2 ON CONFLICT (issuer, subject, client_id, resource) \
     DO UPDATE SET scopes = excluded.scopes, declined = excluded.declined, \
     consented_at = excluded.consented_at";
const TOO_MANY: &str = "DELETE FROM consents WHERE (issuer, subject, client_id, resource) IN \
     (SELECT issuer, subject, client_id, resource FROM consents \
     WHERE issuer = $1 AND subject = $2 ORDER BY consented_at DESC, client_id, resource \
     LIMIT 1000 OFFSET $3)";
/// The redirect URIs that codes of a user went to whose grants have not ended.
const REDIRECTS: &str = "SELECT DISTINCT redirect_uri FROM codes \
     JOIN grants ON grants.id = grant_id \
     WHERE issuer = $1 AND subject = $2 AND client_id = $3 AND resource = $4 AND ended_at IS NULL";
const FORGET: &str = "DELETE FROM consents WHERE issuer = $1 AND subject = $2 AND client_id = $3";

/// What a user has said to a client at a resource so far, about each scope that was offered.
///
/// No scope is both allowed and declined. The default is what is known of a user who was never
/// asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    allowed: ScopeSet,
    declined: ScopeSet,
}

impl Consent {
    /// What was allowed.
    #[must_use]
    pub fn allowed(&self) -> &ScopeSet {
        &self.allowed
    }

    /// What was offered, and left out.
    #[must_use]
    pub fn declined(&self) -> &ScopeSet {
        &self.declined
    }

    /// What is known after the user was offered `offered` and chose `chosen` of it: the last answer
    /// about a scope counts, and what was not offered stays as it was.
    #[must_use]
    pub fn after(&self, offered: &ScopeSet, chosen: &ScopeSet) -> Self {
        let without = |scopes: &ScopeSet, others: &ScopeSet| -> ScopeSet {
            scopes.iter().filter(|scope| !others.contains(scope)).cloned().collect()
        };
        Self {
            allowed: without(&self.allowed, offered).union(&offered.intersection(chosen)),
            declined: without(&self.declined, offered).union(&without(offered, chosen)),
        }
    }

    fn read(row: &Row) -> Result<Self, QueryError> {
        Ok(Self { allowed: row.parsed("scopes")?, declined: row.parsed("declined")? })
    }
}

impl AuthorizationStore {
    /// What a user has said to a client at a resource so far.
    pub async fn consented(
        &self,
        user: &UserName,
        client_id: &ClientId,
        resource: &ResourceUri,
    ) -> Result<Consent, DirectoryError> {
        let find = named(Statement::new(FIND), user).bind(client_id.as_str());
        let found = self.row(find.bind(resource.as_str()), Consent::read).await?;
        Ok(found.unwrap_or_default())
    }

    /// Where a client was sent back to when a user allowed it at a resource, as far as those grants
    /// have not ended.
    pub async fn consented_redirects(
        &self,
        user: &UserName,
        client_id: &ClientId,
        resource: &ResourceUri,
    ) -> Result<Vec<RedirectUri>, DirectoryError> {
        let find = named(Statement::new(REDIRECTS), user).bind(client_id.as_str());
        self.rows(find.bind(resource.as_str()), |row| row.parsed("redirect_uri")).await
    }

    /// Remembers a consent in place of the one before. Of a user, 500 are remembered. Nothing is
    /// remembered of a client that was removed: one that is added by the same id is another one.
    pub async fn remember_consent(
        &self,
        user: &UserName,
        (client_id, source): (&ClientId, ClientSource),
        resource: &ResourceUri,
        consent: &Consent,
        now: NumericDate,
    ) -> Result<(), DirectoryError> {
        let (scopes, declined) = (consent.allowed.to_string(), consent.declined.to_string());
        change!(self, Lock::Rows, change => {
            if !client::hold(change, client_id, source).await? {
                return Ok(Made::Undo(()));
            }
            let remember = named(Statement::new(REMEMBER), user)
                .bind(client_id.as_str())
                .bind(resource.as_str())
                .bind(scopes.as_str())
                .bind(declined.as_str())
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
