//! Events on the wire (WHATWG HTML §9.2), and the body of a stream without replay.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use auth_core::quota::Share;
use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};

use crate::{
    port::{Ask, Call, Event},
    wire::Message,
};

/// Events that are ready at once are sent together, up to about this many bytes.
const BATCH: usize = 32 * 1024;
/// A comment, for connections on which nothing happens.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Writes one message as an event.
pub(super) fn write(to: &mut BytesMut, id: Option<&str>, message: &Message) {
    to.reserve(message.bytes().len() + 64);
    if let Some(id) = id {
        to.put_slice(b"id: ");
        to.put_slice(id.as_bytes());
        to.put_u8(b'\n');
    }
    to.put_slice(b"data: ");
    to.put_slice(message.bytes());
    to.put_slice(b"\n\n");
}

/// The message of an event, and whether it is the last.
pub(super) fn message(event: Event) -> (Message, bool) {
    match event {
        Event::Notification(message) | Event::Ask(Ask { request: message, .. }) => (message, false),
        Event::Answer(message) => (message, true),
    }
}

/// A timer for comments, which begins anew with each event.
pub(super) struct KeepAlive {
    every: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl KeepAlive {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, sleep: Box::pin(tokio::time::sleep(every)) }
    }

    pub(super) fn reset(&mut self) {
        self.sleep.as_mut().reset(Instant::now() + self.every);
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        std::task::ready!(self.sleep.as_mut().poll(context));
        self.reset();
        Poll::Ready(())
    }
}

/// What sees the answer before it is sent.
pub(super) type Finish = Box<dyn FnOnce(Message) -> Message + Send>;

/// The events of one call as they come. Dropping it cancels the call.
pub(super) struct CallBody {
    /// Never locked: bodies must be `Sync`, and calls are not.
    call: Mutex<Streamed>,
    keep_alive: KeepAlive,
    _place: Share,
}

struct Streamed {
    call: Box<dyn Call>,
    first: Option<Event>,
    has_ended: bool,
    finish: Option<Finish>,
}

impl CallBody {
    /// The stream of `call`, whose first event may have come already.
    pub(super) fn new(
        call: Box<dyn Call>,
        first: Option<Event>,
        keep_alive: Duration,
        place: Share,
        finish: Finish,
    ) -> Self {
        let call = Mutex::new(Streamed { call, first, has_ended: false, finish: Some(finish) });
        Self { call, keep_alive: KeepAlive::new(keep_alive), _place: place }
    }
}

impl Streamed {
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.call.poll_event(context),
        }
    }

    /// What is there now.
    fn batch(&mut self, context: &mut Context<'_>) -> BytesMut {
        let mut batch = BytesMut::new();
        while !self.has_ended && batch.len() < BATCH {
            let Poll::Ready(event) = self.next(context) else { break };
            self.has_ended = matches!(event, None | Some(Event::Answer(_)));
            match (event, self.finish.take()) {
                (Some(Event::Answer(answer)), Some(finish)) => {
                    write(&mut batch, None, &finish(answer));
                }
                (Some(Event::Notification(note)), finish) => {
                    self.finish = finish;
                    write(&mut batch, None, &note);
                }
                // Without a session there are no questions (MCP 2026-07-28, receiving messages).
                (_, finish) => self.finish = finish,
            }
        }
        batch
    }
}

impl Body for CallBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let call = this.call.get_mut().unwrap_or_else(PoisonError::into_inner);
        let batch = call.batch(context);
        if !batch.is_empty() {
            this.keep_alive.reset();
            return Poll::Ready(Some(Ok(Frame::data(batch.freeze()))));
        }
        if call.has_ended {
            return Poll::Ready(None);
        }
        std::task::ready!(this.keep_alive.poll(context));
        Poll::Ready(Some(Ok(Frame::data(COMMENT))))
    }
}
