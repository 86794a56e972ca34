//! What the operator asks of a running program by signals: to stop, and to read its files again.
//!
//! | signal | asks |
//! |---|---|
//! | SIGINT (Ctrl-C), SIGTERM | to stop |
//! | SIGHUP | to read its files again; to stop where it was sent because the terminal was closed |
//!
//! A terminal that is closed sends SIGHUP at once. A process that has survived its terminal, or
//! that was started by `nohup`, is stopped by no later one.

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
    /// Whether a SIGHUP may say that the terminal was closed.
    has_terminal: bool,
    /// How often in a row the terminal was found closed.
    closed: u8,
}

/// How often it is looked whether the terminal is still there.
#[cfg(unix)]
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    #[must_use]
    pub fn listen() -> Self {
        // Before there is a handler, after which nothing is ignored any more.
        let has_terminal = std::fs::File::open("/dev/tty").is_ok() && !ignores_hang_up();
        // Without a handler the system's own stops the process.
        let listen = |kind| signal(kind).ok();
        Self {
            interrupt: listen(SignalKind::interrupt()),
            terminate: listen(SignalKind::terminate()),
            hang_up: listen(SignalKind::hangup()),
            has_terminal,
            closed: 0,
        }
    }

    /// What is asked next. Nothing is lost where the future is dropped.
    pub async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                () = received(&mut self.interrupt) => return Asked::ToStop,
                () = received(&mut self.terminate) => return Asked::ToStop,
                () = received(&mut self.hang_up) => {
                    return asked_by_hang_up(self.has_terminal, is_closed());
                }
                () = tokio::time::sleep(LOOK), if self.has_terminal => {
                    self.looked(is_closed());
                }
            }
        }
    }

    /// The terminal was looked at. Once it was closed for a while without a SIGHUP, none that comes
    /// later is about it.
    const fn looked(&mut self, is_closed: bool) {
        self.closed = if is_closed { self.closed.saturating_add(1) } else { 0 };
        self.has_terminal = self.closed < 3;
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
const fn asked_by_hang_up(had_terminal: bool, is_closed: bool) -> Asked {
    if had_terminal && is_closed { Asked::ToStop } else { Asked::ToReload }
}

/// Whether the process has no terminal any more. Other errors say nothing about it.
#[cfg(unix)]
fn is_closed() -> bool {
    let gone = rustix::io::Errno::NXIO.raw_os_error();
    std::fs::File::open("/dev/tty").is_err_and(|error| error.raw_os_error() == Some(gone))
}

/// Whether this process was started so that SIGHUP does not stop it, as `nohup` does. Known on
/// Linux alone.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    ignores(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

/// The same, of what `/proc/PID/status` says (proc(5)).
#[cfg(unix)]
fn ignores(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
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
        assert_eq!(asked_by_hang_up(true, true), Asked::ToStop);
        for (had, is_closed) in [(true, false), (false, false), (false, true)] {
            assert_eq!(asked_by_hang_up(had, is_closed), Asked::ToReload, "{had} {is_closed}");
        }
    }

    #[test]
    fn what_has_survived_its_terminal_is_not_stopped_by_a_later_hang_up() {
        let (interrupt, terminate, hang_up) = (None, None, None);
        let mut signals = Signals { interrupt, terminate, hang_up, has_terminal: true, closed: 0 };
        for (is_closed, has_terminal) in
            [(true, true), (true, true), (false, true), (true, true), (true, true), (true, false)]
        {
            signals.looked(is_closed);
            assert_eq!(signals.has_terminal, has_terminal);
        }
    }

    #[test]
    fn nohup_is_known_by_the_signals_that_are_ignored() {
        assert!(ignores("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"));
        assert!(!ignores("Name:\tx\nSigIgn:\t0000000000001000\nSigCgt:\t1\n"));
        assert!(!ignores(""));
    }
}
