//! Grants are found, and tokens are issued of them.

use auth_core::{
    ClientId, NumericDate,
    oauth::{RefreshFamily, RefreshToken, SecretDigest},
};

use super::{
    AuthorizationStore,
    client::{self, ClientSource},
    database::{Change, Lock, Made, Row, change, named},
    grant::{AddGrant, Grant, GrantFilter, GrantId, IssuedToken, NewGrant, PresentedRefresh},
    tokens::{self, Advance, By},
};
use crate::{
    DirectoryError,
    error::QueryError,
    sql::connection::{Columns, Statement},
};

/// The columns of a grant.
macro_rules! select {
    ($more:literal, $($rest:tt)+) => {
        concat!(
            "SELECT grants.id, issuer, subject, client_id, client_name, resource, scopes, \
             created_at, last_used_at, ended_at",
            $more,
            " FROM grants ",
            $($rest)+
        )
    };
}

/// The grants that are listed: with those that have ended if $1 is 1.
macro_rules! list {
    ($which:literal) => {
        select!(
            "",
            "WHERE (ended_at IS NULL OR $1 = 1) AND NOT EXISTS (SELECT 1 FROM codes \
             WHERE grant_id = grants.id AND exchanged_at IS NULL)",
            $which,
            " ORDER BY last_used_at DESC, id"
        )
    };
}

/// A grant of a user who may act.
macro_rules! insert {
    ($on_conflict:literal) => {
        concat!(
            "INSERT INTO grants (id, issuer, subject, client_id, client_name, resource, scopes, \
             created_at, last_used_at) SELECT $1, issuer, subject, $4, $5, $6, $7, $8, $8 \
             FROM users WHERE issuer = $2 AND subject = $3 AND status = 'active'",
            $on_conflict
        )
    };
}

const INSERT: &str = insert!("");
/// One that goes on, or begins again, if it is the same.
const UPSERT: &str = insert!(
    " ON CONFLICT (id) DO UPDATE SET client_name = EXCLUDED.client_name, \
     scopes = EXCLUDED.scopes, last_used_at = EXCLUDED.last_used_at, ended_at = NULL \
     WHERE grants.issuer = EXCLUDED.issuer AND grants.subject = EXCLUDED.subject \
     AND grants.client_id = EXCLUDED.client_id AND grants.resource = EXCLUDED.resource"
);
/// By when a grant was used, also one that has ended.
const LAST_NAME: &str = "SELECT client_name FROM grants \
     WHERE client_id = $1 AND client_name IS NOT NULL ORDER BY last_used_at DESC, id LIMIT 1";
const FIND_REFRESH: &str = select!(
    ", grants.generation, rotated_at, salt, refresh_tokens.generation AS presented",
    "JOIN refresh_tokens ON grant_id = grants.id WHERE digest = $1"
);

impl AuthorizationStore {
    /// The grant with this id.
    pub async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, DirectoryError> {
        self.row(Statement::new(select!("", "WHERE id = $1")).bind(id.as_str()), read).await
    }

    /// Grants, the one used last first; without those whose code was not exchanged yet.
    pub async fn grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, DirectoryError> {
        let begun = |text| Statement::new(text).bind(i64::from(filter.with_ended));
        let list = match (&filter.user, &filter.client_id) {
            (None, None) => begun(list!("")),
            (Some(user), None) => named(begun(list!(" AND issuer = $2 AND subject = $3")), user),
            (None, Some(client)) => begun(list!(" AND client_id = $2")).bind(client.as_str()),
            (Some(user), Some(client)) => {
                let both = list!(" AND issuer = $2 AND subject = $3 AND client_id = $4");
                named(begun(both), user).bind(client.as_str())
            }
        };
        self.rows(list, read).await
    }

    /// How a client called itself in the grant of it that was used last. It is known for a while
    /// after the client was removed, as its ended grants are.
    pub async fn last_client_name(&self, id: &ClientId) -> Result<Option<String>, DirectoryError> {
        let find = Statement::new(LAST_NAME).bind(id.as_str());
        Ok(self.row(find, |row| Ok(row.text("client_name")?)).await?.flatten())
    }

    /// Notes an access token of a grant, and the first refresh token of its family if there is to
    /// be one; `false`, and nothing is written, if the grant has ended, its user is disabled, there
    /// is none, or it has refresh tokens already and would get a first one.
    ///
    /// For a code, [`exchange_code`](Self::exchange_code) does this in one change.
    pub async fn record_tokens(
        &self,
        id: &GrantId,
        access: &IssuedToken,
        first_refresh: Option<&RefreshToken>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        change!(self, Lock::Rows, change => {
            let grant = tokens::take(change, By::Id(id), first_refresh.is_some(), now).await?;
            let Some(grant) = grant else { return Ok(Made::Undo(false)) };
            tokens::insert(change, &grant, access, first_refresh).await?;
            Ok(Made::Keep(true))
        })
    }

    /// The grant and the family of a refresh token; `None` if it is unknown.
    pub async fn find_refresh(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<PresentedRefresh>, DirectoryError> {
        let find = Statement::new(FIND_REFRESH).bind(digest.as_bytes());
        self.row(find, |row| {
            let grant = read(row)?;
            let family = RefreshFamily::restore(
                row.count("generation")?,
                row.date("rotated_at")?,
                grant.ended_at.is_some(),
            );
            let salt = row.bytes32_if_any("salt")?;
            Ok(PresentedRefresh { grant, family, generation: row.count("presented")?, salt })
        })
        .await
    }

    /// Writes the family as it is after a use, with the digest and salt of the new token if it was
    /// rotated, and notes the access token: all of it, or nothing (`false`) if the family is not in
    /// the state `before` any more, the grant has ended, or its user is disabled. `before == after`
    /// (a repeated answer) notes the access token alone.
    ///
    /// A family that has ended after the use has no token: [`end_grant`](Self::end_grant) is for
    /// that, and here it is `false`.
    pub async fn advance_refresh(
        &self,
        id: &GrantId,
        before: &RefreshFamily,
        after: &RefreshFamily,
        rotated: Option<(&SecretDigest, [u8; 32])>,
        access: &IssuedToken,
    ) -> Result<bool, DirectoryError> {
        if before.has_ended() || after.has_ended() {
            return Ok(false);
        }
        let rotated = rotated.as_ref().map(|(digest, salt)| (*digest, salt));
        let advance = Advance { before, after, rotated };
        change!(self, Lock::Rows, change => {
            let advanced = tokens::advance(change, id, advance, access).await?;
            Ok(if advanced { Made::Keep(true) } else { Made::Undo(false) })
        })
    }
}

/// What becomes of a grant whose id is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfThere {
    /// It is an error: the id is random.
    Fail,
    /// If it is of the same user, client and resource, it goes on with the new scopes.
    GoOn,
}

/// Stores a grant.
pub(super) async fn insert(
    change: &mut Change,
    grant: &NewGrant,
    source: ClientSource,
    if_there: IfThere,
) -> Result<AddGrant, QueryError> {
    if !client::hold(change, &grant.client_id, source).await? {
        return Ok(AddGrant::NoClient);
    }
    let text = match if_there {
        IfThere::Fail => INSERT,
        IfThere::GoOn => UPSERT,
    };
    let scopes = grant.scopes.to_string();
    let insert = Statement::new(text)
        .bind(grant.id.as_str())
        .bind(grant.user.issuer.as_str())
        .bind(grant.user.subject.as_str())
        .bind(grant.client_id.as_str())
        .bind(grant.client_name.as_deref())
        .bind(grant.resource.as_str())
        .bind(scopes.as_str())
        .bind(grant.created_at.as_secs());
    let is_added = change.execute(insert).await? > 0;
    Ok(if is_added { AddGrant::Added } else { AddGrant::NoUser })
}

fn read(row: &Row) -> Result<Grant, QueryError> {
    Ok(Grant {
        given: NewGrant {
            id: row.parsed("id")?,
            user: row.user()?,
            client_id: row.parsed("client_id")?,
            client_name: row.text("client_name")?,
            resource: row.parsed("resource")?,
            scopes: row.parsed("scopes")?,
            created_at: row.date("created_at")?,
        },
        last_used_at: row.date("last_used_at")?,
        ended_at: row.date_if_any("ended_at")?,
    })
}
