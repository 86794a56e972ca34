//! Which tools of an old server can be called as tasks, as it last listed them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Tools that can be called as tasks, and whether they must be.
type Support = Arc<HashMap<String, bool>>;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct TaskSupport(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How often the list has changed.
    version: u64,
    support: Option<Support>,
}

impl TaskSupport {
    pub(super) fn known(&self) -> Option<Support> {
        self.lock().support.clone()
    }

    /// Which list would be read now.
    pub(super) fn version(&self) -> u64 {
        self.lock().version
    }

    /// Remembers what was read, unless the list has changed since `version`.
    pub(super) fn learn(&self, version: u64, support: &Support) {
        let mut known = self.lock();
        if known.version == version {
            known.support = Some(Arc::clone(support));
        }
    }

    /// The list has changed.
    pub(super) fn forget(&self) {
        let mut known = self.lock();
        known.version += 1;
        known.support = None;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered() {
        let support = TaskSupport::default();
        let read = Arc::new(HashMap::from([("t".to_owned(), true)]));
        let before = support.version();
        support.forget();
        support.learn(before, &read);
        assert!(support.known().is_none());
        support.learn(support.version(), &read);
        assert_eq!(support.known(), Some(Arc::clone(&read)));
        support.forget();
        assert!(support.known().is_none());
    }
}
