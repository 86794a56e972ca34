//! How much of something callers hold at once: bytes of bodies, streams, calls.
//!
//! 1. There is a bound for all callers together, one for each caller, and one for all without a
//!    token.
//! 2. A caller is a user (issuer and subject), through whichever clients it comes.
//! 3. What is held is given back when the [`Share`] is dropped, however the request ended.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Issuer, Owner, Subject};

/// Who holds something that is bounded: a user, through whichever clients they come. An [`Owner`]
/// has the client too, and everybody can register clients: bounds for each owner would bound no
/// one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Everybody without a token.
    Anonymous,
    /// A user.
    User(Issuer, Subject),
}

impl From<&Owner> for Holder {
    fn from(owner: &Owner) -> Self {
        match owner {
            Owner::Anonymous => Self::Anonymous,
            Owner::Principal { issuer, subject, .. } => Self::User(issuer.clone(), subject.clone()),
        }
    }
}

/// How much may be held.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// By all callers together.
    pub total: usize,
    /// By each user.
    pub each: usize,
    /// By all without a token together.
    pub anonymous: usize,
}

/// Which bound was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotaExceededError {
    /// That of one caller.
    #[error("this caller")]
    Caller,
    /// That of all callers.
    #[error("all callers together")]
    Total,
}

/// What is held. The bounds come with each share, so that they can change while shares are held.
#[derive(Debug, Default)]
pub struct Quota(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by: HashMap<Holder, usize>,
}

impl Quota {
    /// A share of nothing yet, within `bounds`.
    #[must_use]
    pub fn share(self: &Arc<Self>, holder: Holder, bounds: Bounds) -> Share {
        Share { quota: Arc::clone(self), holder, bounds, amount: 0 }
    }

    /// How much all callers hold together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.held().total
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one request holds.
#[derive(Debug)]
pub struct Share {
    quota: Arc<Quota>,
    holder: Holder,
    bounds: Bounds,
    amount: usize,
}

impl Share {
    /// Whether its holder has no token.
    #[must_use]
    pub fn is_of_nobody(&self) -> bool {
        self.holder == Holder::Anonymous
    }

    /// Holds `amount` in all; less than is held already changes nothing.
    pub fn hold(&mut self, amount: usize) -> Result<(), QuotaExceededError> {
        let more = amount.saturating_sub(self.amount);
        if more == 0 {
            return Ok(());
        }
        let Bounds { total, each, anonymous } = self.bounds;
        let bound = if self.is_of_nobody() { anonymous } else { each };
        let mut held = self.quota.held();
        let own = held.by.get(&self.holder).copied().unwrap_or_default();
        if own.saturating_add(more) > bound {
            return Err(QuotaExceededError::Caller);
        }
        if held.total.saturating_add(more) > total {
            return Err(QuotaExceededError::Total);
        }
        held.total += more;
        held.by.insert(self.holder.clone(), own + more);
        self.amount = amount;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.amount == 0 {
            return;
        }
        let mut held = self.quota.held();
        held.total = held.total.saturating_sub(self.amount);
        if let Entry::Occupied(mut own) = held.by.entry(self.holder.clone()) {
            let left = own.get().saturating_sub(self.amount);
            if left == 0 {
                own.remove();
            } else {
                own.insert(left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Holder {
        Holder::User("https://issuer.example".parse().unwrap(), name.parse().unwrap())
    }

    #[test]
    fn each_caller_has_a_bound_and_all_together_have_one() {
        let quota = Arc::<Quota>::default();
        let share = |holder| quota.share(holder, Bounds { total: 10, each: 6, anonymous: 2 });
        let (mut first, mut second) = (share(user("a")), share(user("a")));
        first.hold(4).unwrap();
        first.hold(3).unwrap();
        assert_eq!(second.hold(3), Err(QuotaExceededError::Caller));
        second.hold(2).unwrap();
        let mut other = share(user("b"));
        assert_eq!(other.hold(5), Err(QuotaExceededError::Total));
        other.hold(2).unwrap();
        let mut anonymous = share(Holder::Anonymous);
        assert_eq!(anonymous.hold(3), Err(QuotaExceededError::Caller));
        anonymous.hold(2).unwrap();
        assert_eq!(quota.total(), 10);
        drop(first);
        other.hold(6).unwrap();
        drop((second, other, anonymous));
        let held = quota.held();
        assert_eq!((held.total, held.by.len()), (0, 0), "nothing is left of those who are gone");
    }
}
