//! The records that are not yet written: bounded, and with room that is taken before a decision.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{
    Clock, NumericDate,
    audit::{Entry, Timestamp},
};
use bartizan::{NoRoomError, Room};
use tokio::sync::Notify;

use crate::budget::{Budget, Over};

/// How many decisions wait at most, those that are being made included.
const CAPACITY: usize = 8192;
/// How many records wait at most: what happens after a decision, and refusals, have no room taken.
pub(super) const MOST: usize = 2 * CAPACITY;
/// How long a request waits for room.
const ROOM_TIMEOUT: Duration = Duration::from_secs(2);
/// Records a second about requests that were refused without a token that is valid, and with one.
const STRANGERS_BUDGET: u32 = 100;
const CALLERS_BUDGET: u32 = 1000;

/// Records on their way to the file.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to write, or the log is to be closed.
    added: Condvar,
    /// There is room again, or there will be none soon.
    changed: Notify,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Timestamp, Entry)>,
    /// How many were taken and are not yet written.
    taken: usize,
    /// How many decisions are being made.
    reserved: usize,
    /// Since when the file cannot be written.
    failing_since: Option<NumericDate>,
    /// Whether the disk may lack records that were written. That stays so.
    may_lack: bool,
    is_closing: bool,
    skipped: u64,
    strangers: Budget<STRANGERS_BUDGET>,
    callers: Budget<CALLERS_BUDGET>,
}

/// Who caused a record that no room was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// A caller without a token that is valid.
    Stranger,
    /// A caller with one.
    Caller,
    /// What happens after a decision.
    Server,
}

/// What the worker has to do next.
#[derive(Debug)]
pub(super) enum Work {
    /// Write these.
    Write(VecDeque<(Timestamp, Entry)>),
    /// Nothing was added for some time.
    Idle,
    /// Close the file: nothing is left.
    Close,
}

impl Queue {
    pub(super) fn new() -> Arc<Self> {
        Self::with_capacity(CAPACITY)
    }

    pub(super) fn with_capacity(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            added: Condvar::new(),
            changed: Notify::new(),
            capacity,
        })
    }

    /// Room for one decision. Waits for it at most [`ROOM_TIMEOUT`], and not at all while the file
    /// cannot be written.
    pub(super) async fn reserve(self: &Arc<Self>) -> Result<Room, NoRoomError> {
        if let Some(tried) = self.try_reserve() {
            return tried;
        }
        let room = async {
            loop {
                let changed = self.changed.notified();
                if let Some(tried) = self.try_reserve() {
                    return tried;
                }
                changed.await;
            }
        };
        tokio::time::timeout(ROOM_TIMEOUT, room).await.unwrap_or(Err(NoRoomError))
    }

    /// Room for one decision; an error while the file cannot be written, and `None` if there is
    /// none now.
    pub(super) fn try_reserve(self: &Arc<Self>) -> Option<Result<Room, NoRoomError>> {
        let mut state = self.state();
        if state.failing_since.is_some() || state.is_closing {
            return Some(Err(NoRoomError));
        }
        if state.waiting.len() + state.taken + state.reserved >= self.capacity {
            return None;
        }
        state.reserved += 1;
        drop(state);
        Some(Ok(Room::new(Reserved(Arc::clone(self)))))
    }

    /// Adds the record of a decision, for which there is room.
    pub(super) fn push(&self, time: Timestamp, entry: Entry) {
        self.add(self.state(), time, entry);
    }

    /// Adds a record for which no room was taken, within bounds; otherwise it is counted.
    pub(super) fn push_if(
        &self,
        cause: Cause,
        time: Timestamp,
        entry: impl FnOnce() -> Option<Entry>,
    ) {
        let mut state = self.state();
        if state.may_lack && cause != Cause::Server {
            // The file grows until the restart, and no old one makes room.
            state.skipped += 1;
            return;
        }
        let is_within = match cause {
            Cause::Stranger => state.strangers.spend(),
            Cause::Caller => state.callers.spend(),
            Cause::Server => true,
        };
        if !is_within {
            return;
        }
        if state.waiting.len() + state.taken >= MOST {
            state.skipped += 1;
            return;
        }
        if let Some(entry) = entry() {
            self.add(state, time, entry);
        }
    }

    /// Counts a request that has no record.
    pub(super) fn skip(&self) {
        self.state().skipped += 1;
    }

    fn add(&self, mut state: MutexGuard<'_, State>, time: Timestamp, entry: Entry) {
        // The worker waits only while there is nothing.
        let is_first = state.waiting.is_empty();
        state.waiting.push_back((time, entry));
        drop(state);
        if is_first {
            self.added.notify_one();
        }
    }

    /// What is to be done next. Waits for at most `idle`. `now`: the time of counts. The log is not
    /// closed while a decision is being made: its record is still to come.
    pub(super) fn next(&self, idle: Duration, now: impl FnOnce() -> Timestamp) -> Work {
        let state = self.state();
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.is_at_end();
        let waited = self.added.wait_timeout_while(state, idle, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let (Over(strangers), Over(callers)) = if state.is_closing {
            (state.strangers.take_all(), state.callers.take_all())
        } else {
            (state.strangers.take_over(), state.callers.take_over())
        };
        let count = std::mem::take(&mut state.skipped) + strangers + callers;
        if count > 0 {
            state.waiting.push_back((now(), Entry::Skipped { count }));
        }
        if state.waiting.is_empty() {
            return if state.is_at_end() { Work::Close } else { Work::Idle };
        }
        state.taken = state.waiting.len();
        Work::Write(std::mem::take(&mut state.waiting))
    }

    /// What was taken is written.
    pub(super) fn written(&self) {
        let mut state = self.state();
        state.taken = 0;
        if !state.may_lack {
            state.failing_since = None;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The file cannot be written. Whether that is new.
    pub(super) fn failed(&self, clock: &dyn Clock) -> bool {
        let mut state = self.state();
        let is_new = state.failing_since.is_none();
        state.failing_since.get_or_insert_with(|| clock.now());
        drop(state);
        self.changed.notify_waiters();
        is_new
    }

    /// The disk may lack records that were written: no call is passed on any more. Whether that is
    /// new.
    pub(super) fn sync_failed(&self, clock: &dyn Clock) -> bool {
        let is_new = !std::mem::replace(&mut self.state().may_lack, true);
        self.failed(clock);
        is_new
    }

    /// Whether the disk may lack records that were written.
    pub(super) fn may_lack_records(&self) -> bool {
        self.state().may_lack
    }

    /// How many records are not written.
    pub(super) fn unwritten(&self) -> usize {
        let state = self.state();
        state.waiting.len() + state.taken
    }

    /// How many records wait, room that is taken included, and how many may.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let state = self.state();
        (state.waiting.len() + state.taken + state.reserved, self.capacity)
    }

    /// Since when the file cannot be written.
    pub(super) fn failing_since(&self) -> Option<NumericDate> {
        self.state().failing_since
    }

    /// Lets the worker end once all is written.
    pub(super) fn close(&self) {
        self.state().is_closing = true;
        self.added.notify_one();
        self.changed.notify_waiters();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state().is_closing
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether no record is to come any more.
    const fn is_at_end(&self) -> bool {
        self.is_closing && self.reserved == 0
    }
}

/// Room for one decision.
struct Reserved(Arc<Queue>);

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.reserved -= 1;
        let was_full = state.waiting.len() + state.taken + state.reserved + 1 >= self.0.capacity;
        let is_at_end = state.is_at_end();
        drop(state);
        if is_at_end {
            self.0.added.notify_one();
        }
        if was_full {
            self.0.changed.notify_waiters();
        }
    }
}
