//! How many servers there may be, of all upstreams together.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::Owner;
use tokio::{sync::Notify, time::timeout};

use super::{error::PoolError, usage::Usage};

/// How many servers there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundsConfig {
    /// Of all owners and upstreams together. Default: 128. Count 6 MiB (Rust) to 75 MiB (Node.js)
    /// of memory for each.
    pub total: usize,
    /// Of one user (issuer and subject), through all their clients, of all upstreams together.
    /// Callers without a token are one user. Default: 32.
    pub per_owner: usize,
}

impl Default for BoundsConfig {
    fn default() -> Self {
        Self { total: 128, per_owner: 32 }
    }
}

/// The servers of all upstreams. Cheap to clone: they are the same bounds.
#[derive(Debug, Clone)]
pub struct Bounds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: BoundsConfig,
    /// One for each server that is starting, runs, or is being ended.
    slots: Mutex<Vec<Arc<Usage>>>,
    freed: Notify,
}

/// The room for one server. Dropping it makes room for another one.
#[derive(Debug)]
pub struct Slot {
    bounds: Bounds,
    usage: Arc<Usage>,
}

impl Bounds {
    /// Bounds within which there is no server yet.
    #[must_use]
    pub fn new(config: BoundsConfig) -> Self {
        Self(Arc::new(Inner { config, slots: Mutex::default(), freed: Notify::new() }))
    }

    /// How many servers there are.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.slots().len()
    }

    /// Waits until there is no server any more.
    pub async fn empty(&self) {
        loop {
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.taken() == 0 {
                return;
            }
            freed.await;
        }
    }

    /// Room for the server of `usage`. If there is none, an idle one is ended, and this waits for
    /// that as long as `patience`.
    pub(super) async fn take(
        &self,
        usage: &Arc<Usage>,
        patience: Duration,
    ) -> Result<Slot, PoolError> {
        let mut refusal = PoolError::Full;
        let taken = timeout(patience, async {
            loop {
                let freed = self.0.freed.notified();
                tokio::pin!(freed);
                // From now on, not from the first poll on.
                freed.as_mut().enable();
                match self.try_take(usage) {
                    Attempt::Taken(slot) => return Ok(slot),
                    Attempt::Refused(error) => return Err(error),
                    Attempt::Wait(error) => refusal = error,
                }
                freed.await;
            }
        });
        let taken = taken.await;
        taken.unwrap_or(Err(refusal))
    }

    fn try_take(&self, usage: &Arc<Usage>) -> Attempt {
        let mut slots = self.slots();
        let has_same_holder =
            |other: &Arc<Usage>| usage.holder().is_some() && other.holder() == usage.holder();
        let of_owner = slots.iter().filter(|other| has_same_holder(other)).count();
        let refusal = if of_owner >= self.0.config.per_owner {
            PoolError::OwnerFull
        } else if slots.len() >= self.0.config.total {
            PoolError::Full
        } else {
            slots.push(Arc::clone(usage));
            return Attempt::Taken(Slot { bounds: self.clone(), usage: Arc::clone(usage) });
        };
        let candidates = || {
            let own_only = matches!(refusal, PoolError::OwnerFull);
            slots.iter().filter(move |other| !own_only || has_same_holder(other))
        };
        let idle = candidates().filter_map(|it| Some((it.idle_since()?, it)));
        let longest_idle = idle.min_by_key(|(since, _)| *since);
        let is_ended = longest_idle.is_some_and(|(_, usage)| usage.end_if_idle());
        if is_ended || candidates().any(|it| it.is_ending()) {
            Attempt::Wait(refusal)
        } else {
            Attempt::Refused(refusal)
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Usage>>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Attempt {
    Taken(Slot),
    /// One is being ended.
    Wait(PoolError),
    Refused(PoolError),
}

impl Slot {
    /// The connection has ended: no caller gets it any more. The room is still taken.
    pub fn close(&self) {
        self.usage.close();
    }

    /// Whose the server is; `None`: all callers share it.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        self.usage.owner()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.usage.close();
        self.bounds.slots().retain(|usage| !Arc::ptr_eq(usage, &self.usage));
        self.bounds.0.freed.notify_waiters();
    }
}
