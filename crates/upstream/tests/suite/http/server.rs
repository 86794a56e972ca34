//! A server on loopback that says what a test has written, byte by byte, and keeps what it got.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// What a server does after it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Writes these bytes.
    Say(Vec<u8>),
    /// Waits until the test lets it go on.
    Wait,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
    /// Does nothing more, and keeps the connection.
    Hang,
}

/// One request as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let pairs = lines.filter_map(|line| line.split_once(':'));
        let mut found = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }

    pub(crate) fn header_names(&self) -> Vec<String> {
        let lines = self.head.lines().skip(1);
        let mut names: Vec<_> =
            lines.filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase())).collect();
        names.sort();
        names
    }
}

type Script = dyn Fn(&Received) -> Vec<Step> + Send + Sync;

/// A server. It ends with its runtime, or when it is stopped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    script: Box<Script>,
    received: Mutex<Vec<Received>>,
    bytes: Mutex<Vec<u8>>,
    connections: AtomicUsize,
    gone: AtomicUsize,
    go_on: tokio::sync::Semaphore,
}

impl Server {
    pub(crate) async fn start(
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(0, script).await
    }

    /// One at this port, where another one may have been stopped.
    pub(crate) async fn start_at(
        port: u16,
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Box::new(script),
            received: Mutex::default(),
            bytes: Mutex::default(),
            connections: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
            go_on: tokio::sync::Semaphore::new(0),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    state.serve(stream).await;
                    state.gone.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, state, task }
    }

    /// Closes its port and its connections.
    pub(crate) async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// One that answers every request with these bytes.
    pub(crate) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_| vec![Step::Say(answer.clone())]).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// All bytes that were received.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state.bytes.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Lets one [`Step::Wait`] go on.
    pub(crate) fn go_on(&self) {
        self.state.go_on.add_permits(1);
    }

    /// Waits until so many connections were closed by the other side.
    pub(crate) async fn until_gone(&self, count: usize) {
        let gone = async {
            while self.state.gone.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
    }

    /// Waits until so many requests were received.
    pub(crate) async fn until_received(&self, count: usize) {
        let received = async {
            while self.received().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), received).await.unwrap();
    }
}

impl State {
    async fn serve(&self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(request) = self.read(&mut stream, &mut buffer).await {
            let steps = (self.script)(&request);
            self.received.lock().unwrap().push(request);
            for step in steps {
                match step {
                    Step::Say(bytes) => {
                        if stream.write_all(&bytes).await.is_err() {
                            return;
                        }
                    }
                    Step::Wait => self.go_on.acquire().await.unwrap().forget(),
                    Step::Close => return,
                    Step::Reset => {
                        stream.set_zero_linger().unwrap();
                        return;
                    }
                    Step::Hang => {
                        // Until the other side closes it.
                        let _ = stream.read(&mut [0; 64]).await;
                        return;
                    }
                }
            }
        }
    }

    async fn read(&self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
        let head = loop {
            if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill(stream, buffer).await?;
        };
        let text = String::from_utf8(buffer[..head].to_vec()).unwrap();
        let mut request = Received { head: text, body: Vec::new() };
        let length: usize = request.header("content-length").map_or(0, |it| it.parse().unwrap());
        while buffer.len() < head + length {
            self.fill(stream, buffer).await?;
        }
        request.body = buffer[head..head + length].to_vec();
        buffer.drain(..head + length);
        Some(request)
    }

    async fn fill(&self, stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        self.bytes.lock().unwrap().extend_from_slice(&part[..length]);
        buffer.extend_from_slice(&part[..length]);
        Some(())
    }
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// A whole answer with JSON.
pub(crate) fn json(body: &str) -> Vec<u8> {
    answer("200 OK", &["content-type: application/json"], body)
}

/// The head of a stream.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec()
}

/// A part of a stream.
pub(crate) fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

/// The end of a stream.
pub(crate) fn last_chunk() -> Vec<u8> {
    b"0\r\n\r\n".to_vec()
}
