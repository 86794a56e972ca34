//! What the operator asks of a running program by signals: to stop, and to read its files again.
//!
//! | signal | asks |
//! |---|---|
//! | SIGINT (Ctrl-C), SIGTERM | to stop |
//! | SIGHUP | to read its files again; to stop where it was sent because the terminal was closed |

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To stop.
    ToStop,
    /// To read files again.
    ToReload,
}

/// The signals of this process. From [`listen`](Self::listen) on none is missed, and none has the
/// effect that the system gives it.
#[derive(Debug)]
#[cfg(unix)]
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
    had_terminal: bool,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    #[must_use]
    pub fn listen() -> Self {
        // Without a handler the system's own stops the process.
        let listen = |kind| signal(kind).ok();
        Self {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hang_up: listen(SignalKind::hangup()),
            had_terminal: has_terminal(),
        }
    }

    /// What is asked next. Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            () = received(&mut self.interrupt) => Asked::ToStop,
            () = received(&mut self.terminate) => Asked::ToStop,
            () = received(&mut self.hang_up) => {
                asked_by_hang_up(self.had_terminal, has_terminal())
            }
        }
    }

    /// Returns when the process is asked to stop. That it is asked to read files again before is
    /// forgotten.
    pub async fn asked_to_stop(&mut self) {
        while self.next().await != Asked::ToStop {}
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// A terminal that is closed sends SIGHUP, too: then no one asks to go on.
#[cfg(unix)]
const fn asked_by_hang_up(had_terminal: bool, has_terminal: bool) -> Asked {
    if had_terminal && !has_terminal { Asked::ToStop } else { Asked::ToReload }
}

/// Whether the process has a terminal that can send it signals.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// The signals of this process: Ctrl-C.
#[derive(Debug)]
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    #[must_use]
    pub const fn listen() -> Self {
        Self
    }

    /// What is asked next.
    pub async fn next(&mut self) -> Asked {
        crate::shutdown::signal().await;
        Asked::ToStop
    }

    /// Returns when the process is asked to stop.
    pub async fn asked_to_stop(&mut self) {
        crate::shutdown::signal().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[tokio::test]
    async fn a_hang_up_asks_to_reload_and_does_not_stop_the_process() {
        let mut signals = Signals::listen();
        kill_process(getpid(), Signal::HUP).unwrap();
        assert_eq!(signals.next().await, Asked::ToReload);
    }

    #[test]
    fn a_terminal_that_is_closed_stops_what_it_started() {
        assert_eq!(asked_by_hang_up(true, false), Asked::ToStop);
        for (had, has) in [(true, true), (false, false), (false, true)] {
            assert_eq!(asked_by_hang_up(had, has), Asked::ToReload, "{had} {has}");
        }
    }
}
