//! Floods of frames over HTTP/2: each ends its connection, and others are served.

use std::{future::poll_fn, task::Poll};

use bytes::Bytes;
use h2::{SendStream, client::SendRequest};
use hyper::Request;
use listener::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    http2::{ENHANCE_YOUR_CALM, PREFACE, SETTINGS, connect, ended_with},
    world::{PATIENCE, World, read, request2},
};

/// The type of `RST_STREAM` (RFC 9113 §6.4).
const RST_STREAM: u8 = 3;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// Sends `start` and then `again` without end, and reads everything: the code of the GOAWAY that
/// comes, if one does. Fails if the connection does not end.
async fn flooded(world: &World, start: &[u8], again: impl Fn(u32) -> Vec<u8>) -> Option<u32> {
    let (mut reading, mut writing) = tokio::io::split(connect(world).await);
    let start = [PREFACE, &SETTINGS, start].concat();
    let sending = async {
        writing.write_all(&start).await?;
        for number in 0.. {
            writing.write_all(&again(number)).await?;
        }
        writing.flush().await
    };
    let sending = tokio::time::timeout(PATIENCE, sending);
    let (sent, code) = tokio::join!(sending, ended_with(&mut reading));
    assert!(sent.unwrap().is_err(), "the flood ends");
    let other = world.http2().await.send_request(request2("/"));
    assert_eq!(read(other).await, (200, "hello".into()));
    code
}

#[tokio::test]
async fn floods_of_pings_settings_and_other_frames_end_the_connection() {
    let world = World::new(Limits::default()).await;
    // With a request under way: the connection is never idle.
    let endless = [&[0x82, 0x87, 0x04, 8][..], b"/endless", &[0x41, 9], b"localhost"].concat();
    let start = frame(1, 0x5, 1, &endless);
    let ping = frame(6, 0, 0, b"12345678");
    let settings = SETTINGS.to_vec();
    let (window, priority) = (frame(8, 0, 0, &[0, 0, 0, 1]), frame(2, 0, 3, &[0, 0, 0, 1, 9]));
    for again in [ping, settings, window, priority, frame(0xbe, 0, 0, b"")] {
        let many = again.repeat(100);
        assert_eq!(flooded(&world, &start, |_| many.clone()).await, None, "{again:?}");
    }
}

#[tokio::test]
async fn requests_that_break_the_protocol_are_reset_until_there_are_too_many() {
    let world = World::new(Limits::default()).await;
    // A request without a path (RFC 9113 §8.3.1).
    let malformed = |id| frame(1, 0x5, id, &[&[0x82, 0x87, 0x41, 9][..], b"localhost"].concat());
    let resets = async |count: usize| {
        let mut stream = connect(&world).await;
        let mut bytes = [PREFACE, &SETTINGS].concat();
        let ids = (1..).step_by(2);
        ids.take(count).for_each(|id: u32| bytes.extend(malformed(id)));
        stream.write_all(&bytes).await.unwrap();
        stream
    };
    let mut head = [0; 9];
    let (mut few, mut count) = (resets(90).await, 0);
    while count < 90 {
        tokio::time::timeout(PATIENCE, few.read_exact(&mut head)).await.unwrap().unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        few.read_exact(&mut payload).await.unwrap();
        count += usize::from(head[3] == RST_STREAM);
    }
    assert_eq!(ended_with(&mut resets(300).await).await, Some(ENHANCE_YOUR_CALM));
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let world = World::new(Limits::default()).await;
    let start = frame(1, 0x1, 1, &[0x82]);
    for size in [0, 1, 16 * 1024] {
        // Fillers of a header that is never named.
        let payload = vec![0x82; size];
        let code = flooded(&world, &start, |_| frame(9, 0, 1, &payload)).await;
        assert!(code.is_some(), "{size}");
    }
}

#[tokio::test]
async fn a_head_that_unpacks_into_more_than_it_is_is_refused() {
    let world = World::new(Limits::default()).await;
    let (mut reading, mut writing) = tokio::io::split(connect(&world).await);
    // One header of 3 KiB for the table, and then its index, four thousand times: 12 MiB.
    let mut block = [&[0x82, 0x87, 0x84, 0x41, 9][..], b"localhost", &[0x40, 1, b'x']].concat();
    block.extend([0x7f, 0x81, 0x17]);
    block.extend(vec![b'y'; 3072]);
    block.extend(vec![0xbe; 4000]);
    let request = frame(1, 0x5, 1, &block);
    writing.write_all(&[PREFACE, &SETTINGS, &request].concat()).await.unwrap();
    writing.flush().await.unwrap();
    // 431 (its index is not in the static table), or a reset, or the end of the connection.
    let (mut head, mut is_answered) = ([0; 9], false);
    while !is_answered {
        let read = tokio::time::timeout(PATIENCE, reading.read_exact(&mut head)).await.unwrap();
        if read.is_err() {
            break;
        }
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        reading.read_exact(&mut payload).await.unwrap();
        // `:status: 200` is the eighth entry.
        assert!(head[3] != 1 || payload.first() != Some(&0x88), "it is answered with 200");
        is_answered = matches!(head[3], 1 | RST_STREAM);
    }
}

#[tokio::test]
async fn a_body_in_tiny_pieces_that_nobody_reads_ends_the_connection() {
    let world = World::new(Limits::default()).await;
    let path = [&[0x83, 0x87, 0x04, 7][..], b"/unread", &[0x41, 9], b"localhost"].concat();
    let start = frame(1, 0x4, 1, &path);
    // It ends before the window is full, which would be another code.
    let code = flooded(&world, &start, |_| frame(0, 0, 1, b"x")).await;
    assert_eq!(code, Some(ENHANCE_YOUR_CALM));
}

/// Sends as much as the windows let it, until a ping is answered without one being opened.
async fn filled(streams: &mut [SendStream<Bytes>], pings: &mut h2::PingPong) -> Vec<usize> {
    let mut sent = vec![0; streams.len()];
    loop {
        let before: usize = sent.iter().sum();
        for (stream, sent) in streams.iter_mut().zip(&mut sent) {
            stream.reserve_capacity(1 << 20);
            loop {
                let capacity = poll_fn(|context| match stream.poll_capacity(context) {
                    Poll::Ready(found) => Poll::Ready(found),
                    Poll::Pending => Poll::Ready(None),
                });
                let Some(capacity) = capacity.await else { break };
                let capacity = capacity.unwrap();
                if capacity == 0 {
                    break;
                }
                stream.send_data(Bytes::from(vec![0; capacity]), false).unwrap();
                *sent += capacity;
                stream.reserve_capacity(1 << 20);
            }
        }
        pings.ping(h2::Ping::opaque()).await.unwrap();
        if sent.iter().sum::<usize>() == before {
            return sent;
        }
    }
}

#[tokio::test]
async fn of_bodies_that_are_not_read_a_window_is_sent_and_no_more() {
    let world = World::new(Limits::default()).await;
    let (client, mut connection) = h2::client::handshake(connect(&world).await).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    tokio::spawn(connection);
    let mut client: SendRequest<Bytes> = client.ready().await.unwrap();
    // The windows of the server are known once it has answered.
    pings.ping(h2::Ping::opaque()).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..8 {
        let request = Request::post("https://localhost/unread").body(()).unwrap();
        streams.push(client.send_request(request, false).unwrap());
    }
    let (_answers, mut streams): (Vec<_>, Vec<_>) = streams.into_iter().unzip();
    // Nothing is sent on a stream before its request is.
    pings.ping(h2::Ping::opaque()).await.unwrap();
    let one = filled(&mut streams[..1], &mut pings).await;
    assert_eq!(one, [64 * 1024]);
    let others = filled(&mut streams[1..], &mut pings).await;
    assert_eq!(others.iter().sum::<usize>(), (256 - 64) * 1024, "{others:?}");
}
