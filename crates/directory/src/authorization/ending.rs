//! Ending grants: their access tokens are revoked in the same change.
//!
//! The grant is marked first. A change that issues a token of it at the same time has written its
//! row before, and is waited for; or it waits for the mark, and issues nothing.

use auth_core::{ClientId, Leeway, NumericDate};

use super::{
    AuthorizationStore, EndedGrants, GrantFilter, GrantId, NewGrant,
    database::{Change, Lock, Made, change, named},
};
use crate::{DirectoryError, UserName, error::QueryError, sql::connection::Statement};

/// How many grants of a user there are at most that have not ended.
const MAX_PER_USER: i64 = 500;

/// Marks grants at $1, and revokes those of their tokens that end after $2.
macro_rules! ending {
    ($which:literal) => {
        [
            concat!("UPDATE grants SET ended_at = $1 WHERE ended_at IS NULL AND ", $which),
            concat!(
                "INSERT INTO revoked_tokens (issuer, token_id, revoked_at, expires_at) \
                 SELECT issuer, token_id, $1, expires_at FROM access_tokens \
                 JOIN grants ON grants.id = grant_id \
                 WHERE ended_at IS NOT NULL AND expires_at > $2 AND ",
                $which,
                " ON CONFLICT (issuer, token_id) DO NOTHING"
            ),
        ]
    };
}

/// None if grant $4 has not ended: it takes no more room.
const OLDEST: &str = "SELECT id FROM grants WHERE issuer = $1 AND subject = $2 \
     AND ended_at IS NULL \
     AND NOT EXISTS (SELECT 1 FROM grants WHERE id = $4 AND ended_at IS NULL) \
     ORDER BY last_used_at DESC, id LIMIT 1 OFFSET $3";
/// Which grants end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which<'a> {
    Id(&'a GrantId),
    User(&'a UserName),
    Client(&'a ClientId),
    Both(&'a UserName, &'a ClientId),
}

impl AuthorizationStore {
    /// Ends a grant and revokes its access tokens, for our issuer's name `user.issuer`.
    pub async fn end_grant(
        &self,
        id: &GrantId,
        now: NumericDate,
    ) -> Result<EndedGrants, DirectoryError> {
        self.end(Which::Id(id), now).await
    }

    /// Ends all grants that the filter names: of a user, of a client, or of both. A filter that
    /// names neither ends none.
    pub async fn end_grants(
        &self,
        filter: &GrantFilter,
        now: NumericDate,
    ) -> Result<EndedGrants, DirectoryError> {
        let which = match (&filter.user, &filter.client_id) {
            (None, None) => return Ok(EndedGrants::default()),
            (Some(user), None) => Which::User(user),
            (None, Some(client)) => Which::Client(client),
            (Some(user), Some(client)) => Which::Both(user, client),
        };
        self.end(which, now).await
    }

    /// Ends the grant of a user that was not used for longest, if `grant` is one more and would be
    /// too many; which one ended. What adds a grant does it, too: who wants to know calls it first.
    pub async fn make_room_for_grant(
        &self,
        grant: &NewGrant,
    ) -> Result<Option<GrantId>, DirectoryError> {
        let oldest = named(Statement::new(OLDEST), &grant.user)
            .bind(MAX_PER_USER - 1)
            .bind(grant.id.as_str());
        let Some(id) = self.row(oldest, |row| row.parsed("id")).await? else { return Ok(None) };
        let ended = self.end(Which::Id(&id), grant.created_at).await?;
        // Another change may have ended it.
        Ok((ended.grants > 0).then_some(id))
    }

    async fn end(&self, which: Which<'_>, now: NumericDate) -> Result<EndedGrants, DirectoryError> {
        change!(self, Lock::Feed, change => Ok(Made::Keep(end(change, which, now).await?)))
    }
}

/// Ends grants and revokes their tokens, within a change that has the lock of the feed.
pub(super) async fn end(
    change: &mut Change,
    which: Which<'_>,
    now: NumericDate,
) -> Result<EndedGrants, QueryError> {
    let texts = match which {
        Which::Id(_) => ending!("grants.id = $3"),
        Which::User(_) => ending!("issuer = $3 AND subject = $4"),
        Which::Client(_) => ending!("client_id = $3"),
        Which::Both(..) => ending!("issuer = $3 AND subject = $4 AND client_id = $5"),
    };
    // A token is accepted for the leeway after its end.
    let valid_until = now.as_secs().saturating_sub_unsigned(Leeway::MAX.as_secs());
    let mut counts = [0; 2];
    for (text, count) in texts.into_iter().zip(&mut counts) {
        let begun = Statement::new(text).bind(now.as_secs()).bind(valid_until);
        let statement = match which {
            Which::Id(id) => begun.bind(id.as_str()),
            Which::Client(client) => begun.bind(client.as_str()),
            Which::User(user) => named(begun, user),
            Which::Both(user, client) => named(begun, user).bind(client.as_str()),
        };
        *count = change.execute(statement).await?;
    }
    let [grants, tokens] = counts;
    Ok(EndedGrants { grants, tokens })
}
