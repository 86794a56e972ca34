//! The bounds of one HTTP/2 connection.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{Request, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use listener::Limits;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::world::{PATIENCE, Secured, World, read, request2};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
pub(crate) const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// The type of GOAWAY, and two of its codes (RFC 9113 §7).
const GOAWAY: u8 = 7;
const NO_ERROR: u32 = 0;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

pub(crate) async fn connect(world: &World) -> Secured {
    world.connect(world.client(&["h2"])).await.unwrap()
}

/// The code of the last GOAWAY that comes until the connection ends.
pub(crate) async fn ended_with(stream: &mut (impl AsyncRead + Unpin)) -> Option<u32> {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    let (mut rest, mut code) = (&bytes[..], None);
    while rest.len() >= 9 {
        let length = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        let Some((frame, after)) = rest.split_at_checked(9 + length) else { break };
        if frame[3] == GOAWAY {
            code = Some(u32::from_be_bytes(frame[13..17].try_into().unwrap()));
        }
        rest = after;
    }
    code
}

/// HEADERS of `GET https://localhost/` on a stream, the whole request.
fn get(stream: u32) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x84, 0x41, 9];
    block.extend_from_slice(b"localhost");
    let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 0x5];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend(block);
    frame
}

fn reset(stream: u32) -> Vec<u8> {
    let mut frame = vec![0, 0, 4, 3, 0];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(&8_u32.to_be_bytes());
    frame
}

#[tokio::test]
async fn an_idle_connection_ends_and_so_does_one_that_never_begins() {
    let limits = Limits {
        head_timeout: Duration::from_millis(100),
        reserve_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = World::new(limits).await;
    let mut idle = connect(&world).await;
    idle.write_all(PREFACE).await.unwrap();
    idle.write_all(&SETTINGS).await.unwrap();
    idle.write_all(&get(1)).await.unwrap();
    assert_eq!(ended_with(&mut idle).await, Some(NO_ERROR));
    let mut silent = connect(&world).await;
    assert_eq!(ended_with(&mut silent).await, None);
    // A head without its end, while the peer goes on with other frames of it.
    let mut half = connect(&world).await;
    half.write_all(PREFACE).await.unwrap();
    half.write_all(&SETTINGS).await.unwrap();
    let mut without_end = get(1);
    without_end[4] = 1;
    half.write_all(&without_end).await.unwrap();
    ended_with(&mut half).await;
    crate::world::until(|| world.connections.open() == 0).await;
}

#[tokio::test]
async fn pings_keep_no_connection_open() {
    let limits = Limits {
        head_timeout: Duration::from_millis(100),
        reserve_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = World::new(limits).await;
    let stream = connect(&world).await;
    let (mut reading, mut writing) = tokio::io::split(stream);
    writing.write_all(PREFACE).await.unwrap();
    writing.write_all(&SETTINGS).await.unwrap();
    let pings = tokio::spawn(async move {
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        while writing.write_all(&ping).await.is_ok() && writing.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut bytes)).await.unwrap();
    tokio::time::timeout(PATIENCE, pings).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_with_a_request_under_way_is_not_idle() {
    let limits = Limits {
        head_timeout: Duration::from_millis(20),
        reserve_timeout: Duration::from_millis(20),
        ..Limits::default()
    };
    let world = World::new(limits).await;
    let mut client = world.http2().await;
    assert_eq!(read(client.send_request(request2("/slow"))).await, (200, "slow".into()));
}

#[tokio::test]
async fn a_peer_without_a_window_for_the_answer_loses_the_connection() {
    let limits = Limits { write_timeout: Duration::from_millis(100), ..Limits::default() };
    let world = World::new(limits).await;
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(100).initial_connection_window_size(100_000);
    let (mut client, connection) =
        builder.handshake(TokioIo::new(connect(&world).await)).await.unwrap();
    let connection = tokio::spawn(connection);
    // It is not read, so the window stays closed.
    let large = client.send_request(
        request2("/large")
            .map(|_: http_body_util::Empty<_>| http_body_util::Empty::<bytes::Bytes>::new()),
    );
    let answer = large.await.unwrap();
    let _ = tokio::time::timeout(PATIENCE, connection).await.unwrap();
    assert!(answer.into_body().collect().await.is_err());
    crate::world::until(|| world.connections.open() == 0).await;
}

#[tokio::test]
async fn an_answer_that_has_nothing_to_say_for_long_does_not_end_the_connection() {
    let limits = Limits { write_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits).await;
    let mut client = world.http2().await;
    let open = client.send_request(request2("/endless")).await.unwrap();
    assert_eq!(read(client.send_request(request2("/slow"))).await, (200, "slow".into()));
    assert_eq!(read(client.send_request(request2("/large"))).await.1.len(), 1 << 20);
    drop(open);
}

#[tokio::test]
async fn a_peer_has_so_many_requests_at_once_and_is_told() {
    let world = World::new(Limits::default()).await;
    let (client, connection) = h2::client::handshake(connect(&world).await).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let (answer, _) = client.send_request(request2("/").map(|_| ()), true).unwrap();
    answer.await.unwrap();
    assert_eq!(client.current_max_send_streams(), 100);
}

#[tokio::test]
async fn requests_that_are_reset_at_once_end_the_connection() {
    let world = World::new(Limits::default()).await;
    let mut stream = connect(&world).await;
    let mut bytes = [PREFACE, &SETTINGS].concat();
    for id in (1..).step_by(2).take(500) {
        bytes.extend(get(id));
        bytes.extend(reset(id));
    }
    stream.write_all(&bytes).await.unwrap();
    assert_eq!(ended_with(&mut stream).await, Some(ENHANCE_YOUR_CALM));
    assert_eq!(read(world.http2().await.send_request(request2("/"))).await.0, 200);
}

#[tokio::test]
async fn a_long_head_is_431() {
    let world = World::new(Limits::default()).await;
    for (kib, status) in [(50, 200), (80, 431)] {
        let mut client = world.http2().await;
        let mut request = request2("/");
        // A client of this library would refuse a header of that size, but not many.
        for index in 0..kib {
            let name = header::HeaderName::try_from(format!("filler-{index}")).unwrap();
            request.headers_mut().insert(name, "x".repeat(1000).parse().unwrap());
        }
        let answer = tokio::time::timeout(PATIENCE, client.send_request(request)).await.unwrap();
        assert_eq!(answer.map_or(431, |it| it.status().as_u16()), status, "{kib} KiB");
    }
}

#[tokio::test]
async fn a_host_that_is_not_the_authority_stays_beside_it() {
    let world = World::new(Limits::default()).await;
    let mut request: Request<_> = request2("/host");
    request.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
    let answer = read(world.http2().await.send_request(request)).await;
    assert_eq!(answer.1, "https://localhost/host Some(\"evil.example\")");
}

#[tokio::test]
async fn a_request_under_way_ends_after_the_stop_and_idle_connections_are_closed() {
    let world = World::new(Limits { grace: PATIENCE, ..Limits::default() }).await;
    let (mut busy, mut idle) = (world.http2().await, world.http2().await);
    assert_eq!(read(idle.send_request(request2("/"))).await.0, 200);
    let slow = tokio::spawn(read(busy.send_request(request2("/slow"))));
    crate::world::until(|| world.connections.open() == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.stop.cancel();
    assert_eq!(slow.await.unwrap(), (200, "slow".into()));
    tokio::time::timeout(PATIENCE, world.serving).await.unwrap().unwrap();
}
