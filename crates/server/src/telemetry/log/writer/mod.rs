//! Lines for standard error, written by a thread of its own: no request waits for a terminal or a disk.
//!
//! 1. Lines are collected and written together, [`PAUSE`] after the first of them at the latest.
//! 2. Room is bounded, and nobody who logs ever waits. Where there is no room left, a line is dropped and
//!    counted.
//! 3. Lines of the request log are dropped beyond [`ROOM`], decisions and warnings only beyond
//!    [`DECISIONS_ROOM`]. No request is begun while much is waiting ([`Writer::room`]), so that those under way
//!    find room for what is decided about them.
//! 4. Decisions about callers who show no good token have a budget for each second ([`Budget`]): nobody fills
//!    a disk without a token. The rest is counted.
//! 5. What cannot be written (a full disk) stays in memory and is tried again every second.
//! 6. What was dropped, lost or counted is told as soon as there is room again.
//! 7. [`Writer::flush`] returns when all that was logged before is written, or after [`FLUSH_TIMEOUT`]. It is
//!    called when the program ends, and when its main thread panics.

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

pub(super) use self::buffer::{LogStatus, Untold};
use self::{
    buffer::{BUSY, BUSY_NOW, CLEAR, STUCK, Shared, wait},
    line::Kind,
};

/// The thread's name.
pub(super) const THREAD: &str = "log";
/// How many bytes may wait before lines of the request log are dropped.
const ROOM: usize = 1024 * 1024;
/// How many bytes may wait before decisions are lost.
const DECISIONS_ROOM: usize = 8 * 1024 * 1024;
/// How long a request waits for that to change.
const ROOM_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the end of the program waits for the log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Where lines are put. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Shared>);

impl Writer {
    /// Starts the thread, which writes to `to`. What was not written is told by `tell`, which logs it.
    pub(super) fn start(
        to: impl Write + Send + 'static,
        tell: impl Fn(&Self, Untold) + Send + 'static,
    ) -> io::Result<Self> {
        let writer = Self(Arc::new(Shared::default()));
        let thread = writer.clone();
        thread::Builder::new().name(THREAD.into()).spawn(move || thread.write(to, tell))?;
        Ok(writer)
    }

    /// Waits until all is written, or [`FLUSH_TIMEOUT`] is over.
    pub(crate) fn flush(&self) {
        let deadline = Instant::now() + FLUSH_TIMEOUT;
        let mut state = self.0.state();
        while state.waiting() > 0 {
            state.hurry = true;
            self.0.more.notify_one();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait(&self.0.less, state, left);
        }
    }

    /// Whether there is room for what would be decided about one more request. Waits for it for
    /// [`ROOM_TIMEOUT`] at most, and not at all once that was in vain for another.
    pub(crate) async fn room(&self) -> bool {
        let shared = &self.0;
        let clear = async {
            loop {
                let cleared = shared.cleared.notified();
                match shared.mode.load(Ordering::Relaxed) {
                    CLEAR => return true,
                    STUCK => return false,
                    _ => cleared.await,
                }
            }
        };
        if let Ok(is_clear) = tokio::time::timeout(ROOM_TIMEOUT, clear).await {
            return is_clear;
        }
        // It may have become clear in the meantime: then nothing more may be written, and nothing would
        // ever say so again.
        let mut state = shared.state();
        if !self.is_clear() {
            state.stick(shared);
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
        let most = if kind == Kind::Request { ROOM } else { DECISIONS_ROOM };
        if state.waiting() + line.len() > most {
            if kind == Kind::Request {
                state.untold.dropped += 1;
            } else {
                state.untold.lost += 1;
                state.lost_in_all += 1;
            }
            return;
        }
        if state.lines.is_empty() {
            self.0.more.notify_one();
        }
        state.lines.extend_from_slice(line);
        if state.waiting() > BUSY {
            let _ =
                self.0.mode.compare_exchange(CLEAR, BUSY_NOW, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}
