//! The copy of the log on standard output.
//!
//! 1. It has what the file has, in the same order. A record is handed over after it was written.
//! 2. A thread of its own writes it: a reader that reads nothing holds no record back from the
//!    file.
//! 3. A slow reader is waited for before further records are taken ([`Worker`](crate::worker)). One
//!    that has gone is missed, and is no reason to refuse a call.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a stop waits for a reader.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Records on their way to standard output.
#[derive(Debug)]
pub(crate) struct StdoutCopy {
    pending: Vec<u8>,
    writer: SyncSender<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl StdoutCopy {
    pub(crate) fn start() -> io::Result<Self> {
        Self::to(io::stdout())
    }

    fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        // One batch is written while the next one is collected.
        let (writer, batches) = sync_channel(1);
        let thread =
            thread::Builder::new().name("audit copy".into()).spawn(move || write(out, &batches))?;
        Ok(Self { pending: Vec::new(), writer, thread })
    }

    /// Takes a record, which the file gets first.
    pub(crate) fn add(&mut self, record: &[u8]) {
        self.pending.extend_from_slice(record);
    }

    /// Hands over what was taken; `false` if the reader has not read what it had before.
    pub(crate) fn hand_over(&mut self) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        match self.writer.try_send(std::mem::take(&mut self.pending)) {
            Err(TrySendError::Full(pending)) => {
                self.pending = pending;
                false
            }
            // It is handed over, or the thread has panicked, and its hook has said so.
            Ok(()) | Err(TrySendError::Disconnected(_)) => true,
        }
    }

    /// Hands over the rest, and waits until the reader has it, within [`CLOSE_TIMEOUT`].
    pub(crate) fn close(mut self) {
        let begun = Instant::now();
        let in_time = || {
            thread::sleep(Duration::from_millis(5));
            begun.elapsed() < CLOSE_TIMEOUT
        };
        while !self.hand_over() && in_time() {}
        let Self { pending, writer, thread } = self;
        drop(writer);
        while !thread.is_finished() && in_time() {}
        if !pending.is_empty() || !thread.is_finished() {
            tracing::error!("The copy of the audit log lacks its last records: its reader is slow");
        }
    }
}

/// Writes each batch, until there will be no more.
fn write(mut out: impl Write, batches: &Receiver<Vec<u8>>) {
    let mut is_failing = false;
    for batch in batches {
        let written = out.write_all(&batch).and_then(|()| out.flush());
        if let Err(error) = &written
            && !is_failing
        {
            tracing::error!(%error, "The copy of the audit log cannot be written");
        }
        is_failing = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_written_in_their_order_and_a_reader_that_reads_nothing_is_not_waited_for() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut copy = StdoutCopy::to(writer).unwrap();
        for record in ["a\n", "b\n", "c\n"] {
            copy.add(record.as_bytes());
            while !copy.hand_over() {
                thread::yield_now();
            }
        }
        copy.close();
        let mut text = String::new();
        io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert_eq!(text, "a\nb\nc\n");

        let (_reader, writer) = io::pipe().unwrap();
        let mut copy = StdoutCopy::to(writer).unwrap();
        let more_than_a_pipe_holds = vec![b'x'; 1 << 20];
        let mut taken = 0;
        while copy.hand_over() {
            copy.add(&more_than_a_pipe_holds);
            taken += 1;
            assert!(taken < 10, "it takes records without end");
        }
        copy.close();
    }
}
