//! How many calls each user, and all together, have in flight.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::Owner;

use crate::pool::Holder;

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
    by: HashMap<Holder, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    quota: Arc<Quota>,
    holder: Holder,
}

impl Quota {
    pub(super) fn new(each: usize, total: usize) -> Self {
        Self { each, total, taken: Mutex::default() }
    }

    /// A place for the user who `owner` is, if there is one.
    pub(super) fn take(self: &Arc<Self>, owner: &Owner) -> Option<Place> {
        let holder = Holder::from(owner);
        let mut taken = self.taken();
        if taken.total >= self.total {
            return None;
        }
        match taken.by.get_mut(&holder) {
            Some(own) if *own >= self.each => return None,
            Some(own) => *own += 1,
            None if self.each == 0 => return None,
            None => {
                taken.by.insert(holder.clone(), 1);
            }
        }
        taken.total += 1;
        Some(Place { quota: Arc::clone(self), holder })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.quota.taken();
        taken.total = taken.total.saturating_sub(1);
        if let Entry::Occupied(mut own) = taken.by.entry(self.holder.clone()) {
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
        through("a", subject)
    }

    fn through(client: &str, subject: &str) -> Owner {
        Owner::Principal {
            issuer: "https://i.example".parse().unwrap(),
            subject: subject.parse().unwrap(),
            client_id: Some(client.parse().unwrap()),
        }
    }

    #[test]
    fn each_user_and_all_together_have_a_bound() {
        let quota = Arc::new(Quota::new(2, 3));
        let first = quota.take(&owner("a")).unwrap();
        let second = quota.take(&through("b", "a")).unwrap();
        assert!(quota.take(&through("c", "a")).is_none(), "one user, through any client");
        let third = quota.take(&owner("b")).unwrap();
        assert!(quota.take(&owner("b")).is_none(), "all together");
        drop(first);
        assert!(quota.take(&owner("b")).is_some());
        drop((second, third));
        let taken = quota.taken();
        assert_eq!((taken.total, taken.by.len()), (0, 0), "nothing is left of those who are gone");
    }
}
