//! Users in memory: for tests, and for a server that is tried out. They end with the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{Issuer, NumericDate, Subject, TokenId};

use crate::{
    ChangeRecord, Directory, DirectoryError, Edit, EditOutcome, RevokedToken, Stamp, User,
    UserName, valid_from_after, valid_from_after_removal,
};

/// A directory in memory. Its clones are the same directory.
#[derive(Debug, Clone, Default)]
pub struct MemoryDirectory(Arc<Mutex<Tables>>);

#[derive(Debug, Clone, Default)]
struct Tables {
    users: BTreeMap<UserName, Arc<User>>,
    revoked: BTreeMap<(Issuer, TokenId), Option<NumericDate>>,
    /// When users were last removed.
    removed: BTreeMap<UserName, NumericDate>,
    record: Vec<ChangeRecord>,
}

impl MemoryDirectory {
    /// A directory without users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    // A poisoned lock is used on: changes are made in a copy, so none is there by half.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory for MemoryDirectory {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        Ok(self.tables().users.get(&UserName::new(issuer, subject)).cloned())
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        Ok(self.tables().users.values().map(|user| User::clone(user)).collect())
    }

    async fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> Result<Vec<EditOutcome>, DirectoryError> {
        let mut tables = self.tables();
        let mut copy = tables.clone();
        let changes: Result<_, _> = edits.into_iter().map(|edit| copy.edit(edit, stamp)).collect();
        let changes = changes?;
        *tables = copy;
        Ok(changes)
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        Ok(self.tables().revoked.contains_key(&(issuer.clone(), token_id.clone())))
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        let tables = self.tables();
        let tokens = tables.revoked.iter().map(|((issuer, token_id), expires_at)| RevokedToken {
            issuer: issuer.clone(),
            token_id: token_id.clone(),
            expires_at: *expires_at,
        });
        Ok(tokens.collect())
    }

    async fn record(&self, limit: u32) -> Result<Vec<ChangeRecord>, DirectoryError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(self.tables().record.iter().rev().take(limit).cloned().collect())
    }

    async fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, DirectoryError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (issuer, subject) = (user.issuer.as_str(), user.subject.as_str());
        let is_theirs =
            |it: &&ChangeRecord| it.issuer == issuer && it.subject.as_deref() == Some(subject);
        let tables = self.tables();
        Ok(tables.record.iter().rev().filter(is_theirs).take(limit).cloned().collect())
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        Ok(())
    }

    fn touch(&self, user: &User, now: NumericDate) {
        user.touch(now);
    }
}

impl Tables {
    fn edit(&mut self, edit: Edit, stamp: &Stamp) -> Result<EditOutcome, DirectoryError> {
        let record = ChangeRecord {
            at: stamp.at(),
            who: stamp.who().to_owned(),
            what: edit.word().to_owned(),
            issuer: edit.issuer().to_string(),
            subject: edit.subject().map(ToString::to_string),
            token_id: match &edit {
                Edit::RevokeToken(token) => Some(token.token_id.to_string()),
                _ => None,
            },
            detail: edit.detail(),
        };
        let change = self.make(edit, stamp.at())?;
        if change == EditOutcome::Changed {
            self.record.push(record);
        }
        Ok(change)
    }

    fn make(&mut self, edit: Edit, now: NumericDate) -> Result<EditOutcome, DirectoryError> {
        let change = match edit {
            Edit::Add(user) => return self.put(user.into_user(now)?, false, |_| false),
            Edit::Import { mut user, overwrite } => {
                user.forget_expiry_of_others();
                let wanted = user.clone();
                return self.put(user, overwrite, move |there| there.is_like(&wanted));
            }
            Edit::SetStatus(name, status) => {
                self.change(&name, |user| std::mem::replace(&mut user.status, status) != status)
            }
            Edit::Remove(name) => match self.users.remove(&name) {
                Some(_) => {
                    self.removed.insert(name, now);
                    EditOutcome::Changed
                }
                None => EditOutcome::NoSuchUser,
            },
            Edit::Grant(name, role, until) => self.change(&name, |user| {
                let had = user.role_expiry(&role);
                match until {
                    Some(until) => user.role_expiry.insert(role.clone(), until),
                    None => user.role_expiry.remove(&role),
                };
                Arc::make_mut(&mut user.roles).insert(role) || had != until
            }),
            Edit::RevokeRole(name, role) => self.change(&name, |user| {
                user.role_expiry.remove(&role);
                Arc::make_mut(&mut user.roles).remove(&role)
            }),
            Edit::RevokeTokens(name, leeway) => {
                let from = valid_from_after(now, leeway);
                self.change(&name, |user| user.revoke_before(Some(from)))
            }
            Edit::RevokeToken(RevokedToken { issuer, token_id, expires_at }) => {
                match self.revoked.entry((issuer, token_id)) {
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert(expires_at);
                        EditOutcome::Changed
                    }
                    std::collections::btree_map::Entry::Occupied(mut entry) => {
                        let longer = match (*entry.get(), expires_at) {
                            (Some(known), Some(new)) => known < new,
                            (known, new) => known.is_some() && new.is_none(),
                        };
                        if longer {
                            entry.insert(expires_at);
                        }
                        EditOutcome::changed_if(longer)
                    }
                }
            }
        };
        Ok(change)
    }

    /// Puts `user` in the table, if there is none by its names or it may take the other's place.
    fn put(
        &mut self,
        mut user: User,
        overwrite: bool,
        is_there: impl Fn(&User) -> bool,
    ) -> Result<EditOutcome, DirectoryError> {
        let name = UserName::new(&user.issuer, &user.subject);
        let was = self.users.get(&name);
        match was {
            Some(there) if is_there(there) && there.valid_from >= user.valid_from => {
                return Ok(EditOutcome::Unchanged);
            }
            Some(there) if !overwrite && !is_there(there) => {
                return Err(DirectoryError::Exists {
                    issuer: there.issuer.clone(),
                    subject: there.subject.clone(),
                });
            }
            Some(there) => {
                user.last_seen_at = there.last_seen_at.clone();
                user.revoke_before(there.valid_from);
            }
            None => {
                user.revoke_before(self.removed.get(&name).copied().map(valid_from_after_removal));
            }
        }
        self.users.insert(name, Arc::new(user));
        Ok(EditOutcome::Changed)
    }

    /// Changes one user; `change` returns whether it changed anything.
    fn change(&mut self, name: &UserName, change: impl FnOnce(&mut User) -> bool) -> EditOutcome {
        let found = self.users.get_mut(name);
        found.map_or(EditOutcome::NoSuchUser, |user| {
            EditOutcome::changed_if(change(Arc::make_mut(user)))
        })
    }
}
