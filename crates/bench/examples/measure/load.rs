//! The generator: connections that each send the next request when the answer is there.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// How many connections a row has, if it does not say otherwise.
pub(crate) const CONNECTIONS: usize = 16;

/// What is sent, to whom and how.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// Sent in turn, whichever connection is free, and from run to run: so that none comes again
    /// before all others.
    pub(crate) requests: Arc<Vec<Vec<u8>>>,
    /// How many were sent.
    pub(crate) sent: Arc<AtomicUsize>,
    pub(crate) connections: usize,
    /// The status that every answer must have.
    pub(crate) status: u16,
    /// How long a connection waits between an answer and the next request.
    pub(crate) pause: Duration,
    /// Whether each request has a connection of its own.
    pub(crate) each: bool,
}

/// How long the answers took, each; in order.
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn new(nanos: impl Iterator<Item = u32>) -> Self {
        let mut all: Vec<_> = nanos.collect();
        all.sort_unstable();
        Self(all)
    }

    pub(crate) fn into_nanos(self) -> Vec<u32> {
        self.0
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time, in microseconds, within which `share` of the answers were there.
    pub(crate) fn within(&self, share: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let index = (self.0.len() as f64 * share) as usize;
        let nanos = self.0.get(index.min(self.0.len().saturating_sub(1))).copied();
        f64::from(nanos.unwrap_or(0)) / 1e3
    }
}

impl Load {
    /// Sends for `length`.
    pub(crate) async fn run(&self, length: Duration) -> Latencies {
        self.run_until(Instant::now() + length, usize::MAX).await
    }

    /// Sends `count` requests over each connection.
    pub(crate) async fn run_count(&self, count: usize) -> Latencies {
        self.run_until(Instant::now() + Duration::from_mins(10), count).await
    }

    async fn run_until(&self, end: Instant, count: usize) -> Latencies {
        let mut callers = JoinSet::new();
        for _ in 0..self.connections {
            let load = self.clone();
            callers.spawn(async move { load.call(end, count).await.unwrap() });
        }
        Latencies::new(callers.join_all().await.into_iter().flatten())
    }

    async fn call(&self, end: Instant, count: usize) -> io::Result<Vec<u32>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(16 * 1024);
        let mut latencies = Vec::new();
        for _ in 0..count {
            let begun = Instant::now();
            if begun >= end {
                break;
            }
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            let request = &self.requests[number % self.requests.len()];
            if self.each && !latencies.is_empty() {
                stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
            }
            stream.write_all(request).await?;
            answer(&mut stream, &mut buffer, self.status).await?;
            latencies.push(u32::try_from(begun.elapsed().as_nanos()).unwrap_or(u32::MAX));
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
        }
        Ok(latencies)
    }
}

/// Reads one answer, to its end.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, status: u16) -> io::Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        assert_eq!(head.get(9..12), Some(status.to_string().as_str()), "{head}");
        if head.contains("transfer-encoding: chunked") {
            // A stream: it ends with the last, empty chunk.
            while !buffer.ends_with(b"\r\n0\r\n\r\n") {
                if stream.read_buf(buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
        while buffer.len() < end + 4 + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        return Ok(());
    }
}
