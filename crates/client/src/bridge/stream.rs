//! Streams that are opened with GET (MCP 2025-11-25, transports: listening, resumability).
//!
//! 1. After the session is open, one stream carries what belongs to no request. It is opened again
//!    when it ends, from the last event on, unless the server has no such stream.
//! 2. A stream that ends is opened again after the time that the server names, else after a second,
//!    and later and later while it cannot be opened.
//! 3. No person is asked to sign in because of a stream.

use std::{sync::Arc, time::Duration};

use http::{StatusCode, header};
use outbound::transport::HttpResponse;
use tokio::{
    sync::oneshot,
    task::spawn_local,
    time::{Instant, sleep, timeout},
};

use super::{link::Link, send::Sent, sse::Position};

/// How long to wait before the next attempt, at least where the server names no time.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// How long at most.
pub(super) const MAX_PAUSE: Duration = Duration::from_mins(1);
/// How long the program's next message waits for the stream: what the server says at once would
/// otherwise be lost.
const OPENING_TIME: Duration = Duration::from_millis(250);

/// Why there is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoStream {
    /// The server has none, or not for us.
    Never,
    /// The session has ended.
    Gone,
    /// Perhaps later.
    NotNow,
}

impl Link {
    /// Opens a stream, from the event after `last` on.
    pub(super) async fn open_stream(&self, last: Option<&str>) -> Result<HttpResponse, NoStream> {
        let session = self.sessions.now();
        let sent = Sent::Stream(last);
        let response = self.send(&sent, &session).await.map_err(|problem| {
            self.log.step(|| format!("no stream: {}", problem.message()));
            NoStream::NotNow
        })?;
        self.log.step(|| format!("a stream: {}", response.status()));
        match response.status() {
            StatusCode::OK if is_stream(&response) => Ok(response),
            StatusCode::NOT_FOUND if session.id.is_some() => Err(NoStream::Gone),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(NoStream::NotNow)
            }
            _ => Err(NoStream::Never),
        }
    }

    /// Follows the stream of the session, in the place of one before. Returns once it is open, or
    /// after a while.
    pub(super) async fn follow_session(self: &Arc<Self>) {
        let (opened, is_open) = oneshot::channel();
        let link = Arc::clone(self);
        let reader = spawn_local(async move { link.follow(opened).await });
        self.sessions.stream(Some(reader.abort_handle()));
        let _ = timeout(OPENING_TIME, is_open).await;
    }

    async fn follow(&self, opened: oneshot::Sender<()>) {
        let mut opened = Some(opened);
        let mut position = Position::default();
        let mut pause = PAUSE;
        loop {
            match self.open_stream(position.last_id.as_deref()).await {
                Ok(response) => {
                    drop(opened.take());
                    let since = Instant::now();
                    self.read_stream(response, None, &mut position).await;
                    pause = if since.elapsed() > pause { PAUSE } else { longer(pause) };
                }
                Err(NoStream::NotNow) => pause = longer(pause),
                // The next call finds out, and says so.
                Err(NoStream::Never | NoStream::Gone) => return,
            }
            drop(opened.take());
            sleep(position.retry.unwrap_or(pause)).await;
        }
    }
}

/// The pause after this one.
pub(super) fn longer(pause: Duration) -> Duration {
    (pause * 2).min(MAX_PAUSE)
}

/// Whether a response is a stream of events.
pub(super) fn is_stream(response: &HttpResponse) -> bool {
    is_of_type(response, "text/event-stream")
}

/// Whether a response has a media type (RFC 9110 §8.3.1).
pub(super) fn is_of_type(response: &HttpResponse, expected: &str) -> bool {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(expected)
}
