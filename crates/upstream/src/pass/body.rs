//! The body of an answer, as it comes from the server.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{error_text::error_text, tail::Tail};
use crate::http::{BodyError, Parts};

/// The body of an answer: the server's, or one that the gateway has made.
pub struct PassBody(Kind);

enum Kind {
    Own(Bytes),
    Bounded { parts: Parts, left: usize, max: usize },
    Stream { parts: Parts, id: Option<Box<str>>, tail: Tail },
    Ended,
}

impl PassBody {
    /// What the gateway answers itself.
    pub(super) const fn own(bytes: Bytes) -> Self {
        Self(Kind::Own(bytes))
    }

    /// An answer of at most `max` bytes.
    pub(super) const fn bounded(parts: Parts, max: usize) -> Self {
        Self(Kind::Bounded { parts, left: max, max })
    }

    /// An event stream, which answers the request with this id.
    pub(super) const fn stream(parts: Parts, id: Option<Box<str>>) -> Self {
        Self(Kind::Stream { parts, id, tail: Tail::new() })
    }
}

impl Kind {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = match self {
            Self::Ended => return Poll::Ready(None),
            Self::Own(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Ended;
                return Poll::Ready(Some(Ok(bytes)));
            }
            Self::Bounded { parts, left, max } => match ready!(parts.poll_next(context)) {
                Some(Ok(part)) if part.len() > *left => Some(Err(BodyError::TooLong(*max))),
                Some(Ok(part)) => {
                    *left -= part.len();
                    return Poll::Ready(Some(Ok(part)));
                }
                ended => ended,
            },
            Self::Stream { parts, id, tail } => match ready!(parts.poll_next(context)) {
                Some(Ok(part)) => {
                    // Only the answer to a request can be missing.
                    if id.is_some() {
                        tail.push(&part);
                    }
                    return Poll::Ready(Some(Ok(part)));
                }
                ended if id.is_some() && tail.takes_error() => {
                    let message: &dyn fmt::Display = match &ended {
                        Some(Err(error)) => error,
                        _ => &"the server ended the stream without an answer",
                    };
                    Some(Ok(format!("data: {}\n\n", error_text(id.as_deref(), message)).into()))
                }
                ended => ended,
            },
        };
        *self = Self::Ended;
        Poll::Ready(next)
    }
}

impl Body for PassBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = ready!(self.0.poll_next(context));
        Poll::Ready(next.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Own(_) | Kind::Stream { .. } => false,
            Kind::Bounded { parts, .. } => parts.is_end(),
            Kind::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Own(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Bounded { parts, .. } => parts.size_hint(),
            Kind::Stream { .. } => SizeHint::default(),
            Kind::Ended => SizeHint::with_exact(0),
        }
    }
}

impl fmt::Debug for PassBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Own(_) => "PassBody(the gateway's)",
            Kind::Bounded { .. } => "PassBody(the server's)",
            Kind::Stream { .. } => "PassBody(a stream)",
            Kind::Ended => "PassBody(ended)",
        })
    }
}
