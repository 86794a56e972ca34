//! Who presents a token: its claims, and the user that they name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use auth_core::{
    Account, AccountError, Claims, Clock, DirectoryLookup, Issuer, Principal, RoleName,
    check_account,
};
use tokio::{sync::Semaphore, time::timeout};

use super::{NewUser, UserRecord, Users};
use crate::{Authenticate, AuthenticateError, Presented, VerifyToken};

/// How many users are added at once. A database makes one change after the other anyway.
const CONCURRENT_ADDITIONS: usize = 2;
/// How long a user who is to be added may wait for the others.
const ADDITION_WAIT: Duration = Duration::from_secs(1);

/// Which issuers' users are added at their first use, and with which roles. Users of all others are
/// refused until they are added.
pub type Provisioning = BTreeMap<Issuer, BTreeSet<RoleName>>;

/// Verifies tokens with `T`, and looks their users up in `U` for every request: a user who is
/// disabled, or loses a role, loses it for tokens already issued.
pub struct UserAuthenticator<U, T> {
    tokens: T,
    users: Arc<U>,
    provisioning: Arc<Provisioning>,
    clock: Arc<dyn Clock>,
    /// Bounds how many requests wait to write.
    additions: Arc<Semaphore>,
}

/// Too many users are being added at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many users are being added at the moment")]
struct AdditionsBusyError;

/// Why the users of a token could not be found out.
#[derive(Debug, thiserror::Error)]
enum LookupError<E: std::error::Error + 'static> {
    #[error(transparent)]
    Users(#[from] E),
    #[error(transparent)]
    Busy(AdditionsBusyError),
}

impl<U: Users, T: VerifyToken> UserAuthenticator<U, T> {
    /// Verifies tokens with `tokens`, and takes users from `users`.
    pub fn new(users: Arc<U>, tokens: T, clock: Arc<dyn Clock>) -> Self {
        let additions = Arc::new(Semaphore::new(CONCURRENT_ADDITIONS));
        Self { tokens, users, provisioning: Arc::default(), clock, additions }
    }

    /// Adds users of some issuers at their first use.
    #[must_use]
    pub fn provisioning(self, provisioning: Provisioning) -> Self {
        Self { provisioning: Arc::new(provisioning), ..self }
    }

    /// What verifies the tokens.
    pub const fn tokens(&self) -> &T {
        &self.tokens
    }

    /// What is known of a token's user. Changes nothing: a user who would be added at its first use
    /// counts as added.
    pub async fn look_up(&self, claims: &Claims) -> Result<UserLookup<U::User>, U::Error> {
        let is_revoked = self.is_revoked(claims).await?;
        let user = self.users.find(claims.issuer(), claims.subject()).await?;
        let first_roles = self.provisioning.get(claims.issuer());
        let roles = match (&user, first_roles) {
            (Some(user), _) => user.roles_at(self.clock.now()),
            (None, Some(roles)) if !is_revoked => Arc::new(roles.clone()),
            _ => return Ok(UserLookup { user: None, roles: None, is_revoked }),
        };
        Ok(UserLookup { user, roles: Some(roles), is_revoked })
    }

    /// The same for a caller: a user who is to be added at its first use is added now, unless its
    /// token is revoked.
    async fn look_up_or_add(
        &self,
        claims: &Claims,
    ) -> Result<UserLookup<U::User>, LookupError<U::Error>> {
        let is_revoked = self.is_revoked(claims).await?;
        let mut user = self.users.find(claims.issuer(), claims.subject()).await?;
        if user.is_none()
            && !is_revoked
            && let Some(roles) = self.provisioning.get(claims.issuer())
        {
            // On the heap: it is large and rare.
            user = Box::pin(self.add(claims, roles)).await?;
        }
        let roles = user.as_ref().map(|user| user.roles_at(self.clock.now()));
        Ok(UserLookup { user, roles, is_revoked })
    }

    async fn is_revoked(&self, claims: &Claims) -> Result<bool, U::Error> {
        match claims.token_id() {
            Some(id) => self.users.is_revoked(claims.issuer(), id).await,
            None => Ok(false),
        }
    }

    /// Adds the user that `claims` are about, with these roles.
    async fn add(
        &self,
        claims: &Claims,
        roles: &BTreeSet<RoleName>,
    ) -> Result<Option<U::User>, LookupError<U::Error>> {
        let (issuer, subject) = (claims.issuer(), claims.subject());
        // The semaphore is never closed.
        let Ok(Ok(_permit)) = timeout(ADDITION_WAIT, self.additions.acquire()).await else {
            return Err(LookupError::Busy(AdditionsBusyError));
        };
        // Another request of the same user may have come first.
        if let Some(found) = self.users.find(issuer, subject).await? {
            return Ok(Some(found));
        }
        let user = NewUser {
            issuer: issuer.clone(),
            subject: subject.clone(),
            display_name: claims.display_name().map(ToOwned::to_owned),
            roles: roles.clone(),
        };
        self.users.add(user, self.clock.now()).await?;
        Ok(self.users.find(issuer, subject).await?)
    }

    /// What a refused user's request is answered with.
    fn refused(&self, refusal: AccountError, claims: &Claims) -> AuthenticateError {
        let (issuer, subject) = (claims.issuer().clone(), claims.subject().clone());
        let remedy = self.users.remedy(refusal, claims);
        match refusal {
            AccountError::UnknownUser => AuthenticateError::UnknownUser { issuer, subject, remedy },
            AccountError::DisabledUser => {
                AuthenticateError::DisabledUser { issuer, subject, remedy }
            }
            AccountError::RevokedToken => AuthenticateError::RevokedToken { issuer, subject },
        }
    }
}

impl<U: Users, T: VerifyToken> Authenticate for UserAuthenticator<U, T> {
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        let claims = self.tokens.verify(presented).await?;
        let found = self.look_up_or_add(&claims).await;
        let found = found.map_err(|error| match error {
            LookupError::Users(error) => AuthenticateError::Unavailable(Box::new(error)),
            LookupError::Busy(error) => AuthenticateError::Unavailable(Box::new(error)),
        })?;
        let principal = check_account(&claims, found.account(), found.is_revoked)
            .map_err(|refusal| self.refused(refusal, &claims))?;
        let Some(user) = found.user else { return Ok(principal) };
        self.users.record_use(&user, self.clock.now());
        Ok(principal.with_display_name(Arc::clone(user.display_name())))
    }
}

impl<U, T: Clone> Clone for UserAuthenticator<U, T> {
    fn clone(&self) -> Self {
        Self {
            tokens: self.tokens.clone(),
            users: Arc::clone(&self.users),
            provisioning: Arc::clone(&self.provisioning),
            clock: Arc::clone(&self.clock),
            additions: Arc::clone(&self.additions),
        }
    }
}

impl<U, T: fmt::Debug> fmt::Debug for UserAuthenticator<U, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserAuthenticator({:?}, ..)", self.tokens)
    }
}

/// What is known of the user of a token.
#[derive(Debug, Clone)]
pub struct UserLookup<R> {
    user: Option<R>,
    /// `None` if there is no such user, and none to be added.
    roles: Option<Arc<BTreeSet<RoleName>>>,
    is_revoked: bool,
}

impl<R: UserRecord> UserLookup<R> {
    /// As the core judges it.
    #[must_use]
    pub fn account(&self) -> Option<Account<'_>> {
        self.roles.as_ref().map(|roles| Account {
            is_active: self.user.as_ref().is_none_or(UserRecord::is_active),
            roles,
            tokens_valid_from: self.user.as_ref().and_then(UserRecord::tokens_valid_from),
        })
    }

    /// The same for an explanation.
    #[must_use]
    pub fn standing(&self) -> DirectoryLookup<'_> {
        DirectoryLookup::Directory { account: self.account(), is_revoked: self.is_revoked }
    }
}
