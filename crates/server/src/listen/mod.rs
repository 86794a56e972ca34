//! From a listening socket to answered requests, within limits.
//!
//! `axum::serve` has none: a client that sends half a request head could hold its connection for ever,
//! and nothing would bound how many do.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// How long to wait before accepting again after the system refused to (out of descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What one client, and all together, may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long the head of a request may take to arrive; also how long a connection may be idle.
    pub(crate) head_timeout: Duration,
    /// How many connections are open at once; others wait in the system's queue.
    pub(crate) connections: usize,
    /// How long requests that are under way may take once it is time to stop.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            connections: 1024,
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves `router` until `stop` is cancelled and what was under way has ended, or its time is over.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    limits: Limits,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    let most = limits.connections.min(Semaphore::MAX_PERMITS);
    let connections = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    let next = async || {
        // The semaphore is never closed.
        let permit = Arc::clone(&connections).acquire_owned().await.ok();
        (permit, listener.accept().await)
    };
    loop {
        let (permit, accepted) = tokio::select! {
            next = next() => next,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Without this every answer that is written in two parts waits for the client's delayed ACK.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // Clients that break off or dawdle are no fault of ours.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits.grace) => {
            tracing::warn!("Some requests did not end in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        task::JoinHandle,
    };

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    async fn start(
        limits: Limits,
        delay: Duration,
    ) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = move || async move {
            tokio::time::sleep(delay).await;
            "hello"
        };
        let router = Router::new().route("/", get(answer));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, stop.clone(), limits));
        (address, stop, serving)
    }

    async fn read(stream: &mut TcpStream) -> String {
        let mut bytes = vec![0; 1024];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes));
        let length = read.await.unwrap().unwrap_or(0);
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[tokio::test]
    async fn half_a_head_does_not_hold_a_connection() {
        let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&REQUEST[..20]).await.unwrap();
        assert!(!read(&mut stream).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_for_their_turn() {
        let limits = Limits { connections: 1, ..Limits::default() };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        assert!(read(&mut first).await.contains("200 OK"));
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        let mut byte = [0];
        let early = tokio::time::timeout(Duration::from_millis(100), second.peek(&mut byte)).await;
        assert!(early.is_err(), "the second was served beside the first");
        drop(first);
        assert!(read(&mut second).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn a_request_under_way_ends_after_the_stop_and_no_new_one_begins() {
        let (address, stop, serving) = start(Limits::default(), Duration::from_millis(200)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
        assert!(read(&mut stream).await.contains("200 OK"));
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_is_not_waited_for() {
        let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
        let (address, stop, serving) = start(limits, Duration::from_hours(1)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.cancel();
        serving.await.unwrap();
    }
}
