//! Answers in pieces, each of which is handed over once the peer has room for some of it.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    http::{Request, Response},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tower::Service;

use super::{
    host,
    streams::{OpenStream, Streams},
};

/// How many bytes of an answer are handed over at once.
const PIECE: usize = 16 * 1024;

/// A service whose requests and answers are noted in `streams`.
#[derive(Debug, Clone)]
pub(super) struct Paced<S> {
    pub(super) inner: S,
    pub(super) streams: Streams,
}

impl<S, B> Service<Request<B>> for Paced<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<PacedBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let stream = self.streams.open();
        let answering = self.inner.call(host::moved(request));
        Box::pin(async move {
            let response = answering.await?;
            // Nothing of it is asked for before the peer has room.
            stream.waits_for_peer();
            Ok(response.map(|inner| PacedBody { inner, rest: Bytes::new(), stream }))
        })
    }
}

/// A body in pieces of at most [`PIECE`] bytes.
///
/// hyper asks for the next frame when the peer has a window for at least one byte. So an answer
/// waits for its peer from the moment it has handed over a frame to the moment it is asked for the
/// next one.
#[derive(Debug)]
pub(super) struct PacedBody {
    inner: Body,
    /// What is left of the last frame.
    rest: Bytes,
    stream: OpenStream,
}

impl http_body::Body for PacedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.stream.is_taken();
        if this.rest.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut this.inner).poll_frame(context)?) else {
                return Poll::Ready(None);
            };
            match frame.into_data() {
                Ok(data) => this.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.stream.waits_for_peer();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt;

    use super::*;

    fn paced(text: &[u8]) -> PacedBody {
        let stream = Streams::default().open();
        PacedBody { inner: Body::from(text.to_vec()), rest: Bytes::new(), stream }
    }

    #[tokio::test]
    async fn a_long_body_comes_in_pieces_and_nothing_is_lost() {
        let text: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 5).collect();
        let mut body = paced(&text);
        let (mut read, mut lengths) = (Vec::new(), Vec::new());
        loop {
            let left = u64::try_from(text.len() - read.len()).unwrap();
            assert_eq!(body.size_hint().exact(), Some(left));
            assert_eq!(body.is_end_stream(), left == 0);
            let Some(frame) = body.frame().await else { break };
            let data = frame.unwrap().into_data().unwrap();
            lengths.push(data.len());
            read.extend_from_slice(&data);
        }
        assert_eq!(lengths, [PIECE, PIECE, PIECE, 5]);
        assert!(read == text);
    }

    #[tokio::test]
    async fn a_body_without_bytes_is_at_its_end() {
        assert!(paced(b"").is_end_stream());
    }
}
