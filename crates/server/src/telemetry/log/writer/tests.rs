//! Lines in order, bounds, and what is written after a failure.

use std::sync::{
    atomic::AtomicBool,
    mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
};

use super::*;

/// Takes what is written only when the test does.
struct BlockingWriter(SyncSender<Vec<u8>>);

impl Write for BlockingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full until the test says otherwise.
struct FullDisk {
    is_full: Arc<AtomicBool>,
    written: Sender<Vec<u8>>,
}

impl Write for FullDisk {
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

fn report(writer: &Writer, unreported: Unreported) {
    writer.put(format!("{unreported:?}\n").as_bytes(), Kind::Decision);
}

fn held() -> (Writer, Receiver<Vec<u8>>) {
    let (sender, receiver) = sync_channel(0);
    (Writer::start(BlockingWriter(sender), report).unwrap(), receiver)
}

fn full() -> (Writer, Arc<AtomicBool>, Receiver<Vec<u8>>) {
    let is_full = Arc::new(AtomicBool::new(true));
    let (written, receiver) = channel();
    let writer =
        Writer::start(FullDisk { is_full: Arc::clone(&is_full), written }, report).unwrap();
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
fn while_the_output_blocks_logging_does_not_and_what_exceeds_the_buffer_is_counted() {
    let (writer, receiver) = held();
    hang(&writer);
    let block = format!("{}\n", ".".repeat(BUFFER_CAPACITY - 8));
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
    assert!(writer.0.state().buffered() <= DECISION_CAPACITY);
    let lost = writer.status().lost;
    assert!((1..20).contains(&lost), "{lost}");
    let text = taken(&receiver, "Unreported");
    assert!(text.contains("\ndecision\n") && !text.contains("request\n"));
    let (dropped, lost) = (format!("dropped: {}", 7 + 2), format!("lost: {lost}"));
    let reported = text.lines().last().unwrap();
    assert!(reported.contains(&lost) && reported.contains(&dropped), "{reported}");
}

#[tokio::test(start_paused = true)]
async fn no_request_is_begun_while_much_is_waiting_until_it_is_written() {
    let (writer, receiver) = held();
    assert!(writer.is_clear() && writer.has_capacity().await);
    hang(&writer);
    writer.put(&vec![b'.'; BUSY], Kind::Decision);
    writer.put(b"\nlast\n", Kind::Decision);
    assert!(!writer.is_clear());
    assert_eq!(writer.status().stuck_since, None);
    assert!(!writer.has_capacity().await, "after a while");
    assert!(writer.status().stuck_since.is_some());
    // Those that come later do not wait.
    let begun = tokio::time::Instant::now();
    assert!(!writer.has_capacity().await);
    assert!(begun.elapsed() < CAPACITY_TIMEOUT);
    taken(&receiver, "last\n");
    writer.flush();
    assert!(writer.is_clear() && writer.has_capacity().await);
    assert_eq!(writer.status(), LogStatus { stuck_since: None, lost: 0 });
}

#[tokio::test]
async fn a_waiting_request_begins_as_soon_as_lines_are_written() {
    let (writer, receiver) = held();
    hang(&writer);
    writer.put(&vec![b'.'; BUSY], Kind::Decision);
    writer.put(b"\nlast\n", Kind::Decision);
    let reading = thread::spawn(move || taken(&receiver, "last\n"));
    assert!(writer.has_capacity().await);
    reading.join().unwrap();
}

#[tokio::test]
async fn what_a_full_disk_refuses_is_written_once_it_has_space() {
    let (writer, is_full, receiver) = full();
    let lines: Vec<_> = (0..1000).map(|number| format!("decision {number}\n")).collect();
    for line in &lines {
        writer.put(line.as_bytes(), Kind::Decision);
    }
    while writer.status().stuck_since.is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!writer.has_capacity().await, "nothing is decided that cannot be logged");
    is_full.store(false, Ordering::Relaxed);
    let text = taken(&receiver, "decision 999\n");
    assert_eq!(text, lines.concat());
    writer.flush();
    assert_eq!(writer.status(), LogStatus { stuck_since: None, lost: 0 });
}

#[test]
fn a_flush_waits_for_a_bounded_time() {
    let (writer, _receiver) = held();
    hang(&writer);
    writer.put(b"never read\n", Kind::Decision);
    writer.flush();
    assert!(writer.0.state().buffered() > 0);
}

#[test]
fn callers_without_a_token_do_not_fill_the_disk() {
    let (writer, receiver) = held();
    hang(&writer);
    for _ in 0..10_000 {
        writer.put(b"no token\n", Kind::NoToken);
        writer.put(b"bad token\n", Kind::InvalidToken);
    }
    let text = taken(&receiver, "Unreported");
    let count = |line: &str| text.lines().filter(|it| *it == line).count();
    // The loop may have run into a second second.
    let budgets = [(count("no token"), 100), (count("bad token"), 1000)];
    for (count, budget) in budgets {
        assert!(count == budget || count == 2 * budget, "{count} of {budget}");
    }
    let reported = text.lines().last().unwrap();
    assert!(reported.contains("no_token: 9") && reported.contains("invalid_token: "), "{reported}");
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
    assert_eq!(writer.0.state().buffered(), 0);
    assert_eq!(reading.join().unwrap().lines().count(), 1001);
}
