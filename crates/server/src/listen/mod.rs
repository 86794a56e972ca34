//! From a listening socket to answered requests, within [`Limits`].
//!
//! 1. The head of a request arrives in time and within a size; a connection may be idle for as long. While
//!    less than a quarter of the connections is left, new ones have a sixth of the time.
//! 2. What is written is taken in time ([`progress`]).
//! 3. So many connections are open at once, and so many of one address ([`peers`]).
//! 4. Beyond that a few more are accepted, which answer health checks and refuse everything else
//!    ([`reserve`]); one address has a few of them at most. Beyond those, others wait in the system's queue.
//!
//! `axum::serve` has no limit at all.

pub(crate) mod descriptors;
mod limits;
mod peer_address;
mod peers;
mod progress;
mod reserve;
pub(crate) mod shutdown;

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::Service;

pub(crate) use self::limits::{Limits, PerAddress};
use self::{
    peer_address::WithPeerAddress,
    peers::{Peers, Slot},
    progress::Progress,
    reserve::Reserve,
};

/// How long to wait before accepting again after the system refused to (out of descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `service` until `stop` is cancelled and what was under way has ended, or its time is over.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    service: S,
    stop: CancellationToken,
    limits: Limits,
) where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes);
    let mut reserve_http = http.clone();
    reserve_http.header_read_timeout(limits.reserve_timeout).keep_alive(false);
    // While few are left, those who take their time are not waited for as long.
    let mut scarce_http = http.clone();
    scarce_http.header_read_timeout(limits.reserve_timeout);
    let admission = Admission::new(limits);
    let graceful = GracefulShutdown::new();
    loop {
        let next = async { (admission.any().await, listener.accept().await) };
        let (room, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok((stream, address)) => (stream, address.ip()),
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(admitted) = admission.admit(room, address) else {
            tracing::debug!(%address, "An address has all the connections that it may have");
            continue;
        };
        let io = TokioIo::new(prepared(stream, limits.write_timeout));
        let service = WithPeerAddress { inner: service.clone(), address };
        // Clients that break off or take too long are no fault of ours.
        match admitted.room.kind {
            Kind::Ordinary => {
                let service = TowerToHyperService::new(service);
                let http = if admission.is_scarce() { &scarce_http } else { &http };
                let connection = graceful.watch(http.serve_connection(io, service));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "A connection ended early");
                    }
                    drop(admitted);
                });
            }
            Kind::Reserve => {
                let service = TowerToHyperService::new(Reserve(service));
                let connection = graceful.watch(reserve_http.serve_connection(io, service));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "A connection ended early");
                    }
                    drop(admitted);
                });
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits.grace) => {
            tracing::warn!("Some requests did not end in time");
        }
    }
}

fn prepared(stream: TcpStream, write_timeout: Duration) -> Progress {
    // Without this every answer that is written in two parts waits for the client's delayed ACK.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    if let Err(error) = notice_vanished(&stream, write_timeout) {
        tracing::debug!(%error, "Keep-alive could not be set");
    }
    Progress::new(stream, write_timeout)
}

/// Lets the system end a connection whose peer is gone without a word, after about `patience`: a stream that is
/// written to now and then would be open, and counted, for a quarter of an hour.
fn notice_vanished(stream: &TcpStream, patience: Duration) -> rustix::io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(stream, true)?;
    #[cfg(target_os = "linux")]
    {
        sockopt::set_tcp_keepidle(stream, patience / 2)?;
        sockopt::set_tcp_keepintvl(stream, (patience / 6).max(Duration::from_secs(1)))?;
        let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, millis)?;
    }
    Ok(())
}

/// Which connections are let in.
struct Admission {
    limits: Limits,
    ordinary: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    peers: Peers,
    reserve_peers: Peers,
}

/// Room for one connection. Given back when dropped.
struct Room {
    kind: Kind,
    _permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Reserve,
}

/// A connection that was let in, counted until this is dropped.
struct Admitted {
    room: Room,
    _slot: Slot,
}

impl Admission {
    fn new(limits: Limits) -> Self {
        let semaphore = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            limits,
            ordinary: semaphore(limits.connections),
            reserve: semaphore(limits.reserve),
            peers: Peers::default(),
            reserve_peers: Peers::default(),
        }
    }

    /// Whether less than a quarter of the connections is left.
    fn is_scarce(&self) -> bool {
        self.ordinary.available_permits() < self.limits.connections / 4
    }

    /// Waits for room of either kind. The semaphores are never closed.
    async fn any(&self) -> Room {
        tokio::select! {
            biased;
            permit = Arc::clone(&self.ordinary).acquire_owned() => {
                Room { kind: Kind::Ordinary, _permit: permit.ok() }
            }
            permit = Arc::clone(&self.reserve).acquire_owned() => {
                Room { kind: Kind::Reserve, _permit: permit.ok() }
            }
        }
    }

    /// Lets in a connection of `address`, to which `room` goes if it may have it: an ordinary one, or else one
    /// of the reserve, or else none.
    fn admit(&self, mut room: Room, address: IpAddr) -> Option<Admitted> {
        let now = |semaphore: &Arc<Semaphore>| Arc::clone(semaphore).try_acquire_owned().ok();
        // Since the room was found another connection may have ended.
        if room.kind == Kind::Reserve
            && let Some(permit) = now(&self.ordinary)
        {
            room = Room { kind: Kind::Ordinary, _permit: Some(permit) };
        }
        if room.kind == Kind::Ordinary {
            if let Some(slot) = self.peers.enter(address, self.limits.per_address.most(address)) {
                return Some(Admitted { room, _slot: slot });
            }
            room = Room { kind: Kind::Reserve, _permit: Some(now(&self.reserve)?) };
        }
        let slot = self.reserve_peers.enter(address, Some(self.limits.reserve_per_address))?;
        Some(Admitted { room, _slot: slot })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{Router, routing::get};
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
        let router = Router::new()
            .route("/", get(answer))
            .route("/healthz", get(|| async { "ok" }))
            .route("/large", get(|| async { "x".repeat(1 << 20) }));
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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_peer_that_vanishes_is_noticed_by_the_system() {
        use rustix::net::sockopt;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        notice_vanished(&stream, Duration::from_secs(30)).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 30_000);
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), Duration::from_secs(15));
    }

    #[tokio::test]
    async fn while_few_connections_are_left_a_slow_head_is_not_waited_for_as_long() {
        let limits = Limits {
            connections: 4,
            reserve_timeout: Duration::from_millis(50),
            ..Limits::default()
        };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut slow = Vec::new();
        for _ in 0..4 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&REQUEST[..20]).await.unwrap();
            slow.push(stream);
        }
        // The last one took what was left, and has the short time; the others have theirs.
        let last = slow.last_mut().unwrap();
        assert!(!read(last).await.contains("200 OK"));
        let mut byte = [0];
        let first = slow.first().unwrap();
        let early = tokio::time::timeout(Duration::from_millis(20), first.peek(&mut byte)).await;
        assert!(early.is_err(), "the first is still waited for");
    }

    #[tokio::test]
    async fn half_a_head_does_not_hold_a_connection() {
        let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&REQUEST[..20]).await.unwrap();
        assert!(!read(&mut stream).await.contains("200 OK"));
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }

    #[tokio::test]
    async fn a_long_head_is_refused() {
        let (address, ..) = start(Limits::default(), Duration::ZERO).await;
        // hyper looks at the size before it reads on, so the bound is met roughly.
        for (size, is_answered) in [(60, true), (200, false)] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let filler = "x".repeat(size * 1024);
            let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nfiller: {filler}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            assert_eq!(read(&mut stream).await.contains("200 OK"), is_answered, "{size} KiB");
        }
    }

    #[tokio::test]
    async fn who_reads_nothing_of_the_answers_loses_the_connection() {
        let limits = Limits {
            connections: 1,
            reserve: 0,
            write_timeout: Duration::from_millis(100),
            ..Limits::default()
        };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut greedy = TcpStream::connect(address).await.unwrap();
        // Requests one behind the other, until the answers fill every buffer or the connection is gone.
        let request = b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let asking = async { while greedy.write_all(&request.repeat(1000)).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(20), asking).await.unwrap();
        assert!(ask(address, "/").await.contains("200 OK"), "the connection was given back");
    }

    #[tokio::test]
    async fn when_all_connections_are_held_health_is_answered_and_others_are_told_to_come_back() {
        let limits = Limits { connections: 2, ..Limits::default() };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut holders = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            assert!(read(&mut stream).await.contains("200 OK"));
            holders.push(stream);
        }
        assert!(ask(address, "/healthz").await.contains("200 OK"));
        let refused = ask(address, "/").await;
        assert!(refused.contains("503 ") && refused.contains("retry-after: 1"), "{refused}");
        drop(holders);
        // The server learns of their end by itself, a little later.
        while !ask(address, "/").await.contains("200 OK") {}
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_connections_nor_the_reserve() {
        let limits = Limits {
            per_address: PerAddress::Every(2),
            reserve_per_address: 1,
            ..Limits::default()
        };
        let (address, ..) = start(limits, Duration::ZERO).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            assert!(read(&mut stream).await.contains("200 OK"));
            held.push(stream);
        }
        // The third has the one place in the reserve that its address may have, the fourth none.
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(&REQUEST[..10]).await.unwrap();
        assert_eq!(ask(address, "/healthz").await, "");
        third.write_all(&REQUEST[10..]).await.unwrap();
        assert!(read(&mut third).await.contains("503 "));
    }

    #[tokio::test]
    async fn without_a_reserve_connections_beyond_the_limit_wait() {
        let limits = Limits { connections: 1, reserve: 0, ..Limits::default() };
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
