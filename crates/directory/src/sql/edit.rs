//! What is changed, by callers that hold a transaction which keeps other writers out.

use auth_core::{NumericDate, RoleName};

use super::{
    ask,
    connection::{Columns, Connection, Statement},
};
use crate::{
    DirectoryError, Edit, EditOutcome, RevokedToken, Stamp, User, UserName, UserStatus,
    error::QueryError, user::LastSeen, valid_from_after, valid_from_after_removal,
};

const INSERT_USER: &str = "INSERT INTO users (issuer, subject, display_name, status, created_at, \
     valid_from, last_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (issuer, subject) DO NOTHING";
const UPDATE_USER: &str = "UPDATE users SET display_name = $3, status = $4, created_at = $5, \
     valid_from = $6 WHERE issuer = $1 AND subject = $2";
const DELETE_USER: &str = "DELETE FROM users WHERE issuer = $1 AND subject = $2";
const USER_EXISTS: &str =
    "SELECT EXISTS (SELECT 1 FROM users WHERE issuer = $1 AND subject = $2) AS found";
const REMOVED_AT: &str =
    "SELECT max(at) AS at FROM changes WHERE issuer = $1 AND subject = $2 AND what = 'remove'";
const UPDATE_STATUS: &str =
    "UPDATE users SET status = $3 WHERE issuer = $1 AND subject = $2 AND status <> $3";
const END_SESSIONS: &str = "DELETE FROM browser_sessions WHERE issuer = $1 AND subject = $2";
const UPDATE_VALID_FROM: &str = "UPDATE users SET valid_from = $3 \
     WHERE issuer = $1 AND subject = $2 AND (valid_from IS NULL OR valid_from < $3)";
const INSERT_ROLE: &str = "INSERT INTO user_roles (issuer, subject, role, expires_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, subject, role) \
     DO UPDATE SET expires_at = excluded.expires_at \
     WHERE user_roles.expires_at IS DISTINCT FROM excluded.expires_at";
const DELETE_ROLE: &str = "DELETE FROM user_roles WHERE issuer = $1 AND subject = $2 AND role = $3";
const DELETE_ROLES: &str = "DELETE FROM user_roles WHERE issuer = $1 AND subject = $2";
// What is known to last longer stays; no end is the longest.
const INSERT_REVOKED: &str = "INSERT INTO revoked_tokens (issuer, token_id, revoked_at, expires_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, token_id) \
     DO UPDATE SET expires_at = excluded.expires_at \
     WHERE revoked_tokens.expires_at < excluded.expires_at \
     OR (excluded.expires_at IS NULL AND revoked_tokens.expires_at IS NOT NULL)";
const INSERT_CHANGE: &str = "INSERT INTO changes (at, who, what, issuer, subject, token_id, detail) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Makes all of `edits`, and writes down what was done.
pub(crate) async fn apply(
    connection: &mut impl Connection,
    edits: Vec<Edit>,
    stamp: &Stamp,
) -> Result<Vec<EditOutcome>, QueryError> {
    let mut changes = Vec::with_capacity(edits.len());
    for edit in edits {
        let change = make(connection, &edit, stamp.at()).await?;
        if change == EditOutcome::Changed {
            write_down(connection, &edit, stamp).await?;
        }
        changes.push(change);
    }
    Ok(changes)
}

async fn write_down(
    connection: &mut impl Connection,
    edit: &Edit,
    stamp: &Stamp,
) -> Result<(), QueryError> {
    let token_id = match edit {
        Edit::RevokeToken(token) => Some(token.token_id.as_str()),
        _ => None,
    };
    let detail = edit.detail();
    let statement = Statement::new(INSERT_CHANGE)
        .bind(stamp.at().as_secs())
        .bind(stamp.who())
        .bind(edit.word())
        .bind(edit.issuer().as_str())
        .bind(edit.subject().map(auth_core::Subject::as_str))
        .bind(token_id)
        .bind(detail.as_deref());
    connection.execute(statement).await?;
    Ok(())
}

async fn make(
    connection: &mut impl Connection,
    edit: &Edit,
    now: NumericDate,
) -> Result<EditOutcome, QueryError> {
    match edit {
        Edit::Add(user) => {
            let user = user.clone().into_user(now)?;
            if insert(connection, &user).await? {
                return Ok(EditOutcome::Changed);
            }
            Err(exists(&user))
        }
        Edit::Import { user, overwrite } => {
            let mut user = user.clone();
            user.forget_expiry_of_others();
            import(connection, user, *overwrite).await
        }
        Edit::RevokeToken(token) => revoke(connection, token, now).await,
        Edit::Remove(name) => {
            let removed = connection.execute(on(DELETE_USER, name)).await?;
            Ok(if removed == 0 { EditOutcome::NoSuchUser } else { EditOutcome::Changed })
        }
        Edit::SetStatus(name, _)
        | Edit::Grant(name, ..)
        | Edit::RevokeRole(name, _)
        | Edit::RevokeTokens(name, _) => {
            if !connection.fetch_one(on(USER_EXISTS, name)).await?.boolean("found")? {
                return Ok(EditOutcome::NoSuchUser);
            }
            let made = match edit {
                Edit::SetStatus(_, status) => return set_status(connection, name, *status).await,
                Edit::Grant(_, role, until) => {
                    on(INSERT_ROLE, name).bind(role.as_str()).bind(until.map(NumericDate::as_secs))
                }
                Edit::RevokeRole(_, role) => on(DELETE_ROLE, name).bind(role.as_str()),
                Edit::RevokeTokens(_, leeway) => {
                    on(UPDATE_VALID_FROM, name).bind(valid_from_after(now, *leeway).as_secs())
                }
                _ => return Ok(EditOutcome::Unchanged),
            };
            Ok(EditOutcome::changed_if(connection.execute(made).await? > 0))
        }
    }
}

/// A user who is disabled is signed out of every browser, and stays so when enabled again. Sessions
/// end at both, because one may have begun in a transaction that did not see the first yet.
async fn set_status(
    connection: &mut impl Connection,
    name: &UserName,
    status: UserStatus,
) -> Result<EditOutcome, QueryError> {
    let update = on(UPDATE_STATUS, name).bind(status.as_str());
    let is_changed = connection.execute(update).await? > 0;
    if is_changed {
        connection.execute(on(END_SESSIONS, name)).await?;
    }
    Ok(EditOutcome::changed_if(is_changed))
}

/// Adds `user` with its roles; `false` if there is one by its names. Tokens that a user had who was
/// removed stay revoked.
async fn insert(connection: &mut impl Connection, user: &User) -> Result<bool, QueryError> {
    let statement =
        Statement::new(REMOVED_AT).bind(user.issuer.as_str()).bind(user.subject.as_str());
    let removed = connection.fetch_one(statement).await?.integer("at")?;
    let removed = removed.and_then(|at| NumericDate::from_secs(at).ok());
    let mut user = user.clone();
    user.revoke_before(removed.map(valid_from_after_removal));
    let last_seen_at = user.last_seen_at().map(NumericDate::as_secs);
    if connection.execute(of(INSERT_USER, &user).bind(last_seen_at)).await? == 0 {
        return Ok(false);
    }
    insert_roles(connection, &user).await?;
    Ok(true)
}

async fn import(
    connection: &mut impl Connection,
    mut user: User,
    overwrite: bool,
) -> Result<EditOutcome, QueryError> {
    let Some(there) = ask::find(connection, &user.issuer, &user.subject).await? else {
        insert(connection, &user).await?;
        return Ok(EditOutcome::Changed);
    };
    let is_like = there.is_like(&user);
    if is_like && there.valid_from >= user.valid_from {
        return Ok(EditOutcome::Unchanged);
    }
    if !is_like && !overwrite {
        return Err(exists(&user));
    }
    user.revoke_before(there.valid_from);
    user.last_seen_at = LastSeen::default();
    connection.execute(of(UPDATE_USER, &user)).await?;
    let name = UserName::new(&user.issuer, &user.subject);
    if there.status != user.status {
        connection.execute(on(END_SESSIONS, &name)).await?;
    }
    connection.execute(on(DELETE_ROLES, &name)).await?;
    insert_roles(connection, &user).await?;
    Ok(EditOutcome::Changed)
}

async fn insert_roles(connection: &mut impl Connection, user: &User) -> Result<(), QueryError> {
    let name = UserName::new(&user.issuer, &user.subject);
    for role in user.roles() {
        let end = |role: &RoleName| user.role_expiry(role).map(NumericDate::as_secs);
        let statement = on(INSERT_ROLE, &name).bind(role.as_str()).bind(end(role));
        connection.execute(statement).await?;
    }
    Ok(())
}

async fn revoke(
    connection: &mut impl Connection,
    token: &RevokedToken,
    now: NumericDate,
) -> Result<EditOutcome, QueryError> {
    let statement = Statement::new(INSERT_REVOKED)
        .bind(token.issuer.as_str())
        .bind(token.token_id.as_str())
        .bind(now.as_secs())
        .bind(token.expires_at.map(NumericDate::as_secs));
    Ok(EditOutcome::changed_if(connection.execute(statement).await? > 0))
}

fn exists(user: &User) -> QueryError {
    DirectoryError::Exists { issuer: user.issuer.clone(), subject: user.subject.clone() }.into()
}

/// A statement that begins with the two names of a user.
fn on<'a>(text: &'static str, name: &'a UserName) -> Statement<'a> {
    Statement::new(text).bind(name.issuer.as_str()).bind(name.subject.as_str())
}

/// A statement that begins with all of a user but when it was seen.
fn of<'a>(text: &'static str, user: &'a User) -> Statement<'a> {
    Statement::new(text)
        .bind(user.issuer.as_str())
        .bind(user.subject.as_str())
        .bind(user.display_name.as_ref())
        .bind(user.status.as_str())
        .bind(user.created_at.as_secs())
        .bind(user.valid_from.map(NumericDate::as_secs))
}
