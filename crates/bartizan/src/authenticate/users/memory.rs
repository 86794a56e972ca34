//! Users in memory: for small servers whose users are in their configuration, and for tests.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use auth_core::{Issuer, NumericDate, RoleName, Subject, TokenId};

use super::{NewUser, UserRecord, Users};

/// Users in memory. They can be changed while requests run, and are gone when the process ends.
/// Revoked tokens are remembered without end, so this is for few.
#[derive(Debug, Default)]
pub struct MemoryUsers(RwLock<Contents>);

#[derive(Debug, Default)]
struct Contents {
    users: HashMap<Issuer, HashMap<Subject, MemoryUser>>,
    revoked: HashMap<Issuer, HashSet<TokenId>>,
}

/// One user in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryUser {
    display_name: Arc<str>,
    is_active: bool,
    roles: Arc<BTreeSet<RoleName>>,
    tokens_valid_from: Option<NumericDate>,
}

impl MemoryUsers {
    /// No users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an active user, or gives the one that there is these roles.
    #[must_use]
    pub fn user(
        self,
        issuer: Issuer,
        subject: Subject,
        roles: impl IntoIterator<Item = RoleName>,
    ) -> Self {
        self.set_roles(issuer, subject, roles);
        self
    }

    /// Adds an active user, or gives the one that there is these roles.
    pub fn set_roles(
        &self,
        issuer: Issuer,
        subject: Subject,
        roles: impl IntoIterator<Item = RoleName>,
    ) {
        let roles = Arc::new(roles.into_iter().collect());
        let mut contents = self.write();
        let users = contents.users.entry(issuer).or_default();
        let display_name = subject.as_str().into();
        let user = users.entry(subject).or_insert_with(|| MemoryUser {
            display_name,
            is_active: true,
            roles: Arc::default(),
            tokens_valid_from: None,
        });
        user.roles = roles;
    }

    /// Disables or enables a user; `false` if there is none.
    pub fn set_active(&self, issuer: &Issuer, subject: &Subject, is_active: bool) -> bool {
        self.change(issuer, subject, |user| user.is_active = is_active)
    }

    /// Revokes all tokens of a user that were issued before `at`; `false` if there is no such user.
    pub fn revoke_before(&self, issuer: &Issuer, subject: &Subject, at: NumericDate) -> bool {
        self.change(issuer, subject, |user| {
            // A later revocation is not taken back.
            user.tokens_valid_from = user.tokens_valid_from.max(Some(at));
        })
    }

    /// Revokes one token.
    pub fn revoke(&self, issuer: Issuer, token_id: TokenId) {
        self.write().revoked.entry(issuer).or_default().insert(token_id);
    }

    fn change(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        change: impl FnOnce(&mut MemoryUser),
    ) -> bool {
        let mut contents = self.write();
        let user = contents.users.get_mut(issuer).and_then(|users| users.get_mut(subject));
        user.map(change).is_some()
    }

    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Users for MemoryUsers {
    type User = MemoryUser;
    type Error = Infallible;

    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<MemoryUser>, Infallible> {
        let contents = self.read();
        Ok(contents.users.get(issuer).and_then(|users| users.get(subject)).cloned())
    }

    async fn is_revoked(&self, issuer: &Issuer, token_id: &TokenId) -> Result<bool, Infallible> {
        Ok(self.read().revoked.get(issuer).is_some_and(|tokens| tokens.contains(token_id)))
    }

    async fn add(&self, user: NewUser, _: NumericDate) -> Result<(), Infallible> {
        let NewUser { issuer, subject, display_name, roles } = user;
        let mut contents = self.write();
        let users = contents.users.entry(issuer).or_default();
        let display_name = display_name.as_deref().unwrap_or(subject.as_str()).into();
        users.entry(subject).or_insert_with(|| MemoryUser {
            display_name,
            is_active: true,
            roles: Arc::new(roles),
            tokens_valid_from: None,
        });
        Ok(())
    }
}

impl UserRecord for MemoryUser {
    fn display_name(&self) -> &Arc<str> {
        &self.display_name
    }

    fn is_active(&self) -> bool {
        self.is_active
    }

    fn roles_at(&self, _: NumericDate) -> Arc<BTreeSet<RoleName>> {
        Arc::clone(&self.roles)
    }

    fn tokens_valid_from(&self) -> Option<NumericDate> {
        self.tokens_valid_from
    }
}
