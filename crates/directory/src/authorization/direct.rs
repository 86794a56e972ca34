//! Grants that no user gives by a consent: of clients for themselves (RFC 6749 §4.4), and of other
//! issuers' assertions (RFC 7523 §2.1).
//!
//! Each token request is a decision of its own, so the grant exists to end tokens that were issued
//! and to be listed. Its id follows from what it is for ([`GrantId::from_random`] of a digest,
//! say), so that there is one, however many tokens are issued. A token request after it has ended
//! begins it again.

use super::{
    AuthorizationStore, IssuedToken, NewGrant,
    database::{Lock, Made, change},
    tokens,
};
use crate::{DirectoryError, sql::connection::Statement};

const UPSERT: &str = "INSERT INTO grants (id, issuer, subject, client_id, client_name, resource, \
     scopes, created_at, last_used_at) SELECT $1, issuer, subject, $4, $5, $6, $7, $8, $8 \
     FROM users WHERE issuer = $2 AND subject = $3 AND status = 'active' \
     ON CONFLICT (id) DO UPDATE SET client_name = EXCLUDED.client_name, \
     scopes = EXCLUDED.scopes, last_used_at = EXCLUDED.last_used_at, ended_at = NULL \
     WHERE grants.issuer = EXCLUDED.issuer AND grants.subject = EXCLUDED.subject \
     AND grants.client_id = EXCLUDED.client_id AND grants.resource = EXCLUDED.resource";

impl AuthorizationStore {
    /// Notes an access token of a grant that begins now, or goes on with these scopes, in one
    /// change; `false`, and nothing is written, if the user is gone or disabled, or the id is of
    /// another grant.
    ///
    /// A client that is removed at the same time may have its grant after this: the caller asks for
    /// the client again, and ends the grant if there is none.
    pub async fn issue_directly(
        &self,
        grant: &NewGrant,
        access: &IssuedToken,
    ) -> Result<bool, DirectoryError> {
        self.make_room_for_grant(&grant.user, grant.created_at).await?;
        let scopes = grant.scopes.to_string();
        change!(self, Lock::Rows, change => {
            let upsert = Statement::new(UPSERT)
                .bind(grant.id.as_str())
                .bind(grant.user.issuer.as_str())
                .bind(grant.user.subject.as_str())
                .bind(grant.client_id.as_str())
                .bind(grant.client_name.as_deref())
                .bind(grant.resource.as_str())
                .bind(scopes.as_str())
                .bind(grant.created_at.as_secs());
            if change.execute(upsert).await? == 0 {
                return Ok(Made::Undo(false));
            }
            tokens::insert(change, &grant.id, access, None).await?;
            Ok(Made::Keep(true))
        })
    }
}
