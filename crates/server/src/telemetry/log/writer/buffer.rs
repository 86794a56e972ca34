//! The lines that are not yet written, and the counts of those that are not kept.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use audit_log::{Budget, Over};
use auth_core::{Clock, NumericDate, SystemClock};
use tokio::sync::Notify;

/// How many bytes are buffered before no further request begins.
pub(super) const BUSY: usize = 512 * 1024;
/// Lines a second about requests without a token, and about those with a bad one.
const NO_TOKEN_BUDGET: u32 = 100;
const INVALID_TOKEN_BUDGET: u32 = 1000;

#[derive(Default)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// There is something to write, or a flush is requested.
    pub(super) lines_added: Condvar,
    /// Something was written.
    pub(super) lines_written: Condvar,
    /// [`CLEAR`], [`BUSY_NOW`] or [`STUCK`]: read by every request.
    pub(super) mode: AtomicU8,
    /// The mode is [`CLEAR`] again, or [`STUCK`].
    pub(super) mode_changed: Notify,
}

/// Little is waiting: as at the start.
pub(super) const CLEAR: u8 = 0;
/// More than [`BUSY`] is buffered.
pub(super) const BUSY_NOW: u8 = 1;
/// The same, and for so long that requests are refused; or writing failed.
pub(super) const STUCK: u8 = 2;

#[derive(Default)]
pub(super) struct State {
    pub(super) lines: Vec<u8>,
    /// How many bytes the thread has taken and not yet written.
    pub(super) taken: usize,
    /// A caller waits until all is written.
    pub(super) flush_requested: bool,
    /// Since when the mode is [`STUCK`].
    pub(super) stuck_since: Option<NumericDate>,
    pub(super) unreported: Unreported,
    pub(super) lost_in_all: u64,
    pub(super) no_token: Budget<NO_TOKEN_BUDGET>,
    pub(super) invalid_token: Budget<INVALID_TOKEN_BUDGET>,
}

/// Counts that are logged as soon as there is capacity.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreported {
    /// Lines of the request log for which there was no capacity.
    pub(crate) dropped: u64,
    /// Decisions and warnings for which there was no capacity.
    pub(crate) lost: u64,
    /// Requests beyond the budget for those without a token.
    pub(crate) no_token: u64,
    /// Requests beyond the budget for those with a bad token.
    pub(crate) invalid_token: u64,
}

/// The state of the log, for `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogStatus {
    /// Since when it cannot be written; `None` if it can.
    pub(crate) stuck_since: Option<NumericDate>,
    /// How many decisions and warnings were lost since the start.
    pub(crate) lost: u64,
}

impl State {
    pub(super) fn buffered(&self) -> usize {
        self.lines.len() + self.taken
    }

    /// From here on no request begins.
    pub(super) fn set_stuck(&mut self, shared: &Shared) {
        shared.mode.store(STUCK, Ordering::Relaxed);
        self.stuck_since.get_or_insert_with(|| SystemClock.now());
        shared.mode_changed.notify_waiters();
    }

    /// What was taken is written: the mode is clear again if little else is buffered.
    pub(super) fn written(&mut self, shared: &Shared) {
        self.taken = 0;
        if self.lines.len() <= BUSY {
            shared.mode.store(CLEAR, Ordering::Relaxed);
            self.stuck_since = None;
            shared.mode_changed.notify_waiters();
        }
    }

    /// Takes the counts that are due to be logged.
    pub(super) fn take_unreported(&mut self, shared: &Shared) -> Unreported {
        if shared.mode.load(Ordering::Relaxed) != CLEAR {
            return Unreported::default();
        }
        let Over(no_token) = self.no_token.take_over();
        let Over(invalid_token) = self.invalid_token.take_over();
        Unreported { no_token, invalid_token, ..std::mem::take(&mut self.unreported) }
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
