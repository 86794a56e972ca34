//! The questions, in one text for every database: each includes this file for its own
//! [`Connection`].

use std::sync::Arc;

use auth_core::{Issuer, NumericDate, Subject, TokenId};
use futures_util::TryStreamExt;
use sqlx::{query, query_as, query_scalar};

use super::{
    Connection, Fault,
    rows::{RecordRow, TokenRow, UserRow, Users, read, select_users},
};
use crate::{Loaded, News, Record, RevokedToken, User, UserName};

/// With more changes than this at once, all is read again.
const MAX_NEWS: i64 = 10_000;

/// How many numbers of changes are kept for those who have not read them.
const MAX_FEED: i64 = 100_000;

/// How long after its end a revoked token is remembered, in seconds: longer than any leeway.
const AFTERLIFE: i64 = 3600;

const IS_REVOKED: &str =
    "SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE issuer = $1 AND token_id = $2)";
const REVOKED: &str =
    "SELECT issuer, token_id, expires_at FROM revoked_tokens ORDER BY issuer, token_id";
const RECORD: &str = "SELECT at, who, what, issuer, subject, token_id, detail FROM changes \
     ORDER BY id DESC LIMIT $1";
const COUNTS: &str = "SELECT (SELECT count(*) FROM (SELECT 1 FROM users LIMIT $1) AS u), \
     (SELECT count(*) FROM (SELECT 1 FROM revoked_tokens LIMIT $1) AS t)";
// Two questions in one: SQLite looks up either end of an index, and reads all of it to find both.
pub(super) const BOUNDS: &str = "SELECT (SELECT min(seq) FROM feed), (SELECT max(seq) FROM feed)";
const FEED: &str = "SELECT DISTINCT issuer, subject, token_id FROM feed WHERE seq > $1 LIMIT $2";
const SEE: &str = "UPDATE users SET last_seen_at = $3 WHERE issuer = $1 AND subject = $2 \
     AND (last_seen_at IS NULL OR last_seen_at < $3)";
const FORGET_TOKENS: &str = "DELETE FROM revoked_tokens WHERE expires_at < $1";
const FORGET_FEED: &str = "DELETE FROM feed WHERE seq <= (SELECT max(seq) FROM feed) - $1";

pub(super) async fn find(
    connection: &mut Connection,
    issuer: &Issuer,
    subject: &Subject,
) -> Result<Option<User>, Fault> {
    let rows: Vec<UserRow> = query_as(select_users!("WHERE issuer = $1 AND subject = $2"))
        .bind(issuer.as_str())
        .bind(subject.as_str())
        .fetch_all(connection)
        .await?;
    let mut users = Users::default();
    for row in rows {
        users.push(row)?;
    }
    Ok(users.finish())
}

/// Gives every user to `each`, in order, without holding more than one of them.
pub(super) async fn users(
    connection: &mut Connection,
    mut each: impl FnMut(User) + Send,
) -> Result<(), Fault> {
    let mut rows = query_as(select_users!("ORDER BY issuer, subject")).fetch(connection);
    let mut users = Users::default();
    while let Some(row) = rows.try_next().await? {
        if let Some(user) = users.push(row)? {
            each(user);
        }
    }
    if let Some(user) = users.finish() {
        each(user);
    }
    Ok(())
}

/// Asks for nothing, of every table that an answer needs: `SELECT 1` would need none.
pub(super) async fn ping(connection: &mut Connection) -> Result<(), Fault> {
    query(select_users!("LIMIT 1")).fetch_optional(&mut *connection).await?;
    query("SELECT 1 FROM revoked_tokens LIMIT 1").fetch_optional(connection).await?;
    Ok(())
}

pub(super) async fn is_revoked(
    connection: &mut Connection,
    issuer: &Issuer,
    token_id: &TokenId,
) -> Result<bool, Fault> {
    let revoked = query_scalar(IS_REVOKED).bind(issuer.as_str()).bind(token_id.as_str());
    Ok(revoked.fetch_one(connection).await?)
}

pub(super) async fn revoked_tokens(
    connection: &mut Connection,
) -> Result<Vec<RevokedToken>, Fault> {
    let rows: Vec<TokenRow> = query_as(REVOKED).fetch_all(connection).await?;
    Ok(rows.into_iter().map(TokenRow::into_token).collect::<Result<_, _>>()?)
}

pub(super) async fn record(connection: &mut Connection, limit: u32) -> Result<Vec<Record>, Fault> {
    let rows = query_as(RECORD).bind(i64::from(limit)).fetch_all(connection).await?;
    Ok(rows.into_iter().map(RecordRow::into_record).collect::<Result<_, _>>()?)
}

/// The number is read first: what changes while the rest is read is told again by the next news.
pub(super) async fn load(connection: &mut Connection, max: usize) -> Result<Loaded, Fault> {
    let (_, position): (Option<i64>, Option<i64>) =
        query_as(BOUNDS).fetch_one(&mut *connection).await?;
    let max = i64::try_from(max).unwrap_or(i64::MAX - 1);
    let (users, tokens): (i64, i64) =
        query_as(COUNTS).bind(max + 1).fetch_one(&mut *connection).await?;
    let mut all = Vec::new();
    if users <= max {
        self::users(&mut *connection, |user| all.push(Arc::new(user))).await?;
    }
    let revoked = if tokens <= max { Some(revoked_tokens(connection).await?) } else { None };
    Ok(Loaded { position: position.unwrap_or(0), users: (users <= max).then_some(all), revoked })
}

/// Here too, the number is read first.
pub(super) async fn news(connection: &mut Connection, since: i64) -> Result<Option<News>, Fault> {
    let (first, position): (Option<i64>, Option<i64>) =
        query_as(BOUNDS).fetch_one(&mut *connection).await?;
    let position = position.unwrap_or(0);
    let mut news = News { position, users: Vec::new(), tokens: Vec::new() };
    if position == since {
        return Ok(Some(news));
    }
    if position < since || first.is_some_and(|first| first > since + 1) {
        return Ok(None);
    }
    let changed: Vec<(String, Option<String>, Option<String>)> =
        query_as(FEED).bind(since).bind(MAX_NEWS + 1).fetch_all(&mut *connection).await?;
    if i64::try_from(changed.len()).is_ok_and(|length| length > MAX_NEWS) {
        return Ok(None);
    }
    for (issuer, subject, token_id) in changed {
        let issuer: Issuer = read("issuer", issuer.parse())?;
        if let Some(subject) = subject {
            let subject: Subject = read("subject", subject.parse())?;
            let user = find(connection, &issuer, &subject).await?;
            news.users.push((UserName { issuer, subject }, user.map(Arc::new)));
        } else if let Some(token_id) = token_id {
            let token_id: TokenId = read("token_id", token_id.parse())?;
            let is_revoked = is_revoked(connection, &issuer, &token_id).await?;
            news.tokens.push(((issuer, token_id), is_revoked));
        }
    }
    Ok(Some(news))
}

pub(super) async fn write_seen(
    connection: &mut Connection,
    seen: &[(UserName, NumericDate)],
) -> Result<(), Fault> {
    for (name, at) in seen {
        query(SEE)
            .bind(name.issuer.as_str())
            .bind(name.subject.as_str())
            .bind(at.as_secs())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn prune(connection: &mut Connection, now: NumericDate) -> Result<(), Fault> {
    query(FORGET_TOKENS).bind(now.as_secs() - AFTERLIFE).execute(&mut *connection).await?;
    query(FORGET_FEED).bind(MAX_FEED).execute(connection).await?;
    Ok(())
}
