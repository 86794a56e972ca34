//! When users were last seen, until it is written down.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use auth_core::NumericDate;

use crate::{User, UserName};

/// How many users may wait to be written down, should the database be away: one date each. Of more
/// it is not known when they were seen.
const MAX_WAITING: usize = 100_000;

/// Users who were seen and are not written down yet.
#[derive(Debug, Default)]
pub(super) struct LastSeenQueue(Mutex<HashMap<UserName, NumericDate>>);

impl LastSeenQueue {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserName, NumericDate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, user: &User, at: NumericDate) {
        let name = UserName::new(user.issuer(), user.subject());
        let mut waiting = self.lock();
        if waiting.len() < MAX_WAITING || waiting.contains_key(&name) {
            waiting.insert(name, at);
        }
    }

    /// Takes up to `max` of them, in an order that is the same on every node: two that write down
    /// the same users do not wait for each other in a circle.
    pub(super) fn take(&self, max: usize) -> Vec<(UserName, NumericDate)> {
        let mut waiting = self.lock();
        let names: Vec<_> = waiting.keys().take(max).cloned().collect();
        let mut taken: Vec<_> =
            names.into_iter().filter_map(|name| waiting.remove_entry(&name)).collect();
        taken.sort();
        taken
    }

    /// Takes them back, unless they were seen again meanwhile.
    pub(super) fn put_back(&self, taken: Vec<(UserName, NumericDate)>) {
        let mut waiting = self.lock();
        for (name, at) in taken {
            waiting.entry(name).or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_waits_and_a_later_date_counts() {
        let seen = LastSeenQueue::default();
        let user = |subject: &str| -> User {
            let text = format!(
                r#"{{"issuer":"i","subject":"{subject}","display_name":"","status":"active","roles":[],"created_at":1}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let at = |secs| NumericDate::from_secs(secs).unwrap();
        for subject in ["b", "a", "c"] {
            seen.push(&user(subject), at(100));
        }
        assert_eq!(seen.take(2).len(), 2);
        assert_eq!(seen.take(2).len(), 1);
        seen.push(&user("b"), at(100));
        let taken = seen.take(10);
        seen.push(&user("b"), at(200));
        seen.put_back(taken);
        let taken = seen.take(10);
        assert_eq!(taken.iter().map(|(_, at)| at.as_secs()).collect::<Vec<_>>(), [200]);
        for subject in ["b", "a", "c"] {
            seen.push(&user(subject), at(300));
        }
        let names: Vec<_> = seen.take(10).into_iter().map(|(name, _)| name.subject).collect();
        assert_eq!(
            names.iter().map(auth_core::Subject::as_str).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }
}
