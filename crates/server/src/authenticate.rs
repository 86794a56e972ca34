//! Who stands behind a token: the claims, and the user they name in the directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use auth_core::{AccessToken, Ceiling, Claims, Clock, Issuer, Principal, RoleName};
use directory::{Directory, DirectoryError, NewUser, Stamp, User};
use mcp_guard::{Authenticate, AuthenticateError, Issuers};

/// What is done with users who are not in the directory: issuers whose users are added when they are first
/// seen, with the roles that they get. Users of all others are refused.
pub type Provisioning = BTreeMap<Issuer, BTreeSet<RoleName>>;

/// Verifies tokens and looks their users up, on every request: a user who is disabled, or loses a role,
/// loses it for tokens already out.
#[derive(Debug)]
pub struct DirectoryAuthenticator<D> {
    issuers: Issuers,
    directory: Arc<D>,
    provisioning: Provisioning,
    clock: Arc<dyn Clock>,
}

impl<D: Directory> DirectoryAuthenticator<D> {
    /// Judges tokens by `issuers`, and takes users from `directory`.
    pub fn new(issuers: Issuers, directory: Arc<D>, clock: Arc<dyn Clock>) -> Self {
        Self { issuers, directory, provisioning: Provisioning::new(), clock }
    }

    /// Adds users when they are first seen, of some issuers.
    #[must_use]
    pub fn provisioning(self, provisioning: Provisioning) -> Self {
        Self { provisioning, ..self }
    }

    /// The user that `claims` are about, added now if that is how it is for its issuer.
    async fn user(&self, claims: &Claims) -> Result<Option<Arc<User>>, DirectoryError> {
        let (issuer, subject) = (claims.issuer(), claims.subject());
        let found = self.directory.find(issuer, subject).await?;
        let Some(roles) = self.provisioning.get(issuer).filter(|_| found.is_none()) else {
            return Ok(found);
        };
        let new = |display_name: &str| NewUser {
            issuer: issuer.clone(),
            subject: subject.clone(),
            display_name: display_name.to_owned(),
            roles: roles.clone(),
        };
        let stamp = Stamp::new("first sight", self.clock.now());
        let name = claims.name().unwrap_or(subject.as_str());
        let added = match self.directory.add(new(name), &stamp).await {
            Err(DirectoryError::DisplayName) => {
                self.directory.add(new(subject.as_str()), &stamp).await
            }
            added => added,
        };
        match added {
            // Another request, or another node, was faster.
            Ok(()) | Err(DirectoryError::Exists { .. }) => {
                self.directory.find(issuer, subject).await
            }
            Err(fault) => Err(fault),
        }
    }
}

impl<D: Directory> Authenticate for DirectoryAuthenticator<D> {
    async fn authenticate(&self, token: AccessToken) -> Result<Principal, AuthenticateError> {
        let claims = self.issuers.verify(&token).await?;
        let (issuer, subject) = (claims.issuer(), claims.subject());
        let unavailable = |error| AuthenticateError::Unavailable(Box::new(error));
        let revoked =
            || AuthenticateError::RevokedToken { issuer: issuer.clone(), subject: subject.clone() };
        // Before the user: nobody is added for a token that is void.
        if let Some(id) = claims.token_id()
            && self.directory.is_revoked(issuer, id).await.map_err(unavailable)?
        {
            return Err(revoked());
        }
        let Some(user) = self.user(&claims).await.map_err(unavailable)? else {
            return Err(AuthenticateError::UnknownUser {
                issuer: issuer.clone(),
                subject: subject.clone(),
            });
        };
        if !user.is_active() {
            return Err(AuthenticateError::DisabledUser {
                issuer: issuer.clone(),
                subject: subject.clone(),
            });
        }
        if user.has_revoked(claims.issued_at()) {
            return Err(revoked());
        }
        let now = self.clock.now();
        self.directory.seen(&user, now);
        Ok(Principal::new(&claims, Ceiling::Roles(user.roles_at(now)))
            .with_display_name(Arc::clone(user.display_name())))
    }
}
