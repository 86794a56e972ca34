//! A connection whose peer must read what is written to it.
//!
//! hyper bounds how long a request may take to arrive, not how long an answer may take to leave: a
//! peer that reads nothing would hold its connection, and its answer in memory, without end.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::stream::Stream;

/// A stream whose writes fail once the peer has taken nothing for `patience`. A stream to which
/// nothing is written may be silent as long as it likes.
#[derive(Debug)]
pub(super) struct Progress {
    stream: Stream,
    patience: Duration,
    /// Runs while a write waits.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Progress {
    pub(super) const fn new(stream: Stream, patience: Duration) -> Self {
        Self { stream, patience, deadline: None }
    }

    /// Passes on the result of a write; of one that waits, whether it has waited too long.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(deadline.as_mut().poll(context));
        // What is still in the system's buffer goes with the connection, instead of waiting there
        // for a peer that reads nothing.
        self.stream.discard_unsent();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
    }
}

impl AsyncRead for Progress {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Progress {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// Both ends of a connection, the first of which gives up after `patience`.
    async fn pair(patience: Duration) -> (Progress, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (Progress::new(stream.into(), patience), peer)
    }

    #[tokio::test]
    async fn a_write_to_a_peer_that_reads_nothing_fails() {
        let (mut stream, _peer) = pair(Duration::from_millis(50)).await;
        let endless = vec![0; 64 * 1024 * 1024];
        let error = stream.write_all(&endless).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_reads_slowly_gets_all_of_it() {
        let (mut stream, mut peer) = pair(Duration::from_millis(500)).await;
        let writing = tokio::spawn(async move { stream.write_all(&vec![0; 8 << 20]).await });
        let (mut read, mut buffer) = (0, vec![0; 1 << 20]);
        while read < 8 << 20 {
            // Real time: the system's buffers know no other.
            sleep(Duration::from_millis(20)).await;
            read += peer.read(&mut buffer).await.unwrap();
        }
        writing.await.unwrap().unwrap();
    }
}
