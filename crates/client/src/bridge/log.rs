//! The log on standard error.
//!
//! 1. It is quiet: faults only, unless `--verbose` asks for a line for each message.
//! 2. A line is a method, an id, a status or a fault, and never the content of a message. Risky
//!    characters are escaped.
//! 3. There are at most [`MAX_LINES`] in each [`SPAN`]: many programs keep what a server writes.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::sanitize::Sanitizer;

/// The most lines of faults in a span of time.
const MAX_LINES: u32 = 30;
/// That span.
const SPAN: Duration = Duration::from_mins(1);

/// The log.
pub(super) struct Log {
    is_verbose: bool,
    budget: Mutex<Budget>,
}

struct Budget {
    since: Instant,
    lines: u32,
}

impl Budget {
    /// Whether one more line fits. The first that does not fit is replaced by a note.
    fn take(&mut self, now: Instant) -> Option<bool> {
        if now.duration_since(self.since) >= SPAN {
            *self = Self { since: now, lines: 0 };
        }
        self.lines = self.lines.saturating_add(1);
        match self.lines {
            lines if lines <= MAX_LINES => Some(true),
            lines if lines == MAX_LINES + 1 => Some(false),
            _ => None,
        }
    }
}

impl Log {
    /// A log.
    pub(super) fn new(is_verbose: bool) -> Self {
        Self { is_verbose, budget: Mutex::new(Budget { since: Instant::now(), lines: 0 }) }
    }

    /// Writes what went wrong.
    pub(super) fn fault(&self, text: &str) {
        let taken = self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        match taken {
            _ if self.is_verbose => write(text),
            Some(true) => write(text),
            Some(false) => write("further faults are not shown for a minute"),
            None => {}
        }
    }

    /// Writes what happens, if that is asked for.
    pub(super) fn step(&self, text: impl FnOnce() -> String) {
        if self.is_verbose {
            write(&text());
        }
    }
}

fn write(text: &str) {
    // Without stderr there is no log.
    let _ = writeln!(io::stderr(), "bridge: {}", Sanitizer::default().one_line(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_bounded_in_a_minute() {
        let mut budget = Budget { since: Instant::now(), lines: 0 };
        let mut taken = |after| budget.take(Instant::now() + Duration::from_secs(after));
        for _ in 0..MAX_LINES {
            assert_eq!(taken(1), Some(true));
        }
        assert_eq!(taken(1), Some(false));
        assert_eq!(taken(1), None);
        assert_eq!(taken(61), Some(true));
    }
}
