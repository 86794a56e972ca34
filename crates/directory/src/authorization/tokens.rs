//! Tokens of a grant, within a change.
//!
//! The grant's row is written first, and only if the grant has not ended: so a change that
//! ends it at the same time waits, and finds the new token.

use auth_core::{
    NumericDate,
    oauth::{RefreshFamily, RefreshToken, SecretDigest},
};

use super::{
    GrantId, IssuedToken,
    database::{Change, Row},
};
use crate::{error::QueryError, sql::connection::Statement};

/// How many refresh tokens of a grant are known again. An older one is unknown, and refused.
const MAX_GENERATIONS: i64 = 10_000;

/// How often older ones are forgotten, in generations.
const FORGET_EVERY: i64 = 100;

/// That a grant may be used: it has not ended, and its user may act.
macro_rules! usable {
    () => {
        " AND ended_at IS NULL AND EXISTS (SELECT 1 FROM users WHERE users.issuer = grants.issuer \
         AND users.subject = grants.subject AND users.status = 'active')"
    };
}

/// Uses a grant at $2 that has no refresh token yet if it gets one ($3 = 0).
macro_rules! take {
    ($which:literal) => {
        concat!(
            "UPDATE grants SET last_used_at = $2, generation = COALESCE($3, generation), \
             rotated_at = CASE WHEN $3 IS NULL THEN rotated_at ELSE $2 END WHERE id = ",
            $which,
            " AND ($3 IS NULL OR generation IS NULL)",
            usable!(),
            " RETURNING id"
        )
    };
}

const TAKE: &str = take!("$1");
const TAKE_FOR_CODE: &str = take!("(SELECT grant_id FROM codes WHERE digest = $1)");
const TAKE_FOR_DEVICE: &str = take!("(SELECT grant_id FROM devices WHERE digest = $1)");
const ADVANCE: &str = concat!(
    "UPDATE grants SET generation = $4, rotated_at = $5, salt = COALESCE($6, salt), \
     last_used_at = CASE WHEN last_used_at < $5 THEN $5 ELSE last_used_at END \
     WHERE id = $1 AND generation = $2 AND rotated_at = $3",
    usable!()
);
const INSERT_ACCESS: &str =
    "INSERT INTO access_tokens (token_id, grant_id, expires_at) VALUES ($1, $2, $3)";
const INSERT_REFRESH: &str =
    "INSERT INTO refresh_tokens (digest, grant_id, generation) VALUES ($1, $2, $3)";
const FORGET_REFRESH: &str = "DELETE FROM refresh_tokens WHERE grant_id = $1 AND generation <= $2";

/// Whose grant is used.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    Id(&'a GrantId),
    Code(&'a SecretDigest),
    Device(&'a SecretDigest),
}

/// Uses a grant, and begins its family of refresh tokens if it `gets_refresh`; `None` if it may not
/// be used.
pub(super) async fn take(
    change: &mut Change,
    by: By<'_>,
    gets_refresh: bool,
    now: NumericDate,
) -> Result<Option<GrantId>, QueryError> {
    let statement = match by {
        By::Id(id) => Statement::new(TAKE).bind(id.as_str()),
        By::Code(digest) => Statement::new(TAKE_FOR_CODE).bind(digest.as_bytes()),
        By::Device(digest) => Statement::new(TAKE_FOR_DEVICE).bind(digest.as_bytes()),
    };
    let first = gets_refresh.then_some(0_i64);
    let taken = change.row(statement.bind(now.as_secs()).bind(first)).await?;
    taken.as_ref().map(|row: &Row| row.parsed("id")).transpose()
}

/// Notes tokens of a grant that was taken.
pub(super) async fn insert(
    change: &mut Change,
    grant: &GrantId,
    access: &IssuedToken,
    first_refresh: Option<&RefreshToken>,
) -> Result<(), QueryError> {
    insert_access(change, grant, access).await?;
    if let Some(token) = first_refresh {
        insert_refresh(change, grant, &token.digest(), 0).await?;
    }
    Ok(())
}

/// What a use of a refresh token changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Advance<'a> {
    pub(super) before: &'a RefreshFamily,
    pub(super) after: &'a RefreshFamily,
    pub(super) rotated: Option<(&'a SecretDigest, &'a [u8; 32])>,
}

/// Writes the family as it is after a use; `false` if it is not as it was before any more.
pub(super) async fn advance(
    change: &mut Change,
    grant: &GrantId,
    advance: Advance<'_>,
    access: &IssuedToken,
) -> Result<bool, QueryError> {
    let generation = number(advance.after);
    let statement = Statement::new(ADVANCE)
        .bind(grant.as_str())
        .bind(number(advance.before))
        .bind(advance.before.issued_at().as_secs())
        .bind(generation)
        .bind(advance.after.issued_at().as_secs())
        .bind(advance.rotated.map(|(_, salt)| salt));
    if change.execute(statement).await? == 0 {
        return Ok(false);
    }
    if let Some((digest, _)) = advance.rotated {
        insert_refresh(change, grant, digest, generation).await?;
        if generation % FORGET_EVERY == 0 {
            let old = generation - MAX_GENERATIONS;
            let forget = Statement::new(FORGET_REFRESH).bind(grant.as_str()).bind(old);
            change.execute(forget).await?;
        }
    }
    insert_access(change, grant, access).await?;
    Ok(true)
}

async fn insert_access(
    change: &mut Change,
    grant: &GrantId,
    access: &IssuedToken,
) -> Result<(), QueryError> {
    let insert = Statement::new(INSERT_ACCESS)
        .bind(access.token_id.as_str())
        .bind(grant.as_str())
        .bind(access.expires_at.as_secs());
    change.execute(insert).await?;
    Ok(())
}

async fn insert_refresh(
    change: &mut Change,
    grant: &GrantId,
    digest: &SecretDigest,
    generation: i64,
) -> Result<(), QueryError> {
    let insert = Statement::new(INSERT_REFRESH)
        .bind(digest.as_bytes())
        .bind(grant.as_str())
        .bind(generation);
    change.execute(insert).await?;
    Ok(())
}

fn number(family: &RefreshFamily) -> i64 {
    i64::try_from(family.generation()).unwrap_or(i64::MAX)
}
