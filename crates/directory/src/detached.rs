//! Changes that are made to their end, also where who asked for them has gone.
//!
//! 1. A server drops the future of a request once its caller disconnects. What was sent to the
//!    database by then takes effect, and what comes after it, such as the record of the change,
//!    would not happen. So the change runs in a task of its own.
//! 2. There are so many at once, and of one holder, an address for example, a quarter of them: a
//!    caller that asks and disconnects keeps no other from making changes.
//! 3. A stop waits for them, so that the log that records them is closed after them.

use std::{
    collections::HashMap,
    future::Future,
    panic::resume_unwind,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};
use tracing::Instrument;

/// How long a stop waits for the changes that have begun.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Changes that are made to their end. Its clones are one.
#[derive(Debug, Clone)]
pub struct DetachedChanges {
    room: Arc<Semaphore>,
    most: u32,
    held: Arc<Held>,
}

/// How many are of each holder. Those of whom it is not known are counted together.
#[derive(Debug, Default)]
struct Held(Mutex<HashMap<Option<u128>, u32>>);

/// One change of a holder, until it is dropped.
struct Share(Arc<Held>, Option<u128>);

impl Share {
    /// One more, if the holder has less than `most`.
    fn take(held: &Arc<Held>, holder: Option<u128>, most: u32) -> Option<Self> {
        let mut counts = held.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(holder).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self(Arc::clone(held), holder))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Self(held, holder) = self;
        let mut counts = held.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(holder) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(holder);
            }
        }
    }
}

/// Why a change was not made, or why it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetachedChangesError {
    /// As many as may be are being made: nothing was begun.
    #[error("too many changes are being made at the moment")]
    Busy,
    /// The process ends.
    #[error("the change was not awaited, as the process ends")]
    Ending,
}

impl DetachedChanges {
    /// At most `most` at once.
    #[must_use]
    pub fn new(most: u32) -> Self {
        // A semaphore has room for fewer on small machines alone.
        let permits = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(permits)), most, held: Arc::default() }
    }

    /// Makes `change` of `holder` in a task of its own, in the current span. It ends also if the
    /// future that this returns is dropped after its first poll. A panic of `change` goes on in the
    /// caller.
    ///
    /// # Errors
    ///
    /// [`DetachedChangesError`].
    pub async fn run<T: Send + 'static>(
        &self,
        holder: Option<u128>,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, DetachedChangesError> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| DetachedChangesError::Busy)?;
        let share = Share::take(&self.held, holder, self.most.div_ceil(4));
        let share = share.ok_or(DetachedChangesError::Busy)?;
        let running = async move {
            let done = change.await;
            drop((room, share));
            done
        };
        let ended = tokio::spawn(running.in_current_span()).await;
        ended.map_err(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => DetachedChangesError::Ending,
        })
    }

    /// Waits until all changes have ended, ten seconds at most. To be called once none begins any
    /// more.
    pub async fn wait_for_end(&self) {
        if timeout(END_TIMEOUT, self.room.acquire_many(self.most)).await.is_err() {
            let free = u32::try_from(self.room.available_permits()).unwrap_or(self.most);
            let changes = self.most.saturating_sub(free);
            tracing::error!(changes, "Changes have not ended in time: they may have no record");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::pin, task::Poll};

    use futures_util::{FutureExt, future::poll_fn};
    use tokio::{sync::oneshot, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn a_change_ends_also_where_who_asked_for_it_has_gone() {
        let changes = DetachedChanges::new(1);
        let (go_on, waits) = oneshot::channel::<()>();
        let (says_done, done) = oneshot::channel();
        {
            let mut asking = pin!(changes.run(None, async {
                waits.await.unwrap();
                says_done.send(()).unwrap();
            }));
            poll_fn(|context| {
                assert!(asking.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        assert_eq!(changes.run(Some(1), async {}).await, Err(DetachedChangesError::Busy));
        assert!(changes.wait_for_end().now_or_never().is_none(), "it has not ended");
        go_on.send(()).unwrap();
        done.await.unwrap();
        changes.wait_for_end().await;
        assert_eq!(changes.run(None, async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn one_holder_has_a_quarter_and_gets_it_back() {
        let changes = DetachedChanges::new(8);
        let (go_on, waits) = oneshot::channel::<()>();
        let waits = waits.shared();
        let mut begun = Vec::new();
        for _ in 0..2 {
            let (changes, waits) = (changes.clone(), waits.clone());
            begun.push(tokio::spawn(async move { changes.run(Some(1), waits).await }));
            yield_now().await;
        }
        assert_eq!(changes.run(Some(1), async {}).await, Err(DetachedChangesError::Busy));
        for other in [Some(2), None] {
            assert_eq!(changes.run(other, async {}).await, Ok(()));
        }
        go_on.send(()).unwrap();
        for one in begun {
            one.await.unwrap().unwrap().unwrap();
        }
        assert_eq!(changes.run(Some(1), async {}).await, Ok(()));
        assert!(changes.held.0.lock().unwrap().is_empty(), "nothing is kept");
    }

    #[tokio::test]
    async fn a_panic_goes_on_in_the_caller_and_leaves_room() {
        let changes = DetachedChanges::new(1);
        let asking = changes.clone();
        let caller =
            tokio::spawn(async move { asking.run(None, async { panic!("of a test") }).await });
        let panic = caller.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"of a test"));
        assert_eq!(changes.run(None, async {}).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_does_not_end_is_not_waited_for_without_end() {
        let changes = DetachedChanges::new(2);
        let asking = changes.clone();
        tokio::spawn(async move { asking.run(None, pending::<()>()).await });
        yield_now().await;
        let began = tokio::time::Instant::now();
        changes.wait_for_end().await;
        assert_eq!(began.elapsed(), END_TIMEOUT);
    }
}
