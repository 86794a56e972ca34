//! Limits and the stop, over real connections.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{Extension, Router, routing::get};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::mpsc,
    task::JoinHandle,
};

use super::*;

const PROGRAM: Program = Program {
    note_address: |extensions, address| {
        extensions.insert(address);
    },
    note_certificate: |extensions, certificate| {
        extensions.insert(certificate);
    },
    is_health_check: |path| path == "/healthz",
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn start(limits: Limits, delay: Duration) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
    start_behind("", limits, delay).await
}

async fn start_behind(
    proxies: &str,
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
        .route("/from", get(|Extension(from): Extension<IpAddr>| async move { from.to_string() }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/large", get(|| async { "x".repeat(1 << 20) }));
    let stop = CancellationToken::new();
    let (proxies, counts) = (proxies.parse().unwrap(), Connections::default());
    let serving = serve(listener, router, stop.clone(), limits, proxies, PROGRAM, counts);
    let serving = tokio::spawn(serving);
    (address, stop, serving)
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = vec![0; 1024];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut bytes));
    let length = read.await.unwrap().unwrap_or(0);
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn while_few_connections_are_left_a_slow_head_is_not_waited_for_as_long() {
    let limits =
        Limits { connections: 4, reserve_timeout: Duration::from_millis(50), ..Limits::default() };
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
    ask_with(address, path, "").await
}

/// The same with more lines in the head, each with its end.
async fn ask_with(address: SocketAddr, path: &str, lines: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
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
async fn when_all_connections_are_held_health_is_answered_and_others_are_refused_with_retry_after()
{
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
    let limits =
        Limits { per_address: PerAddress::Every(2), reserve_per_address: 1, ..Limits::default() };
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
async fn a_trusted_proxy_has_the_connections_of_all_its_clients_and_not_more_than_there_are() {
    let limits = Limits { connections: 4, per_address: PerAddress::Every(2), ..Limits::default() };
    for (proxies, held_at_most) in [("127.0.0.0/8", 4), ("127.0.0.2", 2)] {
        let (address, ..) = start_behind(proxies, limits, Duration::ZERO).await;
        let mut held = Vec::new();
        for _ in 0..held_at_most {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(REQUEST).await.unwrap();
            assert!(read(&mut stream).await.contains("200 OK"), "{proxies}: {}", held.len());
            held.push(stream);
        }
        assert!(ask(address, "/").await.contains("503 "), "{proxies}");
    }
}

#[tokio::test]
async fn in_the_reserve_a_trusted_proxy_leaves_room_for_others() {
    let limits = Limits { connections: 1, reserve_per_address: 1, ..Limits::default() };
    let (address, ..) = start_behind("127.0.0.1", limits, Duration::ZERO).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&REQUEST[..10]).await.unwrap();
        held.push(stream);
    }
    assert_eq!(ask(address, "/healthz").await, "");
}

#[tokio::test]
async fn a_request_comes_from_the_address_that_a_trusted_proxy_names() {
    let (address, ..) = start_behind("127.0.0.1", Limits::default(), Duration::ZERO).await;
    for (lines, from) in [
        ("", "127.0.0.1"),
        ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"),
        ("x-forwarded-for: 192.0.2.1\r\nX-FORWARDED-FOR: 192.0.2.2\r\n", "192.0.2.2"),
        ("Forwarded: for=\"[2001:db8::1]:80\"\r\n", "2001:db8::1"),
        ("Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n", "127.0.0.1"),
    ] {
        let answer = ask_with(address, "/from", lines).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{from}")), "{lines}{answer}");
    }
    let (address, ..) = start_behind("127.0.0.2", Limits::default(), Duration::ZERO).await;
    let answer = ask_with(address, "/from", "X-Forwarded-For: 192.0.2.1\r\n").await;
    assert!(answer.ends_with("\r\n\r\n127.0.0.1"), "{answer}");
}

#[tokio::test]
async fn requests_of_one_connection_come_from_the_clients_of_the_proxy() {
    let (address, ..) = start_behind("127.0.0.1", Limits::default(), Duration::ZERO).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for from in ["192.0.2.1", "192.0.2.2"] {
        let request =
            format!("GET /from HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {from}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read(&mut stream).await;
        assert!(answer.ends_with(from), "{answer}");
    }
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
async fn a_request_that_does_not_end_is_not_waited_for_and_is_aborted() {
    let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begun, mut beginning) = mpsc::channel(1);
    let held = Arc::new(());
    let (of_request, stop) = (Arc::clone(&held), CancellationToken::new());
    let never = move || async move {
        begun.send(()).await.unwrap();
        std::future::pending::<()>().await;
        drop(of_request);
    };
    let router = Router::new().route("/", get(never));
    let (proxies, counts) = (TrustedProxies::default(), Connections::default());
    let serving = serve(listener, router, stop.clone(), limits, proxies, PROGRAM, counts);
    let serving = tokio::spawn(serving);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    beginning.recv().await.unwrap();
    assert!(Arc::strong_count(&held) > 1);
    stop.cancel();
    serving.await.unwrap();
    assert_eq!(Arc::strong_count(&held), 1, "the request goes on");
}

#[test]
fn a_peer_that_has_ended_its_connection_keeps_no_other_from_being_accepted() {
    let error = |kind| is_of_one_peer(&io::Error::from(kind));
    assert!(error(io::ErrorKind::ConnectionAborted) && error(io::ErrorKind::ConnectionReset));
    assert!(!is_of_one_peer(&io::Error::from_raw_os_error(24)), "too many open files");
}

#[tokio::test]
async fn connections_are_counted_until_they_end_and_so_are_those_that_are_refused() {
    let limits = Limits {
        connections: 2,
        reserve: 2,
        per_address: PerAddress::Every(2),
        reserve_per_address: 1,
        ..Limits::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Connections::default();
    let router = Router::new().route("/", get(|| async { "hello" }));
    let (stop, proxies) = (CancellationToken::new(), TrustedProxies::default());
    let counted = connections.clone();
    let serving = serve(listener, router, stop, limits, proxies, PROGRAM, counted);
    tokio::spawn(serving);
    let until = async |holds: &dyn Fn() -> bool| {
        let waiting = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    };
    assert_eq!((connections.open(), connections.in_reserve(), connections.refused()), (0, 0, 0));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    until(&|| (connections.open(), connections.in_reserve()) == (2, 1)).await;
    until(&|| connections.refused() == 1).await;
    drop(held);
    until(&|| (connections.open(), connections.in_reserve()) == (0, 0)).await;
}

#[tokio::test]
async fn what_is_served_at_a_unix_socket_comes_from_this_machine_and_no_header_changes_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let socket = UnixSocket::bind(&path).unwrap();
    let from = |Extension(from): Extension<IpAddr>| async move { from.to_string() };
    let router = Router::new().route("/from", get(from));
    let (stop, proxies) = (CancellationToken::new(), TrustedProxies::default());
    let (limits, counts) = (Limits::default(), Connections::default());
    let serving = serve(socket, router, stop.clone(), limits, proxies, PROGRAM, counts);
    let serving = tokio::spawn(serving);
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = "GET /from HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 192.0.2.1\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read(&mut stream).await;
    assert!(answer.ends_with("\r\n\r\n127.0.0.1"), "{answer}");
    drop(stream);
    stop.cancel();
    serving.await.unwrap();
    assert!(!path.exists());
}
