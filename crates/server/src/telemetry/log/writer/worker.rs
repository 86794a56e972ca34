//! The thread that writes.

use std::{
    io::{self, Write},
    sync::PoisonError,
    thread,
    time::Duration,
};

use super::{
    Writer,
    buffer::{Unreported, wait},
};

/// How long lines are buffered: each write costs two context switches.
pub(super) const FLUSH_INTERVAL: Duration = Duration::from_millis(5);
/// How long until a failed write is retried, and how often counts are checked for a report.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long until a write to a full non-blocking pipe is retried.
const WOULD_BLOCK_INTERVAL: Duration = Duration::from_millis(10);

impl Writer {
    pub(super) fn write(&self, mut to: impl Write, report: impl Fn(&Self, Unreported)) {
        let shared = &self.0;
        let mut lines = Vec::new();
        loop {
            {
                let mut state = shared.state();
                while state.lines.is_empty() {
                    state.flush_requested = false;
                    let unreported = state.take_unreported(shared);
                    if unreported != Unreported::default() {
                        drop(state);
                        report(self, unreported);
                        state = shared.state();
                        continue;
                    }
                    state = wait(&shared.lines_added, state, RETRY_INTERVAL);
                }
                if !state.flush_requested {
                    let collect =
                        shared
                            .lines_added
                            .wait_timeout_while(state, FLUSH_INTERVAL, |it| !it.flush_requested);
                    (state, _) = collect.unwrap_or_else(PoisonError::into_inner);
                }
                std::mem::swap(&mut state.lines, &mut lines);
                state.taken = lines.len();
            }
            self.write_all(&mut to, &lines);
            lines.clear();
            shared.state().written(shared);
            shared.lines_written.notify_all();
        }
    }

    /// Writes `lines`, however long it takes: a failed write is retried.
    fn write_all(&self, to: &mut impl Write, mut lines: &[u8]) {
        let shared = &self.0;
        while !lines.is_empty() {
            match to.write(lines) {
                Ok(written) if written > 0 => {
                    lines = lines.get(written..).unwrap_or_default();
                    let mut state = shared.state();
                    state.taken = lines.len();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A full non-blocking pipe: wait as a blocking one would.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(WOULD_BLOCK_INTERVAL);
                }
                // Only `/readyz` can report it: the log is what fails.
                Ok(_) | Err(_) => {
                    shared.state().set_stuck(shared);
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
        let _ = to.flush();
    }
}
