//! One call at a time that can be asked, on a server that asks and does not say whom.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most calls that wait for their turn on one connection.
const MAX_WAITING: usize = 64;

/// The turns of one connection.
#[derive(Debug)]
pub(crate) struct Turns {
    turn: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Whether the server has asked anything yet. Calls of servers that never ask run side by side.
    asks: AtomicBool,
    patience: Duration,
}

/// The right to be the one call that can be asked. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// Too many calls wait, or one has waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another call of this client waits for an answer of its user")]
pub(crate) struct BusyError;

impl Turns {
    /// Calls wait at most `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
            asks: AtomicBool::new(false),
            patience,
        }
    }

    /// The server has asked.
    pub(crate) fn learn(&self) {
        self.asks.store(true, Ordering::Relaxed);
    }

    /// Waits until no other call can be asked. `None` if the server has never asked: a call that
    /// begins before it does is not waited for.
    pub(crate) async fn take(&self) -> Result<Option<Turn>, BusyError> {
        if !self.asks.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if let Ok(permit) = Arc::clone(&self.turn).try_acquire_owned() {
            return Ok(Some(Turn(permit)));
        }
        let _place = Place::take(&self.waiting).ok_or(BusyError)?;
        let turn = Arc::clone(&self.turn).acquire_owned();
        let permit = tokio::time::timeout(self.patience, turn).await.map_err(|_| BusyError)?;
        permit.map(|permit| Some(Turn(permit))).map_err(|_| BusyError)
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        // Given back by the drop, if there was none.
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns() -> Turns {
        Turns::new(Duration::from_mins(1))
    }

    #[tokio::test(start_paused = true)]
    async fn calls_of_a_server_that_never_asks_run_side_by_side() {
        let turns = turns();
        assert!(turns.take().await.unwrap().is_none());
        assert!(turns.take().await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_once_it_has_asked() {
        let turns = turns();
        turns.learn();
        let first = turns.take().await.unwrap().unwrap();
        assert_eq!(turns.take().await.unwrap_err(), BusyError, "it waits, and not without end");
        drop(first);
        assert!(turns.take().await.unwrap().is_some());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded() {
        let turns = Arc::new(turns());
        turns.learn();
        let first = turns.take().await.unwrap();
        let waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| {
                let turns = Arc::clone(&turns);
                tokio::spawn(async move { turns.take().await.map(drop) })
            })
            .collect();
        while turns.waiting.load(Ordering::Relaxed) < MAX_WAITING {
            tokio::task::yield_now().await;
        }
        let before = tokio::time::Instant::now();
        assert_eq!(turns.take().await.unwrap_err(), BusyError);
        assert_eq!(before.elapsed(), Duration::ZERO, "the queue is full: nothing to wait for");
        drop(first);
        for call in waiting {
            call.await.unwrap().unwrap();
        }
    }
}
