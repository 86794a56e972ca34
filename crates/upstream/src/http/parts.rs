//! The body of an answer, part by part, within a bound on silence.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::error::BodyError;

/// The body of an answer. The clock is started when there is nothing to read: an answer that is
/// there at once needs none.
pub(crate) struct Parts {
    body: Incoming,
    silence: Duration,
    clock: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl Parts {
    /// A body that may send nothing for `silence`.
    pub(crate) const fn new(body: Incoming, silence: Duration) -> Self {
        Self { body, silence, clock: None, is_running: false }
    }

    /// The next part. Trailers are left out.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.is_running = false;
                    if let Ok(part) = frame.into_data() {
                        return Poll::Ready(Some(Ok(part)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(BodyError::Interrupted(error))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    ready!(self.poll_clock(context));
                    return Poll::Ready(Some(Err(BodyError::Silent(self.silence))));
                }
            }
        }
    }

    /// The next part.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// All parts, of at most `max` bytes.
    pub(crate) async fn whole(mut self, max: usize) -> Result<Bytes, BodyError> {
        let mut whole = BytesMut::new();
        while let Some(part) = self.next().await {
            let part = part?;
            if whole.len() + part.len() > max {
                return Err(BodyError::TooLong(max));
            }
            if whole.is_empty() && self.is_end() {
                return Ok(part);
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.freeze())
    }

    fn is_end(&self) -> bool {
        self.body.is_end_stream()
    }

    fn poll_clock(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let most = self.silence;
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(most)));
        if !self.is_running {
            clock.as_mut().reset(Instant::now() + most);
            self.is_running = true;
        }
        clock.as_mut().poll(context)
    }
}
