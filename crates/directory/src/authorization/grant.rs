//! Grants: what a user consented that a client may do, and every token that came of it.

use std::time::Duration;

use auth_core::{
    ClientId, NumericDate, ResourceUri, ScopeSet, TokenId,
    oauth::{RefreshFamily, RefreshToken, SecretDigest},
};

use super::AuthorizationStore;
use super::pending;
use crate::{DirectoryError, UserName};

/// The id of a grant: 128 random bits as base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(String);

impl GrantId {
    /// From 128 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(auth_core::base64url::encode(random))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    // FromStr: 22 characters of base64url.
}

/// A grant that a user gives now.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Its id.
    pub id: GrantId,
    /// Who gives it.
    pub user: UserName,
    /// To which client.
    pub client_id: ClientId,
    /// How the client called itself.
    pub client_name: Option<String>,
    /// For which resource.
    pub resource: ResourceUri,
    /// For which scopes.
    pub scopes: ScopeSet,
    /// When.
    pub created_at: NumericDate,
}

/// A grant as it is stored.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What the user gave.
    pub given: NewGrant,
    /// When a token was last issued.
    pub last_used_at: NumericDate,
    /// When it ended, if it did.
    pub ended_at: Option<NumericDate>,
}

/// An access token that is issued of a grant, so that ending the grant can revoke it.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// Its `jti`.
    pub token_id: TokenId,
    /// Its `exp`.
    pub expires_at: NumericDate,
}

/// A refresh token that was found.
#[derive(Debug, Clone)]
pub struct PresentedRefresh {
    /// The grant.
    pub grant: Grant,
    /// The state of the family.
    pub family: RefreshFamily,
    /// Which generation the token is.
    pub generation: u64,
    /// The salt from which the successor of the token before the current one was made.
    pub salt: [u8; 32],
}

/// Which grants.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// Of this user.
    pub user: Option<UserName>,
    /// Of this client.
    pub client_id: Option<ClientId>,
    /// With those that have ended.
    pub with_ended: bool,
}

/// What ending grants did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndedGrants {
    /// How many grants ended.
    pub grants: u64,
    /// How many access tokens were revoked.
    pub tokens: u64,
}

impl AuthorizationStore {
    /// The grant with this id.
    pub async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, DirectoryError> {
        Err(pending())
    }

    /// Grants, the one used last first.
    pub async fn grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, DirectoryError> {
        Err(pending())
    }

    /// Notes an access token of a grant, and the first refresh token of its family if there is to
    /// be one; `false`, and nothing is written, if the grant has ended, its user is disabled, or
    /// there is none.
    ///
    /// For a code, [`exchange_code`](Self::exchange_code) does this in one change.
    pub async fn record_tokens(
        &self,
        id: &GrantId,
        access: &IssuedToken,
        first_refresh: Option<&RefreshToken>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// The grant and the family of a refresh token; `None` if it is unknown.
    pub async fn find_refresh(
        &self,
        digest: &SecretDigest,
    ) -> Result<Option<PresentedRefresh>, DirectoryError> {
        Err(pending())
    }

    /// Writes the family as it is after a use, with the digest and salt of the new token if it was
    /// rotated, and notes the access token: all of it, or nothing (`false`) if the family is not in
    /// the state `before` any more, the grant has ended, or its user is disabled. `before == after`
    /// (a repeated answer) notes the access token alone.
    pub async fn advance_refresh(
        &self,
        id: &GrantId,
        before: &RefreshFamily,
        after: &RefreshFamily,
        rotated: Option<(&SecretDigest, [u8; 32])>,
        access: &IssuedToken,
    ) -> Result<bool, DirectoryError> {
        Err(pending())
    }

    /// Ends a grant and revokes its access tokens, for our issuer's name `user.issuer`.
    pub async fn end_grant(
        &self,
        id: &GrantId,
        now: NumericDate,
    ) -> Result<EndedGrants, DirectoryError> {
        Err(pending())
    }

    /// Ends all grants that the filter names (a user, a client, or both; not neither).
    pub async fn end_grants(
        &self,
        filter: &GrantFilter,
        now: NumericDate,
    ) -> Result<EndedGrants, DirectoryError> {
        Err(pending())
    }

    /// Forgets grants that have not been used for `idle`, tokens that have expired, codes, device
    /// codes, one-time codes, sessions, throttles and assertions that are over.
    pub async fn prune_authorizations(
        &self,
        now: NumericDate,
        idle: Duration,
    ) -> Result<(), DirectoryError> {
        Err(pending())
    }
}
