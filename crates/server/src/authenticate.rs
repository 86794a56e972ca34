//! Who stands behind a token: the claims, and the user they name in the directory.

use std::sync::Arc;

use auth_core::{AccessToken, Ceiling, Principal};
use directory::Directory;
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
        let (issuer, subject) = (claims.issuer(), claims.subject());
        let user = match self.directory.find(issuer, subject).await {
            Ok(Some(user)) => user,
            Ok(None) => {
                return Err(AuthenticateError::UnknownUser {
                    issuer: issuer.clone(),
                    subject: subject.clone(),
                });
            }
            Err(error) => return Err(AuthenticateError::Unavailable(Box::new(error))),
        };
        if !user.is_active() {
            return Err(AuthenticateError::DisabledUser {
                issuer: issuer.clone(),
                subject: subject.clone(),
            });
        }
        Ok(Principal::new(&claims, Ceiling::Roles(user.roles().clone()))
            .with_display_name(user.display_name()))
    }
}
