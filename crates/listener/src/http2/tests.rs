//! Bounds that hyper is given, seen by a peer whose connection holds a kibibyte.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{Router, routing::get};
use bytes::Bytes;
use futures_util::stream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS with windows of 2^31 - 1 bytes for each stream, and `WINDOW_UPDATE` for all of them.
const SETTINGS: [u8; 15] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff];
const WINDOW: [u8; 13] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0, 0];
const SECOND: Duration = Duration::from_secs(1);
const PING: u8 = 6;

/// The peer of a connection that serves `router`, and its end.
fn connected(router: Router, limits: Limits) -> (DuplexStream, JoinHandle<()>) {
    let (peer, io) = duplex(1024);
    let serving = tokio::spawn(async move {
        serve(io, router, &limits, &CancellationToken::new()).await;
    });
    (peer, serving)
}

/// HEADERS of a request for `https://localhost/` on stream 1.
fn request() -> Vec<u8> {
    let mut frame = vec![0, 0, 14, 1, 0x5, 0, 0, 0, 1, 0x82, 0x87, 0x84, 0x41, 9];
    frame.extend_from_slice(b"localhost");
    frame
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_little_is_kept_for_a_peer_that_reads_nothing() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let endless = move || async move {
        Body::from_stream(stream::repeat_with(move || {
            counted.fetch_add(1024, SeqCst);
            Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1024]))
        }))
    };
    let router = Router::new().route("/", get(endless));
    let limits = Limits { write_timeout: 30 * SECOND, ..Limits::default() };
    let (mut peer, serving) = connected(router, limits);
    let all = [PREFACE, &SETTINGS, &WINDOW, &request()].concat();
    peer.write_all(&all).await.unwrap();
    // Time passes once nothing is left to do.
    sleep(SECOND).await;
    let kept = taken.load(SeqCst);
    assert!((1..=SEND_BUFFER + 32 * 1024).contains(&kept), "{kept}");
    // The duplex has no bound of its own; the answer that waits has.
    timeout(60 * SECOND, serving).await.unwrap().unwrap();
    assert_eq!(taken.load(SeqCst), kept);
}

#[tokio::test]
async fn a_request_ends_when_its_connection_is_aborted() {
    let (begun, mut beginning) = mpsc::channel(1);
    let held = Arc::new(());
    let of_request = Arc::clone(&held);
    let never = move || async move {
        begun.send(()).await.unwrap();
        std::future::pending::<()>().await;
        drop(of_request);
    };
    let router = Router::new().route("/", get(never));
    let (mut peer, serving) = connected(router, Limits::default());
    peer.write_all(&[PREFACE, &SETTINGS, &request()].concat()).await.unwrap();
    beginning.recv().await.unwrap();
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Arc::strong_count(&held), 1, "the request goes on");
}

/// Reads frames until the end, and answers pings if it `answers`.
async fn read_on(peer: DuplexStream, answers: bool) {
    let (mut reading, mut writing) = tokio::io::split(peer);
    let mut head = [0; 9];
    while reading.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if reading.read_exact(&mut payload).await.is_err() {
            return;
        }
        if answers && head[3] == PING && head[4] == 0 {
            let ack = [&[0, 0, 8, PING, 1, 0, 0, 0, 0], &payload[..]].concat();
            if writing.write_all(&ack).await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_loses_the_connection_and_one_that_does_keeps_it() {
    let endless = || async { Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()) };
    for answers in [false, true] {
        let router = Router::new().route("/", get(endless));
        let (mut peer, serving) = connected(router, Limits::default());
        peer.write_all(&[PREFACE, &SETTINGS, &request()].concat()).await.unwrap();
        let reading = tokio::spawn(read_on(peer, answers));
        let ended = timeout(PING_INTERVAL + PING_TIMEOUT + 20 * SECOND, serving).await;
        assert_eq!(ended.is_err(), answers, "answers: {answers}");
        reading.abort();
    }
}
