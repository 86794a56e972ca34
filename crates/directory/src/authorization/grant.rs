//! Grants: what a user consented that a client may do.

use std::{fmt, str::FromStr};

use auth_core::{ClientId, NumericDate, ResourceUri, ScopeSet, TokenId, oauth::RefreshFamily};

use crate::UserName;

/// The id of a grant: 128 random bits as base64url ([`auth_core::base64url::encode_id`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(String);

impl GrantId {
    /// From 128 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(auth_core::base64url::encode_id(random))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no [`GrantId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a grant has 22 characters of base64url")]
pub struct GrantIdError;

impl FromStr for GrantId {
    type Err = GrantIdError;

    fn from_str(text: &str) -> Result<Self, GrantIdError> {
        match auth_core::base64url::decode(text) {
            Ok(bytes) if bytes.len() == 16 => Ok(Self(text.to_owned())),
            _ => Err(GrantIdError),
        }
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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

/// What adding a grant met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AddGrant {
    /// It was added.
    Added,
    /// The user is gone or disabled. Of a grant whose id follows from what it is for: or the id is
    /// of another one.
    NoUser,
    /// The client was removed.
    NoClient,
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
    /// The salt with which the current token was made of the one before; `None` if it is the first.
    pub salt: Option<[u8; 32]>,
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
