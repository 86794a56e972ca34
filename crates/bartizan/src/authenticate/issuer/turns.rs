//! Whose question to an issuer is asked next.
//!
//! 1. At most [`AT_ONCE`] questions are under way.
//! 2. Tokens that are known to have been good go first: unknown ones wait in a queue, of
//!    which one alone asks for a turn, and they never have the last [`KEPT`] turns.
//! 3. An issuer that has said no about an unknown token is asked about the next such token a
//!    little later: [`BURST`] of them at once, and one more every [`STEP`].
//! 4. A caller that leaves the queue delays no other.

use std::{
    sync::{Mutex as StdMutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

/// How many questions are under way at once.
const AT_ONCE: usize = 32;
/// How many of these are kept for tokens that are known.
const KEPT: usize = 8;
/// How many noes about unknown tokens an issuer may have to say at once.
const BURST: u32 = 500;
/// How long it takes until it is asked for one more.
const STEP: Duration = Duration::from_millis(5);

pub(super) struct Turns {
    all: Semaphore,
    unknown: Semaphore,
    /// Held by the first in the queue of unknown tokens.
    line: Mutex<()>,
    /// The time at which all noes are forgotten.
    whole: StdMutex<Instant>,
}

/// The leave to ask, until it is dropped.
#[must_use]
pub(super) struct Turn<'a> {
    _one: SemaphorePermit<'a>,
    _of_unknown: Option<SemaphorePermit<'a>>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            all: Semaphore::new(AT_ONCE),
            unknown: Semaphore::new(AT_ONCE - KEPT),
            line: Mutex::new(()),
            whole: StdMutex::new(Instant::now()),
        }
    }

    /// Waits for a turn. `None` never comes: it would say that there are none any more.
    pub(super) async fn take(&self, is_known: bool) -> Option<Turn<'_>> {
        if is_known {
            return Some(Turn { _one: self.all.acquire().await.ok()?, _of_unknown: None });
        }
        let _first = self.line.lock().await;
        while let Some(at) = self.due(Instant::now()) {
            sleep_until(at).await;
        }
        let of_unknown = self.unknown.acquire().await.ok()?;
        Some(Turn { _one: self.all.acquire().await.ok()?, _of_unknown: Some(of_unknown) })
    }

    /// The issuer said no about an unknown token.
    pub(super) fn was_no(&self) {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        *whole = Instant::now().max(*whole) + STEP;
    }

    /// When the issuer may be asked about an unknown token; `None` if it may be now.
    fn due(&self, now: Instant) -> Option<Instant> {
        let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.checked_sub(STEP * BURST).filter(|at| *at > now)
    }
}
