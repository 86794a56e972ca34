//! What waits to be written, and what is counted instead.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use auth_core::{Clock, NumericDate, SystemClock};
use tokio::sync::Notify;

use crate::telemetry::log::budget::{Budget, Over};

/// How many bytes may wait before no request is begun any more.
pub(super) const BUSY: usize = 512 * 1024;
/// Lines a second about requests without a token, and about those with a bad one.
const NO_TOKEN_BUDGET: u32 = 100;
const INVALID_TOKEN_BUDGET: u32 = 1000;

#[derive(Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// There is something to write, or somebody waits until all is written.
    pub(super) more: Condvar,
    /// Something was written.
    pub(super) less: Condvar,
    /// [`CLEAR`], [`BUSY_NOW`] or [`STUCK`]: read by every request.
    pub(super) mode: AtomicU8,
    /// It is clear again.
    pub(super) cleared: Notify,
}

/// Little is waiting: as at the start.
pub(super) const CLEAR: u8 = 0;
/// More than [`BUSY`] is waiting.
pub(super) const BUSY_NOW: u8 = 1;
/// The same, and for so long that requests are refused; or writing failed.
pub(super) const STUCK: u8 = 2;

#[derive(Default)]
pub(super) struct State {
    pub(super) lines: Vec<u8>,
    /// How many bytes the thread has taken and not yet written.
    pub(super) taken: usize,
    /// Somebody waits until all is written.
    pub(super) hurry: bool,
    /// Since when it is stuck.
    pub(super) stuck_since: Option<NumericDate>,
    pub(super) untold: Untold,
    pub(super) lost_in_all: u64,
    pub(super) no_token: Budget<NO_TOKEN_BUDGET>,
    pub(super) invalid_token: Budget<INVALID_TOKEN_BUDGET>,
}

/// Counts that are told as soon as there is room.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Untold {
    /// Lines of the request log for which there was no room.
    pub(crate) dropped: u64,
    /// Decisions and warnings for which there was no room.
    pub(crate) lost: u64,
    /// Requests beyond the budget for those without a token.
    pub(crate) no_token: u64,
    /// Requests beyond the budget for those with a bad token.
    pub(crate) invalid_token: u64,
}

/// How the log is doing, for `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogStatus {
    /// Since when it cannot be written; `None` if it can.
    pub(crate) stuck_since: Option<NumericDate>,
    /// How many decisions and warnings were lost since the start.
    pub(crate) lost: u64,
}

impl State {
    pub(super) fn waiting(&self) -> usize {
        self.lines.len() + self.taken
    }

    /// No request is begun from here on.
    pub(super) fn stick(&mut self, shared: &Shared) {
        shared.mode.store(STUCK, Ordering::Relaxed);
        self.stuck_since.get_or_insert_with(|| SystemClock.now());
        shared.cleared.notify_waiters();
    }

    /// What was taken is written: it is clear again if little else is waiting.
    pub(super) fn clear(&mut self, shared: &Shared) {
        self.taken = 0;
        if self.lines.len() <= BUSY {
            shared.mode.store(CLEAR, Ordering::Relaxed);
            self.stuck_since = None;
            shared.cleared.notify_waiters();
        }
    }

    /// Takes the counts that are to be told now.
    pub(super) fn untold(&mut self, shared: &Shared) -> Untold {
        if shared.mode.load(Ordering::Relaxed) != CLEAR {
            return Untold::default();
        }
        let Over(no_token) = self.no_token.take_over();
        let Over(invalid_token) = self.invalid_token.take_over();
        Untold { no_token, invalid_token, ..std::mem::take(&mut self.untold) }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn wait<'a>(
    condition: &Condvar,
    state: MutexGuard<'a, State>,
    most: Duration,
) -> MutexGuard<'a, State> {
    condition.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
}
