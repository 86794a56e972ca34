//! What clients publish at addresses of their own, fetched and remembered.
//!
//! 1. It is remembered for as long as its `Cache-Control` says ([`freshness`](super::freshness)), a
//!    fault for [`PAUSE`].
//! 2. A caller whom it does not help has it fetched anew, unless that was done within [`PAUSE`].
//! 3. What cannot be had again, or not now because too much is being fetched, which strangers may
//!    cause, stays as it was for up to [`MAX_FRESH`] after it was fetched: a client whose site is
//!    down for an hour keeps its users.
//! 4. A fetch has [`FETCH_TIME`]. There is one at a time for each address, [`MAX_FETCHES`] in all,
//!    and [`FETCHES_PER_MINUTE`] for each address that asks.

use std::{sync::Arc, time::Duration};

use auth_core::NumericDate;
use quick_cache::sync::Cache;
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};

use super::{fetch::Fetch, freshness::MAX_FRESH};
use crate::limit::AddressLimit;

/// How long a fetch may take: some clients wait for five seconds.
const FETCH_TIME: Duration = Duration::from_secs(3);
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_secs(10);
/// How much is fetched at once.
const MAX_FETCHES: usize = 32;
/// How much is fetched for one address in a minute.
const FETCHES_PER_MINUTE: u32 = 30;
/// How much is remembered.
const REMEMBERED: usize = 512;

/// What clients publish of one kind, by its address.
#[derive(Debug)]
pub(super) struct Published<T> {
    /// What it is, in the plural, for people.
    what: &'static str,
    slots: Cache<String, Arc<Mutex<Option<Remembered<T>>>>>,
    fetches: Semaphore,
    by_address: AddressLimit,
}

/// What came of the last fetch.
#[derive(Debug, Clone)]
struct Remembered<T> {
    outcome: Result<T, PublishedError>,
    /// When it came.
    fetched_at: NumericDate,
    /// When it was last asked for.
    asked_at: NumericDate,
    fresh_until: NumericDate,
}

/// Why it cannot be had, as a text for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PublishedError {
    /// It is there, and is not to be used.
    #[error("{0}")]
    Refused(String),
    /// It is not there now.
    #[error("{0}")]
    Unreachable(String),
}

impl<T: Clone> Published<T> {
    /// `what` is what it is, in the plural, for people.
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            slots: Cache::new(REMEMBERED),
            fetches: Semaphore::new(MAX_FETCHES),
            by_address: AddressLimit::default(),
        }
    }

    /// What is at `url`: what `fetch` gives, with how long it may be remembered, unless it is
    /// remembered. If that `is_seen`, it has not helped the caller (rule 2).
    pub(super) async fn get(
        &self,
        way: Fetch<'_>,
        url: &str,
        is_seen: impl Fn(&T) -> bool,
        fetch: impl Future<Output = Result<(T, Duration), PublishedError>>,
    ) -> Result<T, PublishedError> {
        let Ok(slot) = self.slots.get_or_insert_with(url, || Ok::<_, ()>(Arc::default())) else {
            return Err(self.busy());
        };
        let mut remembered = slot.lock().await;
        let now = way.now;
        if let Some(last) = remembered.as_ref().filter(|last| last.serves(is_seen, now)) {
            return last.outcome.clone();
        }
        let is_allowed = self.by_address.count(way.asker, FETCHES_PER_MINUTE, now).is_ok();
        let permit = self.fetches.try_acquire().ok().filter(|_| is_allowed);
        let Some(_permit) = permit else {
            let last = remembered.as_ref().filter(|last| last.outlives_an_outage(now));
            return last.map_or_else(|| Err(self.busy()), |last| last.outcome.clone());
        };
        let next = match (self.fetched(fetch, now).await, remembered.take()) {
            (
                Remembered { outcome: Err(PublishedError::Unreachable(_)), fresh_until, .. },
                Some(last),
            ) if last.outlives_an_outage(now) => Remembered { fresh_until, asked_at: now, ..last },
            (next, _) => next,
        };
        let outcome = next.outcome.clone();
        *remembered = Some(next);
        outcome
    }

    async fn fetched(
        &self,
        fetch: impl Future<Output = Result<(T, Duration), PublishedError>>,
        now: NumericDate,
    ) -> Remembered<T> {
        let fetched = timeout(FETCH_TIME, fetch).await.unwrap_or_else(|_| {
            let (what, secs) = (self.what, FETCH_TIME.as_secs());
            let text = format!("its {what} do not come within {secs} seconds");
            Err(PublishedError::Unreachable(text))
        });
        let fresh = fetched.as_ref().map_or(PAUSE, |(_, fresh)| *fresh);
        let outcome = fetched.map(|(value, _)| value);
        Remembered { outcome, fetched_at: now, asked_at: now, fresh_until: now.plus(fresh) }
    }

    fn busy(&self) -> PublishedError {
        let text = format!("too many {} are being fetched: try again in a minute", self.what);
        PublishedError::Unreachable(text)
    }
}

impl<T> Remembered<T> {
    fn serves(&self, is_seen: impl Fn(&T) -> bool, now: NumericDate) -> bool {
        if self.outcome.as_ref().is_ok_and(is_seen) {
            // A clock that was set back must not make it last.
            self.asked_at <= now && now.since(self.asked_at) < PAUSE
        } else {
            now < self.fresh_until
        }
    }

    /// Rule 3.
    fn outlives_an_outage(&self, now: NumericDate) -> bool {
        self.outcome.is_ok() && now.since(self.fetched_at) < MAX_FRESH
    }
}
