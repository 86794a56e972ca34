//! How many calls each owner, and all together, have in flight.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::Owner;

/// Places that are taken.
#[derive(Debug)]
pub(super) struct Quota {
    each: usize,
    total: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by: HashMap<Owner, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    quota: Arc<Quota>,
    owner: Owner,
}

impl Quota {
    pub(super) fn new(each: usize, total: usize) -> Self {
        Self { each, total, taken: Mutex::default() }
    }

    /// A place for `owner`, if there is one.
    pub(super) fn take(self: &Arc<Self>, owner: &Owner) -> Option<Place> {
        let mut taken = self.taken();
        if taken.total >= self.total {
            return None;
        }
        match taken.by.get_mut(owner) {
            Some(own) if *own >= self.each => return None,
            Some(own) => *own += 1,
            None if self.each == 0 => return None,
            None => {
                taken.by.insert(owner.clone(), 1);
            }
        }
        taken.total += 1;
        Some(Place { quota: Arc::clone(self), owner: owner.clone() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.quota.taken();
        taken.total = taken.total.saturating_sub(1);
        if let Entry::Occupied(mut own) = taken.by.entry(self.owner.clone()) {
            *own.get_mut() = own.get().saturating_sub(1);
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(subject: &str) -> Owner {
        Owner::Principal {
            issuer: "https://i.example".parse().unwrap(),
            subject: subject.parse().unwrap(),
            client_id: None,
        }
    }

    #[test]
    fn each_owner_and_all_together_have_a_bound() {
        let quota = Arc::new(Quota::new(2, 3));
        let first = quota.take(&owner("a")).unwrap();
        let second = quota.take(&owner("a")).unwrap();
        assert!(quota.take(&owner("a")).is_none(), "one owner");
        let third = quota.take(&owner("b")).unwrap();
        assert!(quota.take(&owner("b")).is_none(), "all together");
        drop(first);
        assert!(quota.take(&owner("b")).is_some());
        drop((second, third));
        let taken = quota.taken();
        assert_eq!((taken.total, taken.by.len()), (0, 0), "nothing is left of those who are gone");
    }
}
