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

use std::{
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use auth_core::{Clock, NumericDate, SystemClock};
use tokio::sync::Notify;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::budget::{Budget, Over};

/// Decisions: the targets of the guard's audit events.
const AUDIT: &str = "bartizan::audit";
const NO_TOKEN: &str = "bartizan::audit::no_token";
const INVALID_TOKEN: &str = "bartizan::audit::invalid_token";
/// The thread's name.
pub(super) const THREAD: &str = "log";
/// How many bytes may wait before lines of the request log are dropped.
const ROOM: usize = 1024 * 1024;
/// How many bytes may wait before decisions are lost.
const DECISIONS_ROOM: usize = 8 * 1024 * 1024;
/// How many bytes may wait before no request is begun any more.
const BUSY: usize = 512 * 1024;
/// How long a request waits for that to change.
const ROOM_TIMEOUT: Duration = Duration::from_secs(2);
/// How long lines are collected: each time they are written, two threads take turns.
const PAUSE: Duration = Duration::from_millis(5);
/// How long until what could not be written is tried again, and how often it is looked for something to tell.
const RETRY: Duration = Duration::from_secs(1);
/// How long until a pipe is tried again that is full and does not make its writers wait.
const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(10);
/// How long the end of the program waits for the log.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// Lines a second about requests without a token, and about those with a bad one.
const NO_TOKEN_BUDGET: u32 = 100;
const INVALID_TOKEN_BUDGET: u32 = 1000;

/// Where lines are put. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or somebody waits until all is written.
    more: Condvar,
    /// Something was written.
    less: Condvar,
    /// [`CLEAR`], [`BUSY_NOW`] or [`STUCK`]: read by every request.
    mode: AtomicU8,
    /// It is clear again.
    cleared: Notify,
}

/// Little is waiting.
const CLEAR: u8 = 0;
/// More than [`BUSY`] is waiting.
const BUSY_NOW: u8 = 1;
/// The same, and for so long that requests are refused; or writing failed.
const STUCK: u8 = 2;

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// How many bytes the thread has taken and not yet written.
    taken: usize,
    /// Somebody waits until all is written.
    hurry: bool,
    /// Since when it is stuck.
    stuck_since: Option<NumericDate>,
    untold: Untold,
    lost_in_all: u64,
    no_token: Budget<NO_TOKEN_BUDGET>,
    invalid_token: Budget<INVALID_TOKEN_BUDGET>,
}

/// Counts that are told as soon as there is room.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Untold {
    /// Lines of the request log for which there was no room.
    pub(super) dropped: u64,
    /// Decisions and warnings for which there was no room.
    pub(super) lost: u64,
    /// Requests beyond the budget for those without a token.
    pub(super) no_token: u64,
    /// Requests beyond the budget for those with a bad token.
    pub(super) invalid_token: u64,
}

/// How the log is doing, for `/readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogStatus {
    /// Since when it cannot be written; `None` if it can.
    pub(super) stuck_since: Option<NumericDate>,
    /// How many decisions and warnings were lost since the start.
    pub(super) lost: u64,
}

/// What happens to a line for which there is little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It may be dropped.
    Request,
    /// It is kept as long as anything is: a decision, or a warning.
    Decision,
    /// A decision about a caller without a token.
    NoToken,
    /// A decision about a caller with a bad token.
    InvalidToken,
}

impl Writer {
    /// Starts the thread, which writes to `to`. What was not written is told by `tell`, which logs it.
    pub(super) fn start(
        to: impl Write + Send + 'static,
        tell: impl Fn(&Self, Untold) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Shared {
            state: Mutex::default(),
            more: Condvar::new(),
            less: Condvar::new(),
            mode: AtomicU8::new(CLEAR),
            cleared: Notify::new(),
        };
        let writer = Self(Arc::new(shared));
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

    fn write(&self, mut to: impl Write, tell: impl Fn(&Self, Untold)) {
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

impl State {
    fn waiting(&self) -> usize {
        self.lines.len() + self.taken
    }

    /// No request is begun from here on.
    fn stick(&mut self, shared: &Shared) {
        shared.mode.store(STUCK, Ordering::Relaxed);
        self.stuck_since.get_or_insert_with(|| SystemClock.now());
        shared.cleared.notify_waiters();
    }

    /// What was taken is written: it is clear again if little else is waiting.
    fn clear(&mut self, shared: &Shared) {
        self.taken = 0;
        if self.lines.len() <= BUSY {
            shared.mode.store(CLEAR, Ordering::Relaxed);
            self.stuck_since = None;
            shared.cleared.notify_waiters();
        }
    }

    /// Takes the counts that are to be told now.
    fn untold(&mut self, shared: &Shared) -> Untold {
        if shared.mode.load(Ordering::Relaxed) != CLEAR {
            return Untold::default();
        }
        let Over(no_token) = self.no_token.take_over();
        let Over(invalid_token) = self.invalid_token.take_over();
        Untold { no_token, invalid_token, ..std::mem::take(&mut self.untold) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(
    condition: &Condvar,
    state: MutexGuard<'a, State>,
    most: Duration,
) -> MutexGuard<'a, State> {
    condition.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
}

/// A place for one line.
pub(crate) struct Line<'a> {
    writer: &'a Writer,
    kind: Kind,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.put(line, self.kind);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { writer: self, kind: Kind::Decision }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        let kind = match about.target() {
            NO_TOKEN => Kind::NoToken,
            INVALID_TOKEN => Kind::InvalidToken,
            AUDIT => Kind::Decision,
            _ if *about.level() <= Level::WARN => Kind::Decision,
            _ => Kind::Request,
        };
        Line { writer: self, kind }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::AtomicBool,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    };

    use super::*;

    /// Takes what is written only when the test does.
    struct Held(SyncSender<Vec<u8>>);

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that is full until the test says otherwise.
    struct Full {
        is_full: Arc<AtomicBool>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.is_full.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            // As a disk with little room: not all of it at once.
            let some = bytes.len().min(1000);
            let _ = self.written.send(bytes[..some].to_vec());
            Ok(some)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tell(writer: &Writer, untold: Untold) {
        writer.put(format!("{untold:?}\n").as_bytes(), Kind::Decision);
    }

    fn held() -> (Writer, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(0);
        (Writer::start(Held(sender), tell).unwrap(), receiver)
    }

    fn full() -> (Writer, Arc<AtomicBool>, Receiver<Vec<u8>>) {
        let is_full = Arc::new(AtomicBool::new(true));
        let (written, receiver) = channel();
        let writer = Writer::start(Full { is_full: Arc::clone(&is_full), written }, tell).unwrap();
        (writer, is_full, receiver)
    }

    /// Takes what is written until there is `end`.
    fn taken(receiver: &Receiver<Vec<u8>>, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            text.push_str(&String::from_utf8(receiver.recv().unwrap()).unwrap());
        }
        text
    }

    /// Lets the thread take a line and hang in writing it.
    fn hang(writer: &Writer) {
        writer.put(b"first\n", Kind::Request);
        while writer.0.state().taken == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn lines_come_in_order_and_whole() {
        let (writer, receiver) = held();
        for line in ["one\n", "two\n", "three\n"] {
            writer.put(line.as_bytes(), Kind::Request);
        }
        assert_eq!(taken(&receiver, "three\n"), "one\ntwo\nthree\n");
    }

    #[test]
    fn while_nobody_reads_nobody_waits_and_what_finds_no_room_is_counted() {
        let (writer, receiver) = held();
        hang(&writer);
        let block = format!("{}\n", ".".repeat(ROOM - 8));
        for _ in 0..3 {
            writer.put(block.as_bytes(), Kind::Request);
        }
        for _ in 0..7 {
            writer.put(b"request\n", Kind::Request);
        }
        // Of decisions there is room for more, and then none either.
        writer.put(b"decision\n", Kind::Decision);
        for _ in 0..20 {
            writer.put(block.as_bytes(), Kind::Decision);
        }
        assert!(writer.0.state().waiting() <= DECISIONS_ROOM);
        let lost = writer.status().lost;
        assert!((1..20).contains(&lost), "{lost}");
        let text = taken(&receiver, "Untold");
        assert!(text.contains("\ndecision\n") && !text.contains("request\n"));
        let (dropped, lost) = (format!("dropped: {}", 7 + 2), format!("lost: {lost}"));
        let told = text.lines().last().unwrap();
        assert!(told.contains(&lost) && told.contains(&dropped), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_is_begun_while_much_is_waiting_until_it_is_written() {
        let (writer, receiver) = held();
        assert!(writer.is_clear() && writer.room().await);
        hang(&writer);
        writer.put(&vec![b'.'; BUSY], Kind::Decision);
        writer.put(b"\nlast\n", Kind::Decision);
        assert!(!writer.is_clear());
        assert_eq!(writer.status().stuck_since, None);
        assert!(!writer.room().await, "after a while");
        assert!(writer.status().stuck_since.is_some());
        // Those that come later do not wait.
        let begun = tokio::time::Instant::now();
        assert!(!writer.room().await);
        assert!(begun.elapsed() < ROOM_TIMEOUT);
        taken(&receiver, "last\n");
        writer.flush();
        assert!(writer.is_clear() && writer.room().await);
        assert_eq!(writer.status(), LogStatus { stuck_since: None, lost: 0 });
    }

    #[tokio::test]
    async fn who_waits_goes_on_as_soon_as_it_is_written() {
        let (writer, receiver) = held();
        hang(&writer);
        writer.put(&vec![b'.'; BUSY], Kind::Decision);
        writer.put(b"\nlast\n", Kind::Decision);
        let reading = thread::spawn(move || taken(&receiver, "last\n"));
        assert!(writer.room().await);
        reading.join().unwrap();
    }

    #[tokio::test]
    async fn what_a_full_disk_does_not_take_is_written_once_there_is_room() {
        let (writer, is_full, receiver) = full();
        let lines: Vec<_> = (0..1000).map(|number| format!("decision {number}\n")).collect();
        for line in &lines {
            writer.put(line.as_bytes(), Kind::Decision);
        }
        while writer.status().stuck_since.is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!writer.room().await, "nothing is decided that cannot be logged");
        is_full.store(false, Ordering::Relaxed);
        let text = taken(&receiver, "decision 999\n");
        assert_eq!(text, lines.concat());
        writer.flush();
        assert_eq!(writer.status(), LogStatus { stuck_since: None, lost: 0 });
    }

    #[test]
    fn an_end_waits_for_the_log_but_not_for_ever() {
        let (writer, _receiver) = held();
        hang(&writer);
        writer.put(b"never read\n", Kind::Decision);
        writer.flush();
        assert!(writer.0.state().waiting() > 0);
    }

    #[test]
    fn without_a_token_nobody_fills_the_disk() {
        let (writer, receiver) = held();
        hang(&writer);
        for _ in 0..10_000 {
            writer.put(b"no token\n", Kind::NoToken);
            writer.put(b"bad token\n", Kind::InvalidToken);
        }
        let text = taken(&receiver, "Untold");
        let count = |line: &str| text.lines().filter(|it| *it == line).count();
        // The loop may have run into a second second.
        let budgets = [(count("no token"), 100), (count("bad token"), 1000)];
        for (count, budget) in budgets {
            assert!(count == budget || count == 2 * budget, "{count} of {budget}");
        }
        let told = text.lines().last().unwrap();
        assert!(told.contains("no_token: 9") && told.contains("invalid_token: "), "{told}");
        assert!(writer.0.state().lost_in_all == 0, "they count as suppressed, not as lost");
    }

    #[test]
    fn a_flush_returns_when_all_is_written() {
        let (writer, receiver) = held();
        let reading = thread::spawn(move || taken(&receiver, "last\n"));
        for _ in 0..1000 {
            writer.put(b"line\n", Kind::Request);
        }
        writer.put(b"last\n", Kind::Decision);
        writer.flush();
        assert_eq!(writer.0.state().waiting(), 0);
        assert_eq!(reading.join().unwrap().lines().count(), 1001);
    }
}
