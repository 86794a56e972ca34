//! How much work bad signatures may make: under a flood of them, valid calls go on.
//!
//! 1. A signature by a public key costs more to check than all the rest of a call. So each that turns out
//!    bad takes one of [`BURST`] turns, and [`RATE`] come back in a second: a few per cent of a core.
//! 2. Where no turn is left, the next check waits for one, in the order of arrival. Nothing is refused
//!    unchecked, and a good signature gives its turn back.
//! 3. What is remembered, and a secret's signature, need no turn.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Algorithm, VerifyError};
use tokio::time::{Instant, sleep};

/// How many checks of bad signatures there are in a second, when all turns are taken.
const RATE: u32 = 1000;
/// How many turns there are at most.
const BURST: u32 = 500;

/// The turns that are left.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Held by the first of those who wait; the others wait for it.
    head: tokio::sync::Mutex<()>,
    left: Mutex<Left>,
}

#[derive(Debug)]
struct Left {
    turns: u32,
    /// The time up to which turns have come back.
    counted: Instant,
}

/// The leave to check one signature.
#[must_use]
pub(crate) struct Turn<'a>(Option<&'a Pace>);

impl Turn<'_> {
    /// Takes down how the check went, and hands it back.
    pub(crate) fn took<T>(self, verdict: Result<T, VerifyError>) -> Result<T, VerifyError> {
        if let (Some(pace), false) = (self.0, matches!(verdict, Err(VerifyError::Signature))) {
            pace.give_back();
        }
        verdict
    }
}

impl Pace {
    pub(crate) fn new() -> Self {
        let left = Left { turns: BURST, counted: Instant::now() };
        Self { head: tokio::sync::Mutex::new(()), left: Mutex::new(left) }
    }

    /// Waits until a signature by `algorithm` may be checked.
    pub(crate) async fn turn(&self, algorithm: Algorithm) -> Turn<'_> {
        // A secret's signature costs a hash: there is nothing to save.
        if algorithm == Algorithm::Hs256 {
            return Turn(None);
        }
        let _head = self.head.lock().await;
        while !self.take() {
            sleep(Duration::from_secs(1) / RATE).await;
        }
        Turn(Some(self))
    }

    fn give_back(&self) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.turns = BURST.min(left.turns + 1);
    }

    fn take(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.come_back(Instant::now());
        let taken = left.turns.checked_sub(1);
        left.turns = taken.unwrap_or_default();
        taken.is_some()
    }
}

impl Left {
    fn come_back(&mut self, now: Instant) {
        if self.turns >= BURST {
            self.counted = now;
            return;
        }
        let passed = now.saturating_duration_since(self.counted).as_micros();
        let back = passed * u128::from(RATE) / 1_000_000;
        if back > 0 {
            self.turns = BURST.min(self.turns.saturating_add(back.try_into().unwrap_or(BURST)));
            self.counted = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const BAD: Result<(), VerifyError> = Err(VerifyError::Signature);

    /// How long it takes to check `count` signatures that turn out as `verdict` says.
    async fn spend(
        pace: &Pace,
        algorithm: Algorithm,
        count: u32,
        verdict: Result<(), VerifyError>,
    ) -> Duration {
        let begun = Instant::now();
        for _ in 0..count {
            assert_eq!(pace.turn(algorithm).await.took(verdict), verdict);
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn bad_signatures_wait_for_turns_and_a_pause_brings_no_more_than_there_were() {
        let pace = Pace::new();
        assert_eq!(spend(&pace, Algorithm::Es256, BURST, BAD).await, Duration::ZERO);
        let waited = spend(&pace, Algorithm::Es256, 2 * RATE, BAD).await.as_millis();
        assert!((1900..4100).contains(&waited), "{waited} ms");
        sleep(Duration::from_mins(10)).await;
        assert_eq!(spend(&pace, Algorithm::Es256, BURST, BAD).await, Duration::ZERO);
        assert!(spend(&pace, Algorithm::Es256, 1, BAD).await > Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn good_signatures_other_faults_and_a_secret_take_none() {
        let pace = Pace::new();
        let begun = Instant::now();
        spend(&pace, Algorithm::EdDsa, 3 * BURST, Ok(())).await;
        spend(&pace, Algorithm::EdDsa, 3 * BURST, Err(VerifyError::Expired)).await;
        spend(&pace, Algorithm::EdDsa, BURST, BAD).await;
        spend(&pace, Algorithm::Hs256, 3 * BURST, BAD).await;
        spend(&pace, Algorithm::Hs256, 3 * BURST, Ok(())).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let next = spend(&pace, Algorithm::EdDsa, 1, Ok(())).await;
        assert!(next > Duration::ZERO, "and a secret's gives none back");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_came_first_is_first_and_whoever_leaves_holds_nobody_up() {
        let pace = Arc::new(Pace::new());
        spend(&pace, Algorithm::Rs256, BURST, BAD).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..10 {
            let (pace, order) = (Arc::clone(&pace), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _ = pace.turn(Algorithm::Rs256).await.took(BAD);
                order.lock().unwrap().push(number);
            }));
            tokio::task::yield_now().await;
        }
        for leaves in [0, 5] {
            waiting[leaves].abort();
        }
        for task in waiting {
            let _ = task.await;
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 6, 7, 8, 9]);
    }
}
