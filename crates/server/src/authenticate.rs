//! Who stands behind a token: the claims, and the user they name in the directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use auth_core::{
    Account, Claims, Clock, Inadmissible, Issuer, Principal, RoleName, Standing, Subject, admit,
    display::quoted,
};
use bartizan::{Authenticate, AuthenticateError, Issuers, Presented};
use directory::{Directory, DirectoryError, NewUser, Stamp, User};
use tokio::{sync::Semaphore, time::timeout};

/// How many users are added at once. The database makes one change after the other anyway.
const ADDITIONS: usize = 2;

/// How long somebody who is to be added waits for their turn.
const TURN: Duration = Duration::from_secs(1);

/// What is done with users who are not in the directory: issuers whose users are added when they are first
/// seen, with the roles that they get. Users of all others are refused.
pub type Provisioning = BTreeMap<Issuer, BTreeSet<RoleName>>;

/// Verifies tokens and looks their users up, on every request: a user who is disabled, or loses a role,
/// loses it for tokens already out.
pub struct DirectoryAuthenticator<D> {
    issuers: Issuers,
    directory: Arc<D>,
    provisioning: Provisioning,
    clock: Arc<dyn Clock>,
    /// Turns for those who are added: whoever waits for a writer must not be many.
    additions: Arc<Semaphore>,
}

impl<D: Directory> DirectoryAuthenticator<D> {
    /// Judges tokens by `issuers`, and takes users from `directory`.
    pub fn new(issuers: Issuers, directory: Arc<D>, clock: Arc<dyn Clock>) -> Self {
        let additions = Arc::new(Semaphore::new(ADDITIONS));
        Self { issuers, directory, provisioning: Provisioning::new(), clock, additions }
    }

    /// Adds users when they are first seen, of some issuers.
    #[must_use]
    pub fn provisioning(self, provisioning: Provisioning) -> Self {
        Self { provisioning, ..self }
    }

    /// What judges the tokens.
    pub(crate) const fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// What the directory knows of the token and its user. Changes nothing: a user who would be added when
    /// first seen is taken for added.
    pub(crate) async fn standing(&self, claims: &Claims) -> Result<FoundUser, DirectoryError> {
        let is_revoked = self.is_revoked(claims).await?;
        let user = self.directory.find(claims.issuer(), claims.subject()).await?;
        let first_roles = self.provisioning.get(claims.issuer());
        let roles = match (&user, first_roles) {
            (Some(user), _) => user.roles_at(self.clock.now()),
            (None, Some(roles)) if !is_revoked => Arc::new(roles.clone()),
            _ => return Ok(FoundUser { user: None, roles: None, is_revoked }),
        };
        Ok(FoundUser { user, roles: Some(roles), is_revoked })
    }

    /// The same for somebody who comes: whoever is to be added when first seen is added now. Nobody is
    /// added for a token that is void.
    async fn arrival(&self, claims: &Claims) -> Result<FoundUser, DirectoryError> {
        let is_revoked = self.is_revoked(claims).await?;
        let user = if is_revoked {
            self.directory.find(claims.issuer(), claims.subject()).await?
        } else {
            self.user(claims).await?
        };
        let roles = user.as_ref().map(|user| user.roles_at(self.clock.now()));
        Ok(FoundUser { user, roles, is_revoked })
    }

    async fn is_revoked(&self, claims: &Claims) -> Result<bool, DirectoryError> {
        match claims.token_id() {
            Some(id) => self.directory.is_revoked(claims.issuer(), id).await,
            None => Ok(false),
        }
    }

    /// The user that `claims` are about, added now if that is how it is for its issuer.
    async fn user(&self, claims: &Claims) -> Result<Option<Arc<User>>, DirectoryError> {
        let (issuer, subject) = (claims.issuer(), claims.subject());
        let found = self.directory.find(issuer, subject).await?;
        let Some(roles) = self.provisioning.get(issuer).filter(|_| found.is_none()) else {
            return Ok(found);
        };
        // On the heap: it is large and rare.
        Box::pin(self.add(claims, roles)).await
    }

    /// Adds the user that `claims` are about, with these roles.
    async fn add(
        &self,
        claims: &Claims,
        roles: &BTreeSet<RoleName>,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        let (issuer, subject) = (claims.issuer(), claims.subject());
        // The semaphore is never closed.
        let Ok(Ok(_turn)) = timeout(TURN, self.additions.acquire()).await else {
            return Err(DirectoryError::Busy);
        };
        // Meanwhile another request of theirs may have come first.
        if let Some(found) = self.directory.find(issuer, subject).await? {
            return Ok(Some(found));
        }
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
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        let claims = self.issuers.verify(presented.token).await?;
        let found = self.arrival(&claims).await;
        let found = found.map_err(|error| AuthenticateError::Unavailable(Box::new(error)))?;
        let principal = admit(&claims, found.account(), found.is_revoked).map_err(|fault| {
            let (issuer, subject) = (claims.issuer().clone(), claims.subject().clone());
            let remedy = remedy(fault, &issuer, &subject);
            match fault {
                Inadmissible::UnknownUser => {
                    AuthenticateError::UnknownUser { issuer, subject, remedy }
                }
                Inadmissible::DisabledUser => {
                    AuthenticateError::DisabledUser { issuer, subject, remedy }
                }
                Inadmissible::RevokedToken => AuthenticateError::RevokedToken { issuer, subject },
            }
        })?;
        let Some(user) = found.user else { return Ok(principal) };
        self.directory.seen(&user, self.clock.now());
        Ok(principal.with_display_name(Arc::clone(user.display_name())))
    }
}

/// The command with which the operator lets somebody in.
fn remedy(fault: Inadmissible, issuer: &Issuer, subject: &Subject) -> Option<String> {
    let issuer = quoted(issuer.as_str());
    // What begins with a dash would be taken for an option.
    let dashes = if subject.as_str().starts_with('-') { "-- " } else { "" };
    let subject = format!("{dashes}{}", quoted(subject.as_str()));
    match fault {
        Inadmissible::UnknownUser => {
            Some(format!("server users add --issuer {issuer} --name NAME --role ROLE {subject}"))
        }
        Inadmissible::DisabledUser => {
            Some(format!("server users enable --issuer {issuer} {subject}"))
        }
        Inadmissible::RevokedToken => None,
    }
}

impl<D> Clone for DirectoryAuthenticator<D> {
    fn clone(&self) -> Self {
        Self {
            issuers: self.issuers.clone(),
            directory: Arc::clone(&self.directory),
            provisioning: self.provisioning.clone(),
            clock: Arc::clone(&self.clock),
            additions: Arc::clone(&self.additions),
        }
    }
}

impl<D> fmt::Debug for DirectoryAuthenticator<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectoryAuthenticator({:?}, ..)", self.issuers)
    }
}

/// What the directory knows of the subject of a token.
pub(crate) struct FoundUser {
    user: Option<Arc<User>>,
    /// `None` if there is no such user, and none to be made.
    roles: Option<Arc<BTreeSet<RoleName>>>,
    is_revoked: bool,
}

impl FoundUser {
    /// As the core judges it.
    pub(crate) fn account(&self) -> Option<Account<'_>> {
        self.roles.as_ref().map(|roles| Account {
            is_active: self.user.as_ref().is_none_or(|user| user.is_active()),
            roles,
            valid_from: self.user.as_ref().and_then(|user| user.valid_from()),
        })
    }

    /// The same for an explanation.
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing::Directory { account: self.account(), is_revoked: self.is_revoked }
    }
}
