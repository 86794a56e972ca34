//! Authorization codes.

use auth_core::{
    NumericDate,
    oauth::{CodeState, RefreshToken, SecretDigest, StoredCode},
};

use super::{
    AddGrant, AuthorizationStore, ClientSource, GrantId, IssuedToken, NewGrant,
    database::{Lock, Made, Row, change},
    issuing::{self, IfThere},
    tokens::{self, By},
};
use crate::{DirectoryError, error::QueryError, sql::connection::Statement};

const INSERT: &str = "INSERT INTO codes (digest, grant_id, redirect_uri, challenge, issued_at) \
     VALUES ($1, $2, $3, $4, $5)";
const FIND: &str = "SELECT grant_id, client_id, resource, redirect_uri, challenge, issued_at, \
     exchanged_at FROM codes JOIN grants ON grants.id = codes.grant_id WHERE digest = $1";
const EXCHANGE: &str = "UPDATE codes SET exchanged_at = $2 \
     WHERE digest = $1 AND exchanged_at IS NULL";

/// A code as it is stored, and the grant that it is for.
#[derive(Debug, Clone)]
pub struct IssuedCode {
    /// The code.
    pub code: StoredCode,
    /// The grant.
    pub grant: GrantId,
}

impl AuthorizationStore {
    /// Stores a grant and the code for it, in one change, or nothing. Client and resource of the
    /// code are those of the grant; the client is known from `source`.
    pub async fn issue_code(
        &self,
        grant: &NewGrant,
        source: ClientSource,
        digest: &SecretDigest,
        code: &StoredCode,
    ) -> Result<AddGrant, DirectoryError> {
        self.make_room_for_grant(grant).await?;
        change!(self, Lock::Rows, change => {
            let added = issuing::insert(change, grant, source, IfThere::Fail).await?;
            if added != AddGrant::Added {
                return Ok(Made::Undo(added));
            }
            let insert = Statement::new(INSERT)
                .bind(digest.as_bytes())
                .bind(grant.id.as_str())
                .bind(code.redirect_uri.as_str())
                .bind(code.challenge.as_str())
                .bind(code.issued_at.as_secs());
            change.execute(insert).await?;
            Ok(Made::Keep(added))
        })
    }

    /// The code with this digest.
    pub async fn find_code(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<IssuedCode>, DirectoryError> {
        self.row(Statement::new(FIND).bind(digest.as_bytes()), read).await
    }

    /// Marks a code as exchanged and notes its tokens, in one change; `false`, and nothing is
    /// written, if it was exchanged already, its grant has ended, or its user is disabled.
    pub async fn exchange_code(
        &self,
        digest: &SecretDigest,
        access: &IssuedToken,
        refresh: Option<&RefreshToken>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        change!(self, Lock::Rows, change => {
            let grant = tokens::take(change, By::Code(digest), refresh.is_some(), now).await?;
            let Some(grant) = grant else { return Ok(Made::Undo(false)) };
            let exchange = Statement::new(EXCHANGE).bind(digest.as_bytes()).bind(now.as_secs());
            if change.execute(exchange).await? == 0 {
                return Ok(Made::Undo(false));
            }
            tokens::insert(change, &grant, access, refresh).await?;
            Ok(Made::Keep(true))
        })
    }
}

fn read(row: &Row) -> Result<IssuedCode, QueryError> {
    let is_unused = row.date_if_any("exchanged_at")?.is_none();
    Ok(IssuedCode {
        code: StoredCode {
            client_id: row.parsed("client_id")?,
            redirect_uri: row.parsed("redirect_uri")?,
            challenge: row.parsed("challenge")?,
            resource: row.parsed("resource")?,
            issued_at: row.date("issued_at")?,
            state: if is_unused { CodeState::Unused } else { CodeState::Exchanged },
        },
        grant: row.parsed("grant_id")?,
    })
}
