//! The events of one stream of a session: kept until they are read, and after that for a client
//! that comes back (MCP 2025-11-25, resumability and redelivery).

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Instant, sleep, sleep_until};

use super::stream::{COMMENT, KeepAlive, write};
use crate::wire::Message;

/// The stream that belongs to no call.
pub(super) const STANDALONE: u64 = 0;
/// How soon a client is to come back, in milliseconds.
const RETRY: u32 = 1000;

/// One stream. It has one reader at a time: the last one that came.
#[derive(Debug)]
pub(super) struct Replay {
    stream: u64,
    max_bytes: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Events with their numbers, which begin with 1 and have no gaps but at the front.
    events: VecDeque<(u64, Bytes)>,
    bytes: usize,
    last: u64,
    /// Up to where the reader has read.
    read: u64,
    is_done: bool,
    /// Counts the readers.
    reader: u64,
    /// Since when no client reads; `None` while one does.
    unread_since: Option<Instant>,
    reader_waker: Option<Waker>,
    writer_waker: Option<Waker>,
}

impl Replay {
    pub(super) fn new(stream: u64, max_bytes: usize) -> Arc<Self> {
        let inner = Inner {
            events: VecDeque::new(),
            bytes: 0,
            last: 0,
            read: 0,
            is_done: false,
            reader: 0,
            unread_since: Some(Instant::now()),
            reader_waker: None,
            writer_waker: None,
        };
        Arc::new(Self { stream, max_bytes, inner: Mutex::new(inner) })
    }

    /// An event without data, by whose id a stream can be resumed that had no others yet.
    pub(super) fn prime(&self) {
        let event = format!("id: {}-1\nretry: {RETRY}\ndata: \n\n", self.stream);
        self.add(|_| event.into());
    }

    /// Adds a message. Beyond the bound the oldest events go: read ones, and on the stream that
    /// belongs to no call unread ones too.
    pub(super) fn push(&self, message: &Message) {
        let stream = self.stream;
        self.add(|number| {
            let mut event = BytesMut::new();
            write(&mut event, Some(&format!("{stream}-{number}")), message);
            event.freeze()
        });
    }

    fn add(&self, event: impl FnOnce(u64) -> Bytes) {
        let mut inner = self.inner();
        inner.last += 1;
        let number = inner.last;
        let event = event(number);
        inner.bytes += event.len();
        inner.events.push_back((number, event));
        // What a call says must not be lost before it is read: the writer waits for room.
        let droppable = if self.stream == STANDALONE { u64::MAX } else { inner.read };
        while inner.bytes > self.max_bytes
            && inner.events.len() > 1
            && inner.events.front().is_some_and(|(number, _)| *number <= droppable)
            && let Some((_, oldest)) = inner.events.pop_front()
        {
            inner.bytes = inner.bytes.saturating_sub(oldest.len());
        }
        wake(inner);
    }

    /// Waits until what is unread is within the bound, or the stream is done.
    pub(super) async fn room(&self) {
        poll_fn(|context| {
            let mut inner = self.inner();
            let read = inner.read;
            let start = inner.events.partition_point(|(number, _)| *number <= read);
            let unread: usize = inner.events.range(start..).map(|(_, event)| event.len()).sum();
            if inner.is_done || unread * 2 <= self.max_bytes {
                return Poll::Ready(());
            }
            inner.writer_waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// There are no more events. Who waits for room waits no longer.
    pub(super) fn finish(&self) {
        let mut inner = self.inner();
        inner.is_done = true;
        let writer = inner.writer_waker.take();
        wake(inner);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// How many bytes of events it keeps.
    pub(super) fn bytes(&self) -> usize {
        self.inner().bytes
    }

    pub(super) fn is_done(&self) -> bool {
        self.inner().is_done
    }

    /// Whether a client is reading.
    pub(super) fn has_reader(&self) -> bool {
        self.inner().unread_since.is_none()
    }

    /// Waits until no client has read for so long.
    pub(super) async fn unread_for(&self, long: Duration) {
        loop {
            let since = self.inner().unread_since;
            match since.map(|since| since + long) {
                Some(until) if until <= Instant::now() => return,
                Some(until) => sleep_until(until).await,
                // If it goes away meanwhile, the time since then is not over.
                None => sleep(long).await,
            }
        }
    }

    /// The events after the one with the number `after`, or those that are unread. An earlier
    /// reader gets no more. With `poll_after` the reader ends after that long.
    pub(super) fn read(
        self: &Arc<Self>,
        after: Option<u64>,
        keep_alive: Duration,
        poll_after: Option<Duration>,
    ) -> ReplayBody {
        let mut inner = self.inner();
        if let Some(after) = after {
            inner.read = after.min(inner.last);
        }
        inner.reader += 1;
        inner.unread_since = None;
        let reader = inner.reader;
        // A reader that names what it has read makes room.
        let writer = inner.writer_waker.take();
        wake(inner);
        if let Some(writer) = writer {
            writer.wake();
        }
        ReplayBody {
            replay: Arc::clone(self),
            reader,
            keep_alive: KeepAlive::new(keep_alive),
            end: poll_after.map(KeepAlive::new),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut inner: MutexGuard<'_, Inner>) {
    let waker = inner.reader_waker.take();
    drop(inner);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The body of a response that reads a stream.
pub(super) struct ReplayBody {
    replay: Arc<Replay>,
    reader: u64,
    keep_alive: KeepAlive,
    end: Option<KeepAlive>,
}

impl Body for ReplayBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let mut inner = this.replay.inner();
        if inner.reader != this.reader {
            return Poll::Ready(None);
        }
        let read = inner.read;
        let start = inner.events.partition_point(|(number, _)| *number <= read);
        let unread: Vec<_> = inner.events.range(start..).map(|(_, event)| event.clone()).collect();
        if !unread.is_empty() {
            inner.read = inner.last;
            let writer = inner.writer_waker.take();
            drop(inner);
            if let Some(writer) = writer {
                writer.wake();
            }
            this.keep_alive.reset();
            let batch = match <[Bytes; 1]>::try_from(unread) {
                Ok([one]) => one,
                Err(many) => many.concat().into(),
            };
            return Poll::Ready(Some(Ok(Frame::data(batch))));
        }
        if inner.is_done {
            return Poll::Ready(None);
        }
        inner.reader_waker = Some(context.waker().clone());
        drop(inner);
        if this.end.as_mut().is_some_and(|end| end.poll(context).is_ready()) {
            return Poll::Ready(None);
        }
        std::task::ready!(this.keep_alive.poll(context));
        Poll::Ready(Some(Ok(Frame::data(COMMENT))))
    }
}

impl Drop for ReplayBody {
    fn drop(&mut self) {
        let mut inner = self.replay.inner();
        if inner.reader == self.reader {
            inner.unread_since = Some(Instant::now());
        }
    }
}

/// The stream and the number in an event's id.
pub(super) fn parse_id(id: &str) -> Option<(u64, u64)> {
    let (stream, number) = id.split_once('-')?;
    Some((stream.parse().ok()?, number.parse().ok()?))
}
