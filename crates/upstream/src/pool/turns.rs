//! One start of each user at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use auth_core::quota::Holder;
use tokio::sync::Semaphore;

/// A semaphore for each user who starts a server or waits to: at most as many as wait.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Holder, Arc<Semaphore>>>);

impl Turns {
    /// The turns of this user.
    pub(super) fn of(&self, holder: &Holder) -> Arc<Semaphore> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        let turn = turns.entry(holder.clone()).or_insert_with(|| Arc::new(Semaphore::new(1)));
        Arc::clone(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_turn_and_is_forgotten_after_it() {
        let (turns, holder) = (Turns::default(), Holder::Anonymous);
        let held = turns.of(&holder).try_acquire_owned().unwrap();
        assert!(turns.of(&holder).try_acquire_owned().is_err());
        drop(held);
        assert!(turns.of(&holder).try_acquire_owned().is_ok());
        let _ = turns.of(&holder);
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
