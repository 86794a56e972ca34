//! Users in memory: for tests, and for a server that is tried out. They end with the process.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
};

use auth_core::{Issuer, NumericDate, RoleName, Subject, TokenId};

use crate::{Change, Directory, DirectoryError, NewUser, SECOND, User, UserStatus};

type Users = BTreeMap<(Issuer, Subject), User>;
type Revoked = BTreeSet<(Issuer, TokenId)>;

/// A directory in memory. Its clones are the same directory.
#[derive(Debug, Clone, Default)]
pub struct MemoryDirectory {
    users: Arc<RwLock<Users>>,
    revoked: Arc<RwLock<Revoked>>,
}

impl MemoryDirectory {
    /// A directory without users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    // A poisoned lock is used on: no step below leaves a user half changed.
    fn read<T>(&self, ask: impl FnOnce(&Users) -> T) -> T {
        ask(&self.users.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut Users) -> T) -> T {
        change(&mut self.users.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes one user; `change` tells whether it did anything.
    fn change(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        change: impl FnOnce(&mut User) -> bool,
    ) -> Change {
        self.write(|users| {
            users
                .get_mut(&key(issuer, subject))
                .map_or(Change::NoSuchUser, |user| Change::made(change(user)))
        })
    }
}

impl Directory for MemoryDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<User>, DirectoryError> {
        Ok(self.read(|users| users.get(&key(issuer, subject)).cloned()))
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        Ok(self.read(|users| users.values().cloned().collect()))
    }

    async fn add(&self, user: NewUser, now: NumericDate) -> Result<(), DirectoryError> {
        let user = user.into_user(now)?;
        let key = key(&user.issuer, &user.subject);
        self.write(|users| {
            if users.contains_key(&key) {
                let (issuer, subject) = key;
                return Err(DirectoryError::Exists { issuer, subject });
            }
            users.insert(key, user);
            Ok(())
        })
    }

    async fn set_status(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        status: UserStatus,
    ) -> Result<Change, DirectoryError> {
        Ok(self
            .change(issuer, subject, |user| std::mem::replace(&mut user.status, status) != status))
    }

    async fn remove(&self, issuer: &Issuer, subject: &Subject) -> Result<Change, DirectoryError> {
        let removed = self.write(|users| users.remove(&key(issuer, subject)));
        Ok(removed.map_or(Change::NoSuchUser, |_| Change::Done))
    }

    async fn grant(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        Ok(self.change(issuer, subject, |user| user.roles.insert(role.clone())))
    }

    async fn revoke_role(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        Ok(self.change(issuer, subject, |user| user.roles.remove(role)))
    }

    async fn revoke_tokens(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        now: NumericDate,
    ) -> Result<Change, DirectoryError> {
        let from = now.plus(SECOND);
        Ok(self.change(issuer, subject, |user| {
            let later = user.valid_from.is_none_or(|valid_from| valid_from < from);
            if later {
                user.valid_from = Some(from);
            }
            later
        }))
    }

    async fn revoke_token(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
        _: NumericDate,
    ) -> Result<Change, DirectoryError> {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Change::made(revoked.insert((issuer.clone(), token_id.clone()))))
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        Ok(revoked.contains(&(issuer.clone(), token_id.clone())))
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        Ok(())
    }
}

fn key(issuer: &Issuer, subject: &Subject) -> (Issuer, Subject) {
    (issuer.clone(), subject.clone())
}
