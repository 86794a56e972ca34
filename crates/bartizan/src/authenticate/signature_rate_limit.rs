//! A rate limit on bad signatures: under a flood of them, valid calls go on.
//!
//! 1. A signature by a public key costs more to check than all the rest of a call. So each check
//!    needs one of [`BURST`] permits. A bad signature keeps it, and one comes back every [`STEP`]:
//!    bad signatures take a tenth of a core at most.
//! 2. Without a permit the caller waits until there is one, in order of arrival. Nothing is refused
//!    unchecked. A good signature gives its permit back, and so does a caller who does not wait.
//! 3. Cached tokens, and a secret's signature, need no permit.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Algorithm, VerifyError};
use tokio::time::{Instant, sleep_until};

/// How many permits there are at most.
const BURST: u32 = 500;
/// How long it takes until one comes back.
const STEP: Duration = Duration::from_millis(1);

/// The permits, as a time (the generic cell rate algorithm).
#[derive(Debug)]
pub(crate) struct SignatureRateLimit {
    /// The time at which all permits are back.
    full_at: Mutex<Instant>,
}

/// A permit to check one signature. Dropped without a verdict, it is given back.
#[must_use]
pub(crate) struct SignaturePermit<'a>(Option<&'a SignatureRateLimit>);

impl SignaturePermit<'_> {
    /// Keeps the permit if the signature was bad, and passes the verdict on.
    pub(crate) fn finish<T>(mut self, verdict: Result<T, VerifyError>) -> Result<T, VerifyError> {
        if matches!(verdict, Err(VerifyError::Signature)) {
            self.0 = None;
        }
        verdict
    }
}

impl Drop for SignaturePermit<'_> {
    fn drop(&mut self) {
        if let Some(limit) = self.0 {
            limit.give_back();
        }
    }
}

impl SignatureRateLimit {
    pub(crate) fn new() -> Self {
        Self { full_at: Mutex::new(Instant::now()) }
    }

    /// Waits until a signature by `algorithm` may be checked.
    pub(crate) async fn acquire(&self, algorithm: Algorithm) -> SignaturePermit<'_> {
        // A secret's signature costs a hash: there is nothing to save.
        if algorithm == Algorithm::Hs256 {
            return SignaturePermit(None);
        }
        let (permit, at) = (SignaturePermit(Some(self)), self.take(Instant::now()));
        if let Some(at) = at {
            sleep_until(at).await;
        }
        permit
    }

    /// Takes a permit; gives the time from which it holds, if that is not now.
    fn take(&self, now: Instant) -> Option<Instant> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = now.max(*full_at) + STEP;
        full_at.checked_sub(STEP * BURST).filter(|at| *at > now)
    }

    fn give_back(&self) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = full_at.checked_sub(STEP) {
            *full_at = before;
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
        signatures: &SignatureRateLimit,
        algorithm: Algorithm,
        count: u32,
        verdict: Result<(), VerifyError>,
    ) -> Duration {
        let begun = Instant::now();
        for _ in 0..count {
            assert_eq!(signatures.acquire(algorithm).await.finish(verdict), verdict);
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn bad_signatures_wait_for_permits_and_a_pause_brings_no_more_than_there_were() {
        let signatures = SignatureRateLimit::new();
        assert_eq!(spend(&signatures, Algorithm::Es256, BURST, BAD).await, Duration::ZERO);
        let waited = spend(&signatures, Algorithm::Es256, 2000, BAD).await.as_millis();
        assert!((1900..2100).contains(&waited), "{waited} ms");
        sleep(Duration::from_mins(10)).await;
        assert_eq!(spend(&signatures, Algorithm::Es256, BURST, BAD).await, Duration::ZERO);
        assert!(spend(&signatures, Algorithm::Es256, 1, BAD).await > Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn good_signatures_other_faults_and_a_secret_take_none() {
        let signatures = SignatureRateLimit::new();
        let begun = Instant::now();
        spend(&signatures, Algorithm::EdDsa, 3 * BURST, Ok(())).await;
        spend(&signatures, Algorithm::EdDsa, 3 * BURST, Err(VerifyError::Expired)).await;
        spend(&signatures, Algorithm::EdDsa, BURST, BAD).await;
        spend(&signatures, Algorithm::Hs256, 3 * BURST, BAD).await;
        spend(&signatures, Algorithm::Hs256, 3 * BURST, Ok(())).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let next = spend(&signatures, Algorithm::EdDsa, 1, Ok(())).await;
        assert!(next > Duration::ZERO, "and a secret's gives none back");
    }

    #[tokio::test(start_paused = true)]
    async fn callers_are_served_in_order_and_one_that_leaves_delays_no_other() {
        let signatures = Arc::new(SignatureRateLimit::new());
        spend(&signatures, Algorithm::Rs256, BURST, BAD).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..10 {
            let (signatures, order) = (Arc::clone(&signatures), Arc::clone(&order));
            waiting.push(tokio::spawn(async move {
                let _ = signatures.acquire(Algorithm::Rs256).await.finish(BAD);
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
        let next = spend(&signatures, Algorithm::Rs256, 1, BAD).await;
        assert!(next <= Duration::from_millis(3), "permits of those who left are taken: {next:?}");
    }
}
