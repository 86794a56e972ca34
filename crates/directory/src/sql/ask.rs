//! The questions, in one text for every database: each includes this file for its own
//! [`Connection`].

use std::sync::Arc;

use auth_core::{Issuer, NumericDate, Subject, TokenId};
use futures_util::TryStreamExt;

use super::{
    connection::{Columns, Connection, FromColumn, Statement},
    rows::{RecordRow, TokenRow, UserRow, Users, read, select_users},
};
use crate::{ChangeRecord, ChangeSet, Loaded, RevokedToken, User, UserName, error::QueryError};

/// With more changes than this at once, all is read again.
const MAX_CHANGES: i64 = 10_000;

/// How many numbers of changes are kept for those who have not read them.
const MAX_FEED: i64 = 100_000;

/// How long after its end a revoked token is remembered, in seconds: longer than any leeway.
const REVOCATION_GRACE: i64 = 3600;

const IS_REVOKED: &str =
    "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE issuer = $1 AND token_id = $2) AS found";
const REVOKED: &str =
    "SELECT issuer, token_id, expires_at FROM revoked_tokens ORDER BY issuer, token_id";
const RECORD: &str = "SELECT at, who, what, issuer, subject, token_id, detail FROM changes \
     ORDER BY id DESC LIMIT $1";
const RECORD_OF: &str = "SELECT at, who, what, issuer, subject, token_id, detail FROM changes \
     WHERE issuer = $1 AND subject = $2 ORDER BY id DESC LIMIT $3";
const COUNTS: &str = "SELECT (SELECT count(*) FROM (SELECT 1 FROM users LIMIT $1) AS u) AS users, \
     (SELECT count(*) FROM (SELECT 1 FROM revoked_tokens LIMIT $1) AS t) AS tokens";
// Two questions in one: SQLite looks up either end of an index, and reads all of it to find both.
pub(crate) const BOUNDS: &str =
    "SELECT (SELECT min(seq) FROM feed) AS oldest, (SELECT max(seq) FROM feed) AS newest";
const FEED: &str = "SELECT DISTINCT issuer, subject, token_id FROM feed WHERE seq > $1 LIMIT $2";
const UPDATE_LAST_SEEN: &str = "UPDATE users SET last_seen_at = $3 WHERE issuer = $1 AND subject = $2 \
     AND (last_seen_at IS NULL OR last_seen_at < $3)";
const FORGET_TOKENS: &str = "DELETE FROM revoked_tokens WHERE expires_at < $1";
const FORGET_FEED: &str = "DELETE FROM feed WHERE seq <= (SELECT max(seq) FROM feed) - $1";

pub(crate) async fn find(
    connection: &mut impl Connection,
    issuer: &Issuer,
    subject: &Subject,
) -> Result<Option<User>, QueryError> {
    let statement = Statement::new(select_users!("WHERE issuer = $1 AND subject = $2"))
        .bind(issuer.as_str())
        .bind(subject.as_str());
    let mut users = Users::default();
    for row in connection.fetch_all(statement).await? {
        users.push(UserRow::read(&row)?)?;
    }
    Ok(users.finish())
}

/// Gives every user to `each`, in order, without holding more than one of them.
pub(crate) async fn users(
    connection: &mut impl Connection,
    mut each: impl FnMut(User) + Send,
) -> Result<(), QueryError> {
    let mut rows = connection.fetch(select_users!("ORDER BY issuer, subject"));
    let mut users = Users::default();
    while let Some(row) = rows.try_next().await? {
        if let Some(user) = users.push(UserRow::read(&row)?)? {
            each(user);
        }
    }
    if let Some(user) = users.finish() {
        each(user);
    }
    Ok(())
}

/// Asks for nothing, of every table that an answer needs: `SELECT 1` would need none.
pub(crate) async fn ping(connection: &mut impl Connection) -> Result<(), QueryError> {
    connection.fetch_all(Statement::new(select_users!("LIMIT 1"))).await?;
    connection.fetch_all(Statement::new("SELECT 1 FROM revoked_tokens LIMIT 1")).await?;
    Ok(())
}

pub(crate) async fn is_revoked(
    connection: &mut impl Connection,
    issuer: &Issuer,
    token_id: &TokenId,
) -> Result<bool, QueryError> {
    let statement = Statement::new(IS_REVOKED).bind(issuer.as_str()).bind(token_id.as_str());
    Ok(connection.fetch_one(statement).await?.boolean("found")?)
}

pub(crate) async fn revoked_tokens(
    connection: &mut impl Connection,
) -> Result<Vec<RevokedToken>, QueryError> {
    let rows = connection.fetch_all(Statement::new(REVOKED)).await?;
    rows.iter().map(|row| Ok(TokenRow::read(row)?.into_token()?)).collect()
}

pub(crate) async fn record(
    connection: &mut impl Connection,
    limit: u32,
) -> Result<Vec<ChangeRecord>, QueryError> {
    let rows = connection.fetch_all(Statement::new(RECORD).bind(i64::from(limit))).await?;
    rows.iter().map(|row| Ok(RecordRow::read(row)?.into_record()?)).collect()
}

pub(crate) async fn record_of(
    connection: &mut impl Connection,
    user: &UserName,
    limit: u32,
) -> Result<Vec<ChangeRecord>, QueryError> {
    let statement = Statement::new(RECORD_OF)
        .bind(user.issuer.as_str())
        .bind(user.subject.as_str())
        .bind(i64::from(limit));
    let rows = connection.fetch_all(statement).await?;
    rows.iter().map(|row| Ok(RecordRow::read(row)?.into_record()?)).collect()
}

/// The number is read first: what changes while the rest is read is reported again by the next
/// [`changes_since`].
pub(crate) async fn load(
    connection: &mut impl Connection,
    max: usize,
) -> Result<Loaded, QueryError> {
    let position = connection.fetch_one(Statement::new(BOUNDS)).await?.integer("newest")?;
    let max = i64::try_from(max).unwrap_or(i64::MAX - 1);
    let counts = connection.fetch_one(Statement::new(COUNTS).bind(max + 1)).await?;
    let users = i64::from_column(&counts, "users")?;
    let tokens = i64::from_column(&counts, "tokens")?;
    let mut all = Vec::new();
    if users <= max {
        self::users(connection, |user| all.push(Arc::new(user))).await?;
    }
    let revoked = if tokens <= max { Some(revoked_tokens(connection).await?) } else { None };
    Ok(Loaded { position: position.unwrap_or(0), users: (users <= max).then_some(all), revoked })
}

/// Here too, the number is read first.
pub(crate) async fn changes_since(
    connection: &mut impl Connection,
    since: i64,
) -> Result<Option<ChangeSet>, QueryError> {
    let bounds = connection.fetch_one(Statement::new(BOUNDS)).await?;
    let first = bounds.integer("oldest")?;
    let position = bounds.integer("newest")?.unwrap_or(0);
    let mut changes = ChangeSet { position, users: Vec::new(), tokens: Vec::new() };
    if position == since {
        return Ok(Some(changes));
    }
    if position < since || first.is_some_and(|first| first > since + 1) {
        return Ok(None);
    }
    let rows = connection.fetch_all(Statement::new(FEED).bind(since).bind(MAX_CHANGES + 1)).await?;
    if i64::try_from(rows.len()).is_ok_and(|length| length > MAX_CHANGES) {
        return Ok(None);
    }
    for row in rows {
        let issuer: Issuer = read("issuer", String::from_column(&row, "issuer")?.parse())?;
        if let Some(subject) = row.text("subject")? {
            let subject: Subject = read("subject", subject.parse())?;
            let user = find(connection, &issuer, &subject).await?;
            changes.users.push((UserName { issuer, subject }, user.map(Arc::new)));
        } else if let Some(token_id) = row.text("token_id")? {
            let token_id: TokenId = read("token_id", token_id.parse())?;
            let is_revoked = is_revoked(connection, &issuer, &token_id).await?;
            changes.tokens.push(((issuer, token_id), is_revoked));
        }
    }
    Ok(Some(changes))
}

pub(crate) async fn write_last_seen(
    connection: &mut impl Connection,
    seen: &[(UserName, NumericDate)],
) -> Result<(), QueryError> {
    for (name, at) in seen {
        let statement = Statement::new(UPDATE_LAST_SEEN)
            .bind(name.issuer.as_str())
            .bind(name.subject.as_str())
            .bind(at.as_secs());
        connection.execute(statement).await?;
    }
    Ok(())
}

pub(crate) async fn prune(
    connection: &mut impl Connection,
    now: NumericDate,
) -> Result<(), QueryError> {
    connection
        .execute(Statement::new(FORGET_TOKENS).bind(now.as_secs() - REVOCATION_GRACE))
        .await?;
    connection.execute(Statement::new(FORGET_FEED).bind(MAX_FEED)).await?;
    Ok(())
}
