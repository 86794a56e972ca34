//! Grants that no user gives by a consent: of clients for themselves (RFC 6749 §4.4), and of other
//! issuers' assertions (RFC 7523 §2.1).
//!
//! Each token request is a decision of its own, so the grant exists to end tokens that were issued
//! and to be listed. Its id follows from what it is for ([`GrantId::from_random`] of a digest,
//! say), so that there is one, however many tokens are issued. A token request after it has ended
//! begins it again.

use super::{
    AddGrant, AuthorizationStore, ClientSource, IssuedToken, NewGrant,
    database::{Lock, Made, change},
    issuing::{self, IfThere},
    tokens,
};
use crate::DirectoryError;

impl AuthorizationStore {
    /// Notes an access token of a grant that begins now, or goes on with these scopes, in one
    /// change, or nothing. The client is known from `source`.
    pub async fn issue_directly(
        &self,
        grant: &NewGrant,
        source: ClientSource,
        access: &IssuedToken,
    ) -> Result<AddGrant, DirectoryError> {
        self.make_room_for_grant(grant).await?;
        change!(self, Lock::Rows, change => {
            let added = issuing::insert(change, grant, source, IfThere::GoOn).await?;
            if added != AddGrant::Added {
                return Ok(Made::Undo(added));
            }
            tokens::insert(change, &grant.id, access, None).await?;
            Ok(Made::Keep(added))
        })
    }
}
