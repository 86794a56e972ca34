//! Who stands behind a token: the claims, and the user they name in the directory.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{AccessToken, Account, Claims, Inadmissible, Principal, RoleName, Standing, admit};
use directory::{Directory, DirectoryError, User};
use mcp_guard::{Authenticate, AuthenticateError, Issuers};

/// Verifies tokens and looks their users up, on every request: a user who is disabled, or loses a role,
/// loses it for tokens already out.
#[derive(Debug)]
pub struct DirectoryAuthenticator<D> {
    issuers: Issuers,
    directory: Arc<D>,
}

impl<D> DirectoryAuthenticator<D> {
    /// Judges tokens by `issuers`, and takes users from `directory`.
    pub const fn new(issuers: Issuers, directory: Arc<D>) -> Self {
        Self { issuers, directory }
    }
}

impl<D: Directory> Authenticate for DirectoryAuthenticator<D> {
    async fn authenticate(&self, token: AccessToken) -> Result<Principal, AuthenticateError> {
        let claims = self.issuers.verify(&token).await?;
        let standing = self.standing(&claims).await.map_err(unavailable)?;
        let (issuer, subject) = (claims.issuer().clone(), claims.subject().clone());
        let principal = admit(&claims, standing.account(), standing.is_revoked).map_err(
            |fault| match fault {
                Inadmissible::UnknownUser => AuthenticateError::UnknownUser { issuer, subject },
                Inadmissible::DisabledUser => AuthenticateError::DisabledUser { issuer, subject },
                Inadmissible::RevokedToken => AuthenticateError::RevokedToken { issuer, subject },
            },
        )?;
        let name = standing.user.map(|user| user.display_name().to_owned());
        Ok(principal.with_display_name(name.unwrap_or_default()))
    }
}

/// What the directory knows of the subject of a token.
pub(crate) struct FoundUser {
    user: Option<User>,
    roles: Arc<BTreeSet<RoleName>>,
    is_revoked: bool,
}

impl FoundUser {
    /// As the core judges it.
    pub(crate) fn account(&self) -> Option<Account<'_>> {
        self.user.as_ref().map(|user| Account {
            is_active: user.is_active(),
            roles: &self.roles,
            valid_from: user.valid_from(),
        })
    }

    /// The same for an explanation.
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing::Directory { account: self.account(), is_revoked: self.is_revoked }
    }
}

impl<D: Directory> DirectoryAuthenticator<D> {
    /// Looks the user up, and the token if there is a user that it could be good for.
    pub(crate) async fn standing(&self, claims: &Claims) -> Result<FoundUser, DirectoryError> {
        let user = self.directory.find(claims.issuer(), claims.subject()).await?;
        let is_revoked = match (&user, claims.token_id()) {
            (Some(user), Some(id)) if user.is_active() => {
                self.directory.is_revoked(claims.issuer(), id).await?
            }
            _ => false,
        };
        let roles = user.as_ref().map(|user| user.roles().clone()).unwrap_or_default();
        Ok(FoundUser { user, roles: Arc::new(roles), is_revoked })
    }

    /// What judges the tokens.
    pub(crate) const fn issuers(&self) -> &Issuers {
        &self.issuers
    }
}

fn unavailable(error: DirectoryError) -> AuthenticateError {
    AuthenticateError::Unavailable(Box::new(error))
}
