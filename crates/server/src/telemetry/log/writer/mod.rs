//! Lines for standard error, written by a thread of their own: no request waits for a terminal or a
//! disk.
//!
//! 1. Lines are buffered and written together, at the latest [`FLUSH_INTERVAL`] after the first.
//! 2. The buffer is bounded, and logging never waits. A line for which there is no capacity is
//!    dropped and counted.
//! 3. Lines of the request log are dropped beyond [`BUFFER_CAPACITY`], decisions and warnings only
//!    beyond [`DECISION_CAPACITY`]. No request begins while much is buffered
//!    ([`Writer::has_capacity`]), so that there is capacity for the decisions about those under
//!    way.
//! 4. Decisions about callers without a valid token have a budget for each second
//!    ([`Budget`](audit_log::Budget)): a caller without a token cannot fill a disk. The rest is
//!    counted.
//! 5. What cannot be written (a full disk) stays in memory and is retried every second.
//! 6. What was dropped, lost or counted is logged as soon as there is capacity again.
//! 7. [`Writer::flush`] returns when all that was logged before is written, or after
//!    [`FLUSH_TIMEOUT`]. It is called when the program ends, and when its main thread panics.
//!
//! [`FLUSH_INTERVAL`]: worker::FLUSH_INTERVAL

mod buffer;
mod line;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    io::{self, Write},
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

pub(super) use self::buffer::{LogStatus, Unreported};
use self::{
    buffer::{BUSY, BUSY_NOW, CLEAR, STUCK, Shared, wait},
    line::Kind,
};

/// The thread's name.
pub(super) const THREAD: &str = "log";
/// How many bytes are buffered before lines of the request log are dropped.
const BUFFER_CAPACITY: usize = 1024 * 1024;
/// How many bytes are buffered before decisions are lost.
const DECISION_CAPACITY: usize = 8 * 1024 * 1024;
/// How long a request waits for capacity.
const CAPACITY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the end of the program waits for the log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where lines are put. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Shared>);

impl Writer {
    /// Starts the thread, which writes to `to`. It passes the counts of lines that were not written
    /// to `report`, which logs them.
    pub(super) fn start(
        to: impl Write + Send + 'static,
        report: impl Fn(&Self, Unreported) + Send + 'static,
    ) -> io::Result<Self> {
        let writer = Self(Arc::new(Shared::default()));
        let thread = writer.clone();
        thread::Builder::new().name(THREAD.into()).spawn(move || thread.write(to, report))?;
        Ok(writer)
    }

    /// Waits until all is written, or [`FLUSH_TIMEOUT`] is over.
    pub(crate) fn flush(&self) {
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        let mut state = self.0.state();
        while state.buffered() > 0 {
            state.flush_requested = true;
            self.0.lines_added.notify_one();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait(&self.0.lines_written, state, left);
        }
    }

    /// Whether there is capacity for the decisions about one more request. Waits for it for at most
    /// [`CAPACITY_TIMEOUT`], and not at all once another request has waited in vain.
    pub(crate) async fn has_capacity(&self) -> bool {
        let shared = &self.0;
        let clear = async {
            loop {
                let cleared = shared.mode_changed.notified();
                match shared.mode.load(Ordering::Relaxed) {
                    CLEAR => return true,
                    STUCK => return false,
                    _ => cleared.await,
                }
            }
        };
        if let Ok(is_clear) = tokio::time::timeout(CAPACITY_TIMEOUT, clear).await {
            return is_clear;
        }
        // It may have become clear in the meantime: then nothing more may be written, and nothing
        // would ever notify a waiter again.
        let mut state = shared.state();
        if !self.is_clear() {
            state.set_stuck(shared);
        }
        self.is_clear()
    }

    /// The same without waiting.
    pub(crate) fn is_clear(&self) -> bool {
        self.0.mode.load(Ordering::Relaxed) == CLEAR
    }

    pub(super) fn status(&self) -> LogStatus {
        let state = self.0.state();
        LogStatus { stuck_since: state.stuck_since, lost: state.lost_in_all }
    }

    fn put(&self, line: &[u8], kind: Kind) {
        let mut state = self.0.state();
        let is_within = match kind {
            Kind::NoToken => state.no_token.spend(),
            Kind::InvalidToken => state.invalid_token.spend(),
            Kind::Request | Kind::Decision => true,
        };
        if !is_within {
            return;
        }
        let capacity = if kind == Kind::Request { BUFFER_CAPACITY } else { DECISION_CAPACITY };
        if state.buffered() + line.len() > capacity {
            if kind == Kind::Request {
                state.unreported.dropped += 1;
            } else {
                state.unreported.lost += 1;
                state.lost_in_all += 1;
            }
            return;
        }
        if state.lines.is_empty() {
            self.0.lines_added.notify_one();
        }
        state.lines.extend_from_slice(line);
        if state.buffered() > BUSY {
            let _ =
                self.0.mode.compare_exchange(CLEAR, BUSY_NOW, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
