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

use crate::{Loaded, News, User, UserName};

/// What is known of users and revoked tokens. Readers take no lock of a writer's while all is held.
pub(super) struct View {
    pub(super) users: Held<UserName, Arc<User>>,
    revoked: Held<(Issuer, TokenId), ()>,
    /// How often news has come. What was asked for before is not learned after: it may be older.
    news: AtomicU64,
    /// Held while something is learned or forgotten.
    learning: Mutex<()>,
}

/// A question that has been put to the database, and when.
#[derive(Debug)]
pub(super) struct Asked(u64);

/// Registers with the kernel what maps in memory need of it (`membarrier(2)`). A process of one
/// thread is registered at once; with more, the kernel waits some ten milliseconds for all its
/// cores. So it is best done before others are started; whoever does not call this waits when the
/// first map is made.
pub fn prepare() {
    drop(papaya::HashMap::<(), ()>::new());
}

/// Names and what they stand for.
pub(super) enum Held<K, V> {
    /// Every name there is.
    All(papaya::HashMap<K, V>),
    /// Those that were asked for last, also with nothing to stand for.
    Some(Cache<K, Option<V>>),
}

/// What stands for a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer<V> {
    /// This.
    Is(V),
    /// Nothing: there is none.
    Nothing,
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

impl<K: Hash + Eq + Clone, V: Clone> Held<K, V> {
    fn new(all: Option<impl Iterator<Item = (K, V)>>, max: usize) -> Self {
        match all {
            Some(all) => {
                let held = papaya::HashMap::builder().capacity(all.size_hint().0).build();
                let pinned = held.pin();
                for (key, value) in all {
                    pinned.insert(key, value);
                }
                drop(pinned);
                Self::All(held)
            }
            None => Self::Some(Cache::new(max)),
        }
    }

    fn get<Q: Hash + Equivalent<K>>(&self, key: &Q) -> Answer<V> {
        let found = match self {
            Self::All(held) => held.pin().get(key).cloned(),
            Self::Some(held) => match held.get(key) {
                Some(found) => found,
                None => return Answer::Unknown,
            },
        };
        found.map_or(Answer::Nothing, Answer::Is)
    }

    /// Takes down what is so now.
    fn update(&self, key: K, value: Option<V>) {
        match (self, value) {
            (Self::All(held), Some(value)) => {
                held.pin().insert(key, value);
            }
            (Self::All(held), None) => {
                held.pin().remove(&key);
            }
            // Who is not asked for need not be held.
            (Self::Some(held), _) => {
                held.remove(&key);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::All(held) => held.len(),
            Self::Some(held) => held.len(),
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} users, {} revoked tokens)", self.users.len(), self.revoked.len())
    }
}

impl View {
    pub(super) fn new(loaded: Loaded, max: usize) -> Self {
        let users = loaded.users.map(|users| {
            users.into_iter().map(|user| (UserName::new(user.issuer(), user.subject()), user))
        });
        let revoked = loaded
            .revoked
            .map(|tokens| tokens.into_iter().map(|token| ((token.issuer, token.token_id), ())));
        Self {
            users: Held::new(users, max),
            revoked: Held::new(revoked, max),
            news: AtomicU64::new(0),
            learning: Mutex::new(()),
        }
    }

    /// The user by these names.
    pub(super) fn user(&self, issuer: &Issuer, subject: &Subject) -> Answer<Arc<User>> {
        self.users.get(&Name(issuer, subject))
    }

    /// Whether this token is revoked; `None` if that is not known.
    pub(super) fn is_revoked(&self, issuer: &Issuer, token_id: &TokenId) -> Option<bool> {
        match self.revoked.get(&Name(issuer, token_id)) {
            Answer::Is(()) => Some(true),
            Answer::Nothing => Some(false),
            Answer::Unknown => None,
        }
    }

    /// Begins a question.
    pub(super) fn ask(&self) -> Asked {
        Asked(self.news.load(Ordering::SeqCst))
    }

    /// Holds the answer, unless there was news meanwhile.
    pub(super) fn learn_user(
        &self,
        asked: &Asked,
        issuer: &Issuer,
        subject: &Subject,
        user: Option<&Arc<User>>,
    ) {
        if let Held::Some(held) = &self.users {
            self.learn(asked, || held.insert(UserName::new(issuer, subject), user.cloned()));
        }
    }

    pub(super) fn learn_token(
        &self,
        asked: &Asked,
        issuer: &Issuer,
        token_id: &TokenId,
        revoked: bool,
    ) {
        if let Held::Some(held) = &self.revoked {
            let key = (issuer.clone(), token_id.clone());
            self.learn(asked, || held.insert(key, revoked.then_some(())));
        }
    }

    fn learn(&self, asked: &Asked, insert: impl FnOnce()) {
        let _learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.news.load(Ordering::SeqCst) == asked.0 {
            insert();
        }
    }

    pub(super) fn take(&self, news: News) {
        let _learning = self.learning.lock().unwrap_or_else(PoisonError::into_inner);
        self.news.fetch_add(1, Ordering::SeqCst);
        for (name, user) in news.users {
            self.users.update(name, user);
        }
        for (token, revoked) in news.tokens {
            self.revoked.update(token, revoked.then_some(()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.users, Held::All(users) if users.is_empty())
    }

    /// Whether more is held than should be.
    pub(super) fn is_over(&self, max: usize) -> bool {
        let over = |len, is_all: bool| is_all && len > max;
        over(self.users.len(), matches!(self.users, Held::All(_)))
            || over(self.revoked.len(), matches!(self.revoked, Held::All(_)))
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
    fn what_was_asked_before_news_is_not_learned_after_it() {
        let view = View::new(loaded(false), 10);
        let (issuer, subject): (Issuer, Subject) = ("i".parse().unwrap(), "s".parse().unwrap());
        let before = view.ask();
        view.take(News { position: 1, users: Vec::new(), tokens: Vec::new() });
        view.learn_user(&before, &issuer, &subject, Some(&user()));
        assert_eq!(view.user(&issuer, &subject), Answer::Unknown);
        view.learn_user(&view.ask(), &issuer, &subject, Some(&user()));
        assert_eq!(view.user(&issuer, &subject), Answer::Is(user()));
        let name = UserName::new(&issuer, &subject);
        view.take(News { position: 2, users: vec![(name, Some(user()))], tokens: Vec::new() });
        assert_eq!(view.user(&issuer, &subject), Answer::Unknown);
    }

    #[test]
    fn whether_a_token_is_revoked_is_learned_both_ways() {
        let view = View::new(loaded(false), 10);
        let (issuer, id): (Issuer, TokenId) = ("i".parse().unwrap(), "t".parse().unwrap());
        for revoked in [true, false] {
            view.learn_token(&view.ask(), &issuer, &id, revoked);
            assert_eq!(view.is_revoked(&issuer, &id), Some(revoked));
            let tokens = vec![((issuer.clone(), id.clone()), true)];
            view.take(News { position: 1, users: Vec::new(), tokens });
            assert_eq!(view.is_revoked(&issuer, &id), None);
        }
    }

    #[test]
    fn of_many_users_only_so_many_are_held() {
        let view = View::new(loaded(false), 100);
        let issuer: Issuer = "i".parse().unwrap();
        for number in 0..10_000 {
            let subject = number.to_string().parse().unwrap();
            view.learn_user(&view.ask(), &issuer, &subject, None);
        }
        assert!((1..=100).contains(&view.users.len()), "{}", view.users.len());
        let view = View::new(loaded(true), 0);
        assert!(!view.is_over(0));
        let name = UserName::new(&issuer, &"s".parse().unwrap());
        view.take(News { position: 1, users: vec![(name, Some(user()))], tokens: Vec::new() });
        assert!(view.is_over(0) && !view.is_over(1));
    }
}
