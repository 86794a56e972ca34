//! The body of an answer: the server's, observed as it is sent, or the guard's own.

use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use auth_core::quota::Share;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;

use crate::answer::sse::Events;

/// The longest answer in several parts that is put together to be learned from: one that says that
/// a task was started has little else to say.
const MAX_BUFFERED: usize = 64 * 1024;

type OnComplete = Box<dyn FnOnce(&[u8]) + Send>;
type Filter = Box<dyn FnMut(Bytes) -> Option<Bytes> + Send>;
type IsStale = Box<dyn Fn() -> bool + Send>;
type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

pin_project! {
    /// The body of an answer that came through a guard.
    pub struct GuardedBody<R> {
        #[pin]
        kind: Kind<R>,
        // The place among the calls under way, until the answer has ended. A place is large, and
        // where calls have no bound there is none.
        call: Option<Box<Share>>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<R> {
        Inner { #[pin] body: R, tap: ResponseTap },
        Stream { #[pin] body: R, stream: Stream },
        Generated { #[pin] body: Full<Bytes> },
    }
}

/// What is to be learned from an answer, and its parts until it is whole.
struct ResponseTap {
    on_complete: Option<OnComplete>,
    parts: BytesMut,
}

impl ResponseTap {
    fn new(on_complete: Option<OnComplete>) -> Self {
        Self { on_complete, parts: BytesMut::new() }
    }

    /// Takes one more part; most answers have just one, which is not copied.
    fn observe(&mut self, part: &[u8], is_last: bool) {
        if self.on_complete.is_none() {
            return;
        }
        if self.parts.len() + part.len() > MAX_BUFFERED && !(is_last && self.parts.is_empty()) {
            *self = Self::new(None);
            return;
        }
        if !is_last {
            self.parts.extend_from_slice(part);
        } else if let Some(on_complete) = self.on_complete.take() {
            if self.parts.is_empty() {
                on_complete(part);
            } else {
                self.parts.extend_from_slice(part);
                on_complete(&std::mem::take(&mut self.parts));
            }
        }
    }
}

/// An event stream that is looked at event by event, and that may have to end.
pub(crate) struct Stream {
    filter: Filter,
    is_stale: IsStale,
    watch: Option<Watch>,
    events: Events,
    ready: VecDeque<Bytes>,
    ended: bool,
}

impl Stream {
    /// Passes on what `filter` gives back of each event, until the server ends the stream or
    /// `watch` returns; nothing while `is_stale` says that `watch` is late (because no one has read
    /// for a while).
    pub(crate) fn new(filter: Filter, is_stale: IsStale, watch: Option<Watch>) -> Self {
        Self {
            filter,
            is_stale,
            watch,
            events: Events::default(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// Whether the stream has ended.
    fn poll_end(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(watch) = &mut self.watch
            && watch.as_mut().poll(context).is_ready()
        {
            self.watch = None;
            self.ended = true;
            // What was not sent yet is not sent any more.
            self.ready.clear();
        }
        self.ended
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.events.push(bytes) {
            Ok(events) => self.ready.extend(events.into_iter().filter_map(&mut self.filter)),
            Err(_) => self.ended = true,
        }
    }
}

impl<R> GuardedBody<R> {
    pub(crate) fn inner(body: R) -> Self {
        Self::of(Kind::Inner { body, tap: ResponseTap::new(None) })
    }

    /// The server's body, which `on_complete` sees, whole, before the caller has all of it.
    pub(crate) fn watched(body: R, on_complete: OnComplete) -> Self {
        Self::of(Kind::Inner { body, tap: ResponseTap::new(Some(on_complete)) })
    }

    pub(crate) const fn stream(body: R, stream: Stream) -> Self {
        Self::of(Kind::Stream { body, stream })
    }

    pub(crate) const fn generated(body: Full<Bytes>) -> Self {
        Self::of(Kind::Generated { body })
    }

    /// Holds `call` until the body is dropped.
    pub(crate) fn holding(self, call: Option<Box<Share>>) -> Self {
        Self { call, ..self }
    }

    const fn of(kind: Kind<R>) -> Self {
        Self { kind, call: None }
    }
}

impl<R> Body for GuardedBody<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().kind.project() {
            KindProjection::Generated { body } => body.poll_frame(context).map_err(Into::into),
            KindProjection::Inner { mut body, tap } => {
                let frame = ready!(body.as_mut().poll_frame(context));
                match &frame {
                    Some(Ok(frame)) => {
                        let part = frame.data_ref().map_or(&[][..], |bytes| bytes);
                        tap.observe(part, body.is_end_stream());
                    }
                    Some(Err(_)) => {}
                    None => tap.observe(&[], true),
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            KindProjection::Stream { mut body, stream } => loop {
                if stream.poll_end(context) {
                    return Poll::Ready(None);
                }
                if stream.watch.is_some() && (stream.is_stale)() {
                    // The watch was polled, and wakes us when it knows.
                    return Poll::Pending;
                }
                if let Some(event) = stream.ready.pop_front() {
                    return Poll::Ready(Some(Ok(Frame::data(event))));
                }
                match ready!(body.as_mut().poll_frame(context)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(bytes) => stream.push(&bytes),
                        Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    None => stream.ended = true,
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Generated { body } => body.is_end_stream(),
            Kind::Inner { body, .. } => body.is_end_stream(),
            Kind::Stream { stream, .. } => stream.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Generated { body } => body.size_hint(),
            Kind::Inner { body, .. } => body.size_hint(),
            Kind::Stream { .. } => SizeHint::default(),
        }
    }
}

impl<R> fmt::Debug for GuardedBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Generated { .. } => "GuardedBody(its own)",
            Kind::Inner { .. } => "GuardedBody(the server's)",
            Kind::Stream { .. } => "GuardedBody(a stream)",
        })
    }
}
