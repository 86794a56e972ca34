//! Messages to the program, written in a thread of its own.
//!
//! 1. Messages are written in the order in which they were given, one a line, and nothing else is.
//! 2. What waits is bounded in number and in bytes. A program that does not read makes the server
//!    wait.

use std::{
    io::{self, Write},
    sync::Arc,
    thread,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

/// How many messages wait at most.
const CAPACITY: usize = 256;
/// How many bytes wait at most, and so the longest message.
const MAX_BYTES: u32 = 32 << 20;

/// Where messages to the program go.
#[derive(Debug, Clone)]
pub(super) struct Output {
    queue: mpsc::Sender<(String, OwnedSemaphorePermit)>,
    bytes: Arc<Semaphore>,
    /// Notified once nothing can be written any more.
    broken: Arc<Notify>,
}

impl Output {
    /// Writes to `sink` until every clone of the value is gone.
    pub(super) fn new(mut sink: impl Write + Send + 'static) -> Self {
        let (queue, mut messages) = mpsc::channel::<(String, OwnedSemaphorePermit)>(CAPACITY);
        let broken = Arc::new(Notify::new());
        let (bytes, is_broken) =
            (Arc::new(Semaphore::new(MAX_BYTES as usize)), Arc::clone(&broken));
        thread::spawn(move || {
            let mut batch = Vec::new();
            while messages.blocking_recv_many(&mut batch, CAPACITY) > 0 {
                if write(&mut sink, &batch).is_err() {
                    is_broken.notify_one();
                    return;
                }
                batch.clear();
            }
        });
        Self { queue, bytes, broken }
    }

    /// Gives a message to be written. It waits for earlier ones.
    pub(super) async fn send(&self, message: String) {
        let size = u32::try_from(message.len()).unwrap_or(MAX_BYTES).min(MAX_BYTES);
        let Ok(permit) = Arc::clone(&self.bytes).acquire_many_owned(size).await else {
            return;
        };
        // Without a program to read it there is no use for it.
        let _ = self.queue.send((message, permit)).await;
    }

    /// Waits until all that was given is written.
    pub(super) async fn written(&self) {
        let _ = self.bytes.acquire_many(MAX_BYTES).await;
    }

    /// Resolves once the program does not read any more.
    pub(super) async fn broken(&self) {
        self.broken.notified().await;
    }
}

fn write(sink: &mut impl Write, batch: &[(String, OwnedSemaphorePermit)]) -> io::Result<()> {
    let mut text = Vec::with_capacity(batch.iter().map(|(message, _)| message.len() + 1).sum());
    for (message, _) in batch {
        text.extend_from_slice(message.as_bytes());
        text.push(b'\n');
    }
    sink.write_all(&text)?;
    sink.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn messages_are_written_in_their_order_one_a_line() {
        let sink = Sink::default();
        let output = Output::new(sink.clone());
        for number in 0..1000 {
            output.send(number.to_string()).await;
        }
        output.written().await;
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let expected: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_ends_it() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let output = Output::new(Closed);
        output.send("x".to_owned()).await;
        output.broken().await;
    }
}
