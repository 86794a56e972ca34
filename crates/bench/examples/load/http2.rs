//! Callers over HTTP/2: many requests on one connection.

use std::{
    fmt::Write as _,
    io,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    callers::{BODY, FOR_EVER, PAUSE, Plan},
    cast::Class,
    tally::Tally,
    wire::Answer,
};

/// How many requests one connection has at once.
const AT_ONCE: usize = 4;
/// How many of them are reset at once.
const RESETS: u32 = 500;
/// The preface of a client, and an empty SETTINGS frame (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What came of one round on a connection: an answer, or that it was closed.
type Outcome = (Option<Answer>, Duration);

/// Calls as `class` does until the flood is over.
pub(crate) async fn call(class: Class, plan: Plan) -> Tally {
    let mut tally = Tally::default();
    while !plan.is_over() {
        let round = async {
            match class {
                Class::Http2Deaf => deaf(&plan).await.map(|it| vec![it]),
                Class::Http2Resets => resets(&plan).await.map(|it| vec![it]),
                _ => calls(class, &plan).await,
            }
        };
        match timeout(plan.length + FOR_EVER, round).await {
            Err(_) => tally.fault(format!("{class:?} was neither answered nor closed")),
            Ok(Err(error)) => {
                tally.fault(format!("{class:?} could not connect: {error}"));
                sleep(PAUSE).await;
            }
            Ok(Ok(outcomes)) => {
                for (answer, took) in outcomes {
                    class.judge(answer.as_ref(), took, &plan, &mut tally);
                }
            }
        }
        if class.pauses() {
            sleep(PAUSE).await;
        }
    }
    tally
}

/// A request of `class`: the call, or what has a long answer.
fn request(class: Class, plan: &Plan) -> Request<Full<Bytes>> {
    if class == Class::Http2Deaf {
        let path = "/.well-known/oauth-protected-resource/mcp";
        let request = Request::get(format!("https://localhost{path}"));
        return request.body(Full::default()).unwrap();
    }
    let mut request = Request::post("https://localhost/mcp")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    if let Some(token) = plan.token(class) {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Full::from(BODY)).unwrap()
}

/// Calls over one connection until the flood is over or the connection is.
async fn calls(class: Class, plan: &Plan) -> io::Result<Vec<Outcome>> {
    let io = TokioIo::new(plan.place.http2().await?);
    let opened = http2::handshake(TokioExecutor::new(), io).await.map_err(io::Error::other)?;
    let (client, connection) = opened;
    let connection = tokio::spawn(connection);
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (mut client, plan) = (client.clone(), plan.clone());
        callers.spawn(async move {
            let mut outcomes = Vec::new();
            while !plan.is_over() {
                let begun = Instant::now();
                let answer = answer(client.send_request(request(class, &plan)).await).await;
                let is_closed = answer.is_none();
                outcomes.push((answer, begun.elapsed()));
                if is_closed {
                    break;
                }
                if class.pauses() {
                    sleep(PAUSE).await;
                }
            }
            outcomes
        });
    }
    let outcomes = callers.join_all().await.into_iter().flatten().collect();
    connection.abort();
    Ok(outcomes)
}

/// An answer as the callers of HTTP/1.1 have it: in lower case, with its headers.
async fn answer(response: hyper::Result<Response<Incoming>>) -> Option<Answer> {
    let (head, body) = response.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let mut text = String::new();
    for (name, value) in &head.headers {
        let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text += &String::from_utf8_lossy(&body);
    Some(Answer { status: head.status.as_u16(), text: text.to_ascii_lowercase() })
}

/// Asks as often as it may, opens no window for the answers, and waits for the end.
async fn deaf(plan: &Plan) -> io::Result<Outcome> {
    let io = TokioIo::new(plan.place.http2().await?);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(16);
    let (client, connection) = builder.handshake(io).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let begun = Instant::now();
    let mut kept = Vec::new();
    for _ in 0..AT_ONCE {
        let mut client = client.clone();
        kept.push(client.send_request(request(Class::Http2Deaf, plan)).await);
    }
    let _ = connection.await;
    drop(kept);
    Ok((None, begun.elapsed()))
}

/// Makes requests, gives each up at once, and waits for the end.
async fn resets(plan: &Plan) -> io::Result<Outcome> {
    let mut stream = plan.place.http2().await?;
    let begun = Instant::now();
    let mut bytes = PREFACE.to_vec();
    for number in 0..RESETS {
        let id = (number * 2 + 1).to_be_bytes();
        // HEADERS of GET https://localhost/, and RST_STREAM with CANCEL.
        bytes.extend_from_slice(&[0, 0, 14, 1, 0x5]);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&[0x82, 0x87, 0x84, 0x41, 9]);
        bytes.extend_from_slice(b"localhost");
        bytes.extend_from_slice(&[0, 0, 4, 3, 0]);
        bytes.extend_from_slice(&id);
        bytes.extend_from_slice(&[0, 0, 0, 8]);
    }
    // The server may have closed it already.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.flush().await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    Ok((None, begun.elapsed()))
}
