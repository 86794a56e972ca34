//! Lines for standard error, written by a thread of its own: no request waits for a terminal or a disk.
//!
//! 1. Lines are collected and written together, [`PAUSE`] after the first of them at the latest.
//! 2. Room is bounded. Where there is none left, a line of the request log is dropped; how many were is
//!    written as soon as there is room again.
//! 3. What was decided about a request, and every warning and error, is never dropped: whoever has one to
//!    write waits for room.
//! 4. [`Writer::flush`] returns when all that was logged before is written. It is called when the program
//!    ends, and when it panics.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Decisions: the target of the guard's audit events.
const AUDIT: &str = "mcp_guard::audit";
/// The thread's name.
pub(super) const THREAD: &str = "log";
/// How many bytes may wait.
const ROOM: usize = 1024 * 1024;
/// How long lines are collected: each time they are written, two threads take turns.
const PAUSE: Duration = Duration::from_millis(5);

/// Where lines are put. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or somebody waits until all is written.
    more: Condvar,
    /// Something was taken to be written, or is written.
    less: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    writing: bool,
    /// Somebody waits until all is written.
    hurry: bool,
}

impl Writer {
    /// Starts the thread, which writes to `to`.
    pub(crate) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (state, more, less) = (Mutex::default(), Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { state, more, less });
        let writer = Self(Arc::clone(&shared));
        thread::Builder::new().name(THREAD.into()).spawn(move || shared.write(to))?;
        Ok(writer)
    }

    /// Waits until all is written.
    pub(crate) fn flush(&self) {
        let mut state = self.0.state();
        while state.writing || !state.lines.is_empty() || state.dropped > 0 {
            state.hurry = true;
            self.0.more.notify_one();
            state = wait(&self.0.less, state);
        }
    }

    fn put(&self, line: &[u8], must: bool) {
        let mut state = self.0.state();
        while state.lines.len() + line.len() > ROOM && !state.lines.is_empty() {
            if !must {
                state.dropped += 1;
                return;
            }
            state.hurry = true;
            self.0.more.notify_one();
            state = wait(&self.0.less, state);
        }
        if state.lines.is_empty() {
            self.0.more.notify_one();
        }
        state.lines.extend_from_slice(line);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut to: impl Write) {
        let mut lines = Vec::new();
        loop {
            let dropped;
            {
                let mut state = self.state();
                while state.lines.is_empty() && state.dropped == 0 {
                    state.hurry = false;
                    state = wait(&self.more, state);
                }
                if !state.hurry {
                    let collect = self.more.wait_timeout_while(state, PAUSE, |it| !it.hurry);
                    (state, _) = collect.unwrap_or_else(PoisonError::into_inner);
                }
                std::mem::swap(&mut state.lines, &mut lines);
                dropped = std::mem::take(&mut state.dropped);
                state.writing = true;
            }
            self.less.notify_all();
            // Where standard error is closed there is nobody to be told.
            let _ = to.write_all(&lines);
            lines.clear();
            if dropped > 0 {
                let _ = writeln!(
                    to,
                    "{dropped} lines of the request log were dropped: too many at once"
                );
            }
            let _ = to.flush();
            self.state().writing = false;
            self.less.notify_all();
        }
    }
}

fn wait<'a>(condition: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condition.wait(state).unwrap_or_else(PoisonError::into_inner)
}

/// A place for one line.
pub(crate) struct Line<'a> {
    writer: &'a Writer,
    must: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.put(line, self.must);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { writer: self, must: true }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        let must = *about.level() <= Level::WARN || about.target() == AUDIT;
        Line { writer: self, must }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

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

    fn held() -> (Writer, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(0);
        (Writer::start(Held(sender)).unwrap(), receiver)
    }

    /// Takes what is written until there is `end`.
    fn taken(receiver: &Receiver<Vec<u8>>, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            text.push_str(&String::from_utf8(receiver.recv().unwrap()).unwrap());
        }
        text
    }

    #[test]
    fn lines_come_in_order_and_whole() {
        let (writer, receiver) = held();
        for line in ["one\n", "two\n", "three\n"] {
            writer.put(line.as_bytes(), false);
        }
        assert_eq!(taken(&receiver, "three\n"), "one\ntwo\nthree\n");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_a_decision_waits_instead() {
        let (writer, receiver) = held();
        // The thread takes the first line and hangs in writing it; then there is room for one block.
        writer.put(b"first\n", false);
        while !writer.0.state().writing {
            thread::sleep(Duration::from_millis(1));
        }
        writer.put(format!("{}\n", ".".repeat(ROOM - 1)).as_bytes(), false);
        for _ in 0..7 {
            writer.put(b"request\n", false);
        }
        let waiting = thread::spawn({
            let writer = writer.clone();
            move || writer.put(b"decision\n", true)
        });
        thread::sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished(), "there is no room yet");
        let text = taken(&receiver, "decision\n");
        waiting.join().unwrap();
        assert!(!text.contains("request\n"));
        assert!(text.contains("\n7 lines of the request log were dropped"), "{}", &text[ROOM..]);
    }

    #[test]
    fn a_flush_returns_when_all_is_written() {
        let (writer, receiver) = held();
        let reading = thread::spawn(move || taken(&receiver, "last\n"));
        for _ in 0..1000 {
            writer.put(b"line\n", false);
        }
        writer.put(b"last\n", true);
        writer.flush();
        assert!(writer.0.state().lines.is_empty() && !writer.0.state().writing);
        assert_eq!(reading.join().unwrap().lines().count(), 1001);
    }
}
