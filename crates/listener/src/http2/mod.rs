//! HTTP/2 (RFC 9113) on one connection, within bounds.
//!
//! hyper's own bounds are for what is under way; a connection on which nothing happens, or whose
//! peer takes nothing of what is to be sent, is not ended by it. So the answers are watched:
//!
//! 1. A connection without a request for [`Limits::head_timeout`](crate::Limits) gets GOAWAY, and
//!    is closed soon after. Pings are no requests. A head that is never whole is no request.
//! 2. A peer that opens no window for an answer for [`Limits::write_timeout`](crate::Limits) loses
//!    the connection, as a peer does that reads nothing (`progress`). While it takes other answers,
//!    on a slow connection with many of them, it has four times as long.
//! 3. An answer is handed over in pieces, so that a peer without a window holds no more than a
//!    piece of each.
//! 4. A request has its host in `Host`, as in HTTP/1.1 (`host`).
//! 5. Requests at once, heads, windows, and streams that are reset are bounded ([`builder`]).
//! 6. Frames that carry neither a request nor data have a budget (`frames`).

mod frames;
mod host;
mod paced;
mod streams;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use self::{
    frames::Counted,
    paced::Paced,
    streams::{Patience, State, Streams},
};
use crate::limits::Limits;

/// How many requests of one connection are served at once. RFC 9113 §6.5.2 recommends no less.
const CONCURRENT_STREAMS: u32 = 100;
/// How many bytes of one body a peer may send before they are read, and of all bodies together.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// How many bytes of one answer wait for their place on the connection.
const SEND_BUFFER: usize = 64 * 1024;
/// How many streams a peer may have reset before they were looked at (rapid reset).
const PENDING_RESETS: usize = 20;
/// How many streams the server resets because the peer does not follow the protocol.
const ERROR_RESETS: usize = 100;
/// How often a peer is asked whether it is there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The settings of each connection.
fn builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(ERROR_RESETS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    http
}

/// Serves `service` on `io` until the peer closes the connection, until a bound is exceeded, or
/// until `stop` is cancelled and what was under way has ended.
pub(super) async fn serve<I, S>(io: I, service: S, limits: &Limits, stop: &CancellationToken)
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let streams = Streams::default();
    let service = TowerToHyperService::new(Paced { inner: service, streams: streams.clone() });
    let connection = builder(limits).serve_connection(TokioIo::new(Counted::new(io)), service);
    let mut connection = pin!(connection);
    let mut patience = Patience {
        idle: limits.head_timeout,
        peer: limits.write_timeout,
        closing_since: None,
        close: limits.reserve_timeout,
    };
    loop {
        let look = sleep_until(streams.next_look(Instant::now(), &patience));
        let is_open = patience.closing_since.is_none();
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "A connection ended early");
                }
                return;
            }
            () = stop.cancelled(), if is_open => {
                connection.as_mut().graceful_shutdown();
                patience.closing_since = Some(Instant::now());
            }
            () = look => match streams.state(Instant::now(), &patience) {
                State::InUse => {}
                State::Idle if is_open => {
                    connection.as_mut().graceful_shutdown();
                    patience.closing_since = Some(Instant::now());
                }
                State::Idle => return,
                State::Stalled => {
                    tracing::debug!("A connection ended early: its peer takes no answer");
                    return;
                }
            }
        }
    }
}
