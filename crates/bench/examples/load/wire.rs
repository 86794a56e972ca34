//! HTTP/1.1 by hand, over TLS or without it: a client that may do what no library would.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::secured::Place;

/// The longest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// A connection, with what was read too far.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// What bytes are sent on.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// All of it, in lower case.
    pub(crate) text: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Box::new(stream), buffer: Vec::new() })
    }

    /// One over TLS.
    pub(crate) async fn open_secured(place: &Place) -> io::Result<Self> {
        let stream = TcpStream::connect(place.address()).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Box::new(place.http1(stream).await?), buffer: Vec::new() })
    }

    /// One that comes from this address.
    pub(crate) async fn open_from(from: IpAddr, address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: Box::new(stream), buffer: Vec::new() })
    }

    /// One over TLS for which the system keeps little of what it does not read.
    pub(crate) async fn open_with_little_room(place: &Place) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let stream = socket.connect(place.address()).await?;
        Ok(Self { stream: Box::new(place.http1(stream).await?), buffer: Vec::new() })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next answer; `None` if the connection was closed instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let (status, text) = self.next().await?;
        Some(Answer { status, text: text.to_ascii_lowercase() })
    }

    /// The next answer as it is.
    pub(crate) async fn page(&mut self) -> Option<String> {
        self.next().await.map(|(_, text)| text)
    }

    async fn next(&mut self) -> Option<(u16, String)> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await?;
        };
        // The answer leaves the buffer when it is complete: a caller may stop waiting.
        let head = self.buffer.get(..end).unwrap_or_default().to_ascii_lowercase();
        let head = String::from_utf8(head).unwrap();
        let status = head.strip_prefix("http/1.1 ").and_then(|rest| rest.get(..3));
        let status = status.and_then(|text| text.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {head}"));
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |text| text.trim().parse().unwrap());
        assert!(length <= MAX_ANSWER && !head.contains("\r\ntransfer-encoding:"), "{head}");
        while self.buffer.len() < end + length {
            self.read_more().await?;
        }
        let all: Vec<u8> = self.buffer.drain(..end + length).collect();
        Some((status, String::from_utf8(all).unwrap()))
    }

    async fn read_more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.buffer).await.unwrap_or(0);
        (read > 0).then_some(())
    }
}

impl Answer {
    pub(crate) fn closes(&self) -> bool {
        self.text.contains("\r\nconnection: close")
    }
}
