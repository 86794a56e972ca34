//! How much work bad signatures may make: under a flood of them, valid calls go on.
//!
//! 1. A signature by a public key costs more to check than all the rest of a call. So each that turns out
//!    bad takes one of [`BURST`] turns, and one comes back every [`STEP`]: a tenth of a core at most.
//! 2. Where no turn is left, whoever comes next is told when there will be one, and waits until then. Nothing is
//!    refused unchecked. A good signature gives its turn back, and so does a caller who does not wait.
//! 3. What is remembered, and a secret's signature, need no turn.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Algorithm, VerifyError};
use tokio::time::{Instant, sleep_until};

/// How many turns there are at most.
const BURST: u32 = 500;
/// How long it takes until one comes back.
const STEP: Duration = Duration::from_millis(1);

/// When turns were taken.
#[derive(Debug)]
pub(crate) struct Pace {
    /// The time at which all turns that were taken are back.
    whole: Mutex<Instant>,
}

/// The leave to check one signature. Dropped without a verdict, it is given back.
#[must_use]
pub(crate) struct Turn<'a>(Option<&'a Pace>);

impl Turn<'_> {
    /// Takes down how the check went, and hands it back.
    pub(crate) fn took<T>(mut self, verdict: Result<T, VerifyError>) -> Result<T, VerifyError> {
        if matches!(verdict, Err(VerifyError::Signature)) {
            self.0 = None;
        }
        verdict
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(pace) = self.0 {
            pace.give_back();
        }
    }
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { whole: Mutex::new(Instant::now()) }
    }

    /// Waits until a signature by `algorithm` may be checked.
    pub(crate) async fn turn(&self, algorithm: Algorithm) -> Turn<'_> {
        // A secret's signature costs a hash: there is nothing to save.
        if algorithm == Algorithm::Hs256 {
            return Turn(None);
        }
        let (turn, at) = (Turn(Some(self)), self.take(Instant::now()));
        if let Some(at) = at {
            sleep_until(at).await;
        }
        turn
    }

    /// Takes a turn; tells when it comes, if that is not now.
    fn take(&self, now: Instant) -> Option<Instant> {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        *whole = now.max(*whole) + STEP;
        whole.checked_sub(STEP * BURST).filter(|at| *at > now)
    }

    fn give_back(&self) {
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = whole.checked_sub(STEP) {
            *whole = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::sleep;

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
        let waited = spend(&pace, Algorithm::Es256, 2000, BAD).await.as_millis();
        assert!((1900..2100).contains(&waited), "{waited} ms");
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
        let begun = Instant::now();
        for leaves in [0, 5] {
            waiting[leaves].abort();
        }
        for task in waiting {
            let _ = task.await;
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 6, 7, 8, 9]);
        assert!(begun.elapsed() <= Duration::from_millis(15));
        let next = spend(&pace, Algorithm::Rs256, 1, BAD).await;
        assert!(next <= Duration::from_millis(3), "turns of those who left are taken: {next:?}");
    }
}
