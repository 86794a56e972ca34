//! Users: a valid token is not enough where its user must be known, and may be disabled or lose a
//! role.
//!
//! 1. [`UserAuthenticator`] verifies the token, and looks its user up for every request.
//! 2. [`Users`] is where the users are: a directory, or [`MemoryUsers`].
//! 3. What the user's roles do not hold, no token of theirs grants
//!    ([`Ceiling::Roles`](auth_core::Ceiling::Roles)).

mod authenticator;
mod memory;

use std::{collections::BTreeSet, error::Error, future::Future, sync::Arc};

use auth_core::{AccountError, Claims, Issuer, NumericDate, RoleName, Subject, TokenId};

pub use authenticator::{Provisioning, UserAuthenticator, UserLookup};
pub use memory::{MemoryUser, MemoryUsers};

/// One user, as it was found.
pub trait UserRecord: Send + Sync {
    /// What to call the user; for display only.
    fn display_name(&self) -> &Arc<str>;

    /// Whether the user may act at all.
    fn is_active(&self) -> bool;

    /// The roles that the user has at `now`.
    fn roles_at(&self, now: NumericDate) -> Arc<BTreeSet<RoleName>>;

    /// The second before which the user's tokens are revoked; `None` if they never were.
    fn tokens_valid_from(&self) -> Option<NumericDate>;
}

/// A user to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Who vouches for the user.
    pub issuer: Issuer,
    /// Who it is, within the issuer.
    pub subject: Subject,
    /// What the token calls the user; for display only.
    pub display_name: Option<String>,
    /// Its first roles.
    pub roles: BTreeSet<RoleName>,
}

/// Where the users are, and which tokens were revoked.
pub trait Users: Send + Sync + 'static {
    /// One user.
    type User: UserRecord;
    /// Why users could not be asked for or changed: the request is answered with 503.
    type Error: Error + Send + Sync + 'static;

    /// The user that `issuer` calls `subject`; `None` if there is none. Asked for every request.
    fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send;

    /// Whether this one token was revoked. Asked for every request.
    fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Adds a user at its first use, at `now`. If there is one of that issuer and subject already,
    /// it stays as it is, which is no error.
    fn add(
        &self,
        user: NewUser,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Records that `user` called at `now`. Must not wait.
    fn record_use(&self, _user: &Self::User, _now: NumericDate) {}

    /// What the operator can do about a user who was refused, whom `claims` are about: a command,
    /// say. It goes to the log alone.
    fn remedy(&self, _refusal: AccountError, _claims: &Claims) -> Option<String> {
        None
    }
}

impl<U: Users> Users for Arc<U> {
    type User = U::User;
    type Error = U::Error;

    fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<U::User>, U::Error>> + Send {
        U::find(self, issuer, subject)
    }

    fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> impl Future<Output = Result<bool, U::Error>> + Send {
        U::is_revoked(self, issuer, token_id)
    }

    fn add(
        &self,
        user: NewUser,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), U::Error>> + Send {
        U::add(self, user, now)
    }

    fn record_use(&self, user: &U::User, now: NumericDate) {
        U::record_use(self, user, now);
    }

    fn remedy(&self, refusal: AccountError, claims: &Claims) -> Option<String> {
        U::remedy(self, refusal, claims)
    }
}
