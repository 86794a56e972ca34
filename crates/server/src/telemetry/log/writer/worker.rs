//! The thread that writes.

use std::{
    io::{self, Write},
    sync::PoisonError,
    thread,
    time::Duration,
};

use super::{
    Writer,
    buffer::{Untold, wait},
};

/// How long lines are collected: each time they are written, two threads take turns.
const PAUSE: Duration = Duration::from_millis(5);
/// How long until what could not be written is tried again, and how often it is looked for something to tell.
const RETRY: Duration = Duration::from_secs(1);
/// How long until a pipe is tried again that is full and does not make its writers wait.
const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(10);

impl Writer {
    pub(super) fn write(&self, mut to: impl Write, tell: impl Fn(&Self, Untold)) {
        let shared = &self.0;
        let mut lines = Vec::new();
        loop {
            {
                let mut state = shared.state();
                while state.lines.is_empty() {
                    state.hurry = false;
                    let untold = state.untold(shared);
                    if untold != Untold::default() {
                        drop(state);
                        tell(self, untold);
                        state = shared.state();
                        continue;
                    }
                    state = wait(&shared.more, state, RETRY);
                }
                if !state.hurry {
                    let collect = shared.more.wait_timeout_while(state, PAUSE, |it| !it.hurry);
                    (state, _) = collect.unwrap_or_else(PoisonError::into_inner);
                }
                std::mem::swap(&mut state.lines, &mut lines);
                state.taken = lines.len();
            }
            self.write_all(&mut to, &lines);
            lines.clear();
            shared.state().clear(shared);
            shared.less.notify_all();
        }
    }

    /// Writes `lines`, however long it takes: what fails is tried again.
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
                // A pipe that is full and does not wait: as one that waits, but by ourselves.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(WOULD_BLOCK_PAUSE);
                }
                // Nothing can be said of it but by `/readyz`: this is where it would be said.
                Ok(_) | Err(_) => {
                    shared.state().stick(shared);
                    thread::sleep(RETRY);
                }
            }
        }
        let _ = to.flush();
    }
}
