//! What is held in memory: all of it, or what was asked for last.

use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{Issuer, Subject, TokenId};
use quick_cache::{Equivalent, sync::Cache};

use crate::{ChangeSet, Loaded, User, UserName};

/// What is known of users and revoked tokens. Readers take no lock of a writer's while all is held.
pub(super) struct Snapshot {
    pub(super) users: Contents<UserName, Arc<User>>,
    revoked: Contents<(Issuer, TokenId), ()>,
    /// How many sets of changes were applied. What was asked for before the last one is not held
    /// after it: it may be older.
    generation: AtomicU64,
    /// Contents while something is learned or forgotten.
    learning: Mutex<()>,
}

/// When a read of the database began: how many sets of changes were applied until then.
#[derive(Debug)]
pub(super) struct ReadEpoch(u64);

/// Names and their values.
pub(super) enum Contents<K, V> {
    /// Every name there is.
    Complete(papaya::HashMap<K, V>),
    /// Those that were asked for last, also those without a value.
    Partial(Cache<K, Option<V>>),
}

/// The value of a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup<V> {
    /// This.
    Found(V),
    /// Nothing: there is none.
    Absent,
    /// It is not known here.
    Unknown,
}

/// A name that is looked for, without one to be made for it.
#[derive(Hash)]
struct Name<'a, T>(&'a Issuer, &'a T);

impl Equivalent<UserName> for Name<'_, Subject> {
    fn equivalent(&self, name: &UserName) -> bool {
        *self.0 == name.issuer && *self.1 == name.subject
    }
}

impl Equivalent<(Issuer, TokenId)> for Name<'_, TokenId> {
    fn equivalent(&self, (issuer, id): &(Issuer, TokenId)) -> bool {
        self.0 == issuer && self.1 == id
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Contents<K, V> {
    fn new(all: Option<impl Iterator<Item = (K, V)>>, max: usize) -> Self {
        match all {
            Some(all) => {
                let held = papaya::HashMap::builder().capacity(all.size_hint().0).build();
                let pinned = held.pin();
                for (key, value) in all {
                    pinned.insert(key, value);
                }
                drop(pinned);
                Self::Complete(held)
            }
            None => Self::Partial(Cache::new(max)),
        }
    }

    fn get<Q: Hash + Equivalent<K>>(&self, key: &Q) -> Lookup<V> {
        let found = match self {
            Self::Complete(held) => held.pin().get(key).cloned(),
            Self::Partial(held) => match held.get(key) {
                Some(found) => found,
                None => return Lookup::Unknown,
            },
        };
        found.map_or(Lookup::Absent, Lookup::Found)
    }

    /// Holds the value that a name has now.
    fn update(&self, key: K, value: Option<V>) {
        match (self, value) {
            (Self::Complete(held), Some(value)) => {
                held.pin().insert(key, value);
            }
            (Self::Complete(held), None) => {
                held.pin().remove(&key);
            }
            // What is not asked for need not be held.
            (Self::Partial(held), _) => {
                held.remove(&key);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Complete(held) => held.len(),
            Self::Partial(held) => held.len(),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} users, {} revoked tokens)", self.users.len(), self.revoked.len())
    }
}

impl Snapshot {
    pub(super) fn new(loaded: Loaded, max: usize) -> Self {
        let users = loaded.users.map(|users| {
            users.into_iter().map(|user| (UserName::new(user.issuer(), user.subject()), user))
        });
        let revoked = loaded
            .revoked
            .map(|tokens| tokens.into_iter().map(|token| ((token.issuer, token.token_id), ())));
        Self {
            users: Contents::new(users, max),
            revoked: Contents::new(revoked, max),
            generation: AtomicU64::new(0),
            learning: Mutex::new(()),
        }
    }

    /// The user by these names.
    pub(super) fn user(&self, issuer: &Issuer, subject: &Subject) -> Lookup<Arc<User>> {
        self.users.get(&Name(issuer, subject))
    }

    /// Whether this token is revoked; `None` if that is not known.
    pub(super) fn is_revoked(&self, issuer: &Issuer, token_id: &TokenId) -> Option<bool> {
        match self.revoked.get(&Name(issuer, token_id)) {
            Lookup::Found(()) => Some(true),
            Lookup::Absent => Some(false),
            Lookup::Unknown => None,
        }
    }

    /// Begins a read of the database.
    pub(super) fn begin_read(&self) -> ReadEpoch {
        ReadEpoch(self.generation.load(Ordering::SeqCst))
    }

    /// Holds the answer, unless changes were applied since.
    pub(super) fn learn_user(
        &self,
        epoch: &ReadEpoch,
        issuer: &Issuer,
        subject: &Subject,
        user: Option<&Arc<User>>,
    ) {
        if let Contents::Partial(held) = &self.users {
            self.learn(epoch, || held.insert(UserName::new(issuer, subject), user.cloned()));
        }
    }

    pub(super) fn learn_token(
        &self,
        epoch: &ReadEpoch,
        issuer: &Issuer,
        token_id: &TokenId,
        revoked: bool,
    ) {
        if let Contents::Partial(held) = &self.revoked {
            let key = (issuer.clone(), token_id.clone());
            self.learn(epoch, || held.insert(key, revoked.then_some(())));
        }
    }

    fn learn(&self, epoch: &ReadEpoch, insert: impl FnOnce()) {
        let _learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::SeqCst) == epoch.0 {
            insert();
        }
    }

    pub(super) fn apply(&self, changes: ChangeSet) {
        let _learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::SeqCst);
        for (name, user) in changes.users {
            self.users.update(name, user);
        }
        for (token, revoked) in changes.tokens {
            self.revoked.update(token, revoked.then_some(()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.users, Contents::Complete(users) if users.is_empty())
    }

    /// Whether more is held than should be.
    pub(super) fn is_over(&self, max: usize) -> bool {
        let over = |len, is_all: bool| is_all && len > max;
        over(self.users.len(), matches!(self.users, Contents::Complete(_)))
            || over(self.revoked.len(), matches!(self.revoked, Contents::Complete(_)))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    fn loaded(is_all: bool) -> Loaded {
        Loaded { position: 0, users: is_all.then(Vec::new), revoked: is_all.then(Vec::new) }
    }

    fn user() -> Arc<User> {
        let text = r#"{"issuer":"i","subject":"s","display_name":"","status":"active","roles":[],"created_at":1}"#;
        serde_json::from_str::<User>(text).unwrap().into()
    }

    #[test]
    fn a_name_that_is_looked_for_has_the_hash_of_one_that_is_held() {
        let hasher = RandomState::new();
        let (issuer, subject): (Issuer, Subject) = ("i".parse().unwrap(), "s".parse().unwrap());
        let id: TokenId = "t".parse().unwrap();
        let name = UserName::new(&issuer, &subject);
        assert_eq!(hasher.hash_one(Name(&issuer, &subject)), hasher.hash_one(name));
        assert_eq!(hasher.hash_one(Name(&issuer, &id)), hasher.hash_one((issuer.clone(), id)));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_held_after_it() {
        let snapshot = Snapshot::new(loaded(false), 10);
        let (issuer, subject): (Issuer, Subject) = ("i".parse().unwrap(), "s".parse().unwrap());
        let before = snapshot.begin_read();
        snapshot.apply(ChangeSet { position: 1, users: Vec::new(), tokens: Vec::new() });
        snapshot.learn_user(&before, &issuer, &subject, Some(&user()));
        assert_eq!(snapshot.user(&issuer, &subject), Lookup::Unknown);
        snapshot.learn_user(&snapshot.begin_read(), &issuer, &subject, Some(&user()));
        assert_eq!(snapshot.user(&issuer, &subject), Lookup::Found(user()));
        let name = UserName::new(&issuer, &subject);
        snapshot.apply(ChangeSet {
            position: 2,
            users: vec![(name, Some(user()))],
            tokens: Vec::new(),
        });
        assert_eq!(snapshot.user(&issuer, &subject), Lookup::Unknown);
    }

    #[test]
    fn whether_a_token_is_revoked_is_learned_both_ways() {
        let snapshot = Snapshot::new(loaded(false), 10);
        let (issuer, id): (Issuer, TokenId) = ("i".parse().unwrap(), "t".parse().unwrap());
        for revoked in [true, false] {
            snapshot.learn_token(&snapshot.begin_read(), &issuer, &id, revoked);
            assert_eq!(snapshot.is_revoked(&issuer, &id), Some(revoked));
            let tokens = vec![((issuer.clone(), id.clone()), true)];
            snapshot.apply(ChangeSet { position: 1, users: Vec::new(), tokens });
            assert_eq!(snapshot.is_revoked(&issuer, &id), None);
        }
    }

    #[test]
    fn of_many_users_only_so_many_are_held() {
        let snapshot = Snapshot::new(loaded(false), 100);
        let issuer: Issuer = "i".parse().unwrap();
        for number in 0..10_000 {
            let subject = number.to_string().parse().unwrap();
            snapshot.learn_user(&snapshot.begin_read(), &issuer, &subject, None);
        }
        assert!((1..=100).contains(&snapshot.users.len()), "{}", snapshot.users.len());
        let snapshot = Snapshot::new(loaded(true), 0);
        assert!(!snapshot.is_over(0));
        let name = UserName::new(&issuer, &"s".parse().unwrap());
        snapshot.apply(ChangeSet {
            position: 1,
            users: vec![(name, Some(user()))],
            tokens: Vec::new(),
        });
        assert!(snapshot.is_over(0) && !snapshot.is_over(1));
    }
}
