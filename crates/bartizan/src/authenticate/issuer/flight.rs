//! One job at a time, however many want its result.
//!
//! 1. Who comes while a job runs waits for it; the job goes on when who asked first goes away.
//! 2. After a job has begun, none begins before a pause is over, whether it did well or not.
//! 3. The lock is held to look and to begin, never while the job runs.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use auth_core::NumericDate;
use tokio::sync::watch;

/// What a running job has to say, once it has ended. Nothing ever comes if it broke off.
pub(crate) type Landing<T> = watch::Receiver<Option<T>>;

pub(crate) struct Flight<T>(Mutex<State<T>>);

struct State<T> {
    began: Option<NumericDate>,
    running: Option<Landing<T>>,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State { began: None, running: None }))
    }

    /// Joins the job that runs, or begins one; `None` while the pause lasts.
    pub(crate) fn begin<F>(
        &self,
        now: NumericDate,
        pause: Duration,
        job: impl FnOnce() -> F,
    ) -> Option<Landing<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = state.running.as_ref().filter(|running| is_running(running)) {
            return Some(running.clone());
        }
        // A clock that was set back ends the pause: it could last indefinitely otherwise.
        let pausing = |began| began <= now && now.since(began) < pause;
        if state.began.is_some_and(pausing) {
            return None;
        }
        let running = launch(job());
        (state.began, state.running) = (Some(now), Some(running.clone()));
        Some(running)
    }
}

/// Runs `job` on its own.
pub(crate) fn launch<T, F>(job: F) -> Landing<T>
where
    T: Send + Sync + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (done, running) = watch::channel(None);
    tokio::spawn(async move {
        let result = job.await;
        done.send_replace(Some(result));
    });
    running
}

/// Whether the job has neither ended nor broken off.
pub(crate) fn is_running<T>(landing: &Landing<T>) -> bool {
    landing.has_changed().is_ok()
}

/// What the job said; `None` if it broke off.
pub(crate) async fn landed<T: Clone>(mut landing: Landing<T>) -> Option<T> {
    let result = landing.wait_for(Option::is_some).await.ok()?;
    result.clone()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    #[tokio::test]
    async fn many_share_one_job_and_the_next_waits_for_the_pause() {
        let (flight, count) = (Flight::new(), Arc::new(AtomicU32::new(0)));
        let begin = |now| {
            let count = Arc::clone(&count);
            flight.begin(at(now), PAUSE, || async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                count.fetch_add(1, Ordering::SeqCst) + 1
            })
        };
        let (one, two) = (begin(100).unwrap(), begin(100).unwrap());
        assert_eq!((landed(one).await, landed(two).await), (Some(1), Some(1)));
        assert!(begin(109).is_none());
        assert_eq!(landed(begin(110).unwrap()).await, Some(2));
        // Set back: no pause.
        assert_eq!(landed(begin(50).unwrap()).await, Some(3));
    }

    #[tokio::test]
    async fn a_job_goes_on_when_nobody_waits_any_more_and_one_that_breaks_off_is_over() {
        let flight = Flight::new();
        let landing = flight.begin(at(0), PAUSE, || async { 7 }).unwrap();
        let other = landing.clone();
        drop(landing);
        assert_eq!(landed(other).await, Some(7));
        let broken = flight.begin(at(20), PAUSE, || async { panic!("broken off") });
        assert_eq!(landed(broken.unwrap()).await, None);
        assert_eq!(landed(flight.begin(at(40), PAUSE, || async { 8 }).unwrap()).await, Some(8));
    }
}
