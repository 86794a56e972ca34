//! What goes to a server's stdin: as many messages in one write as are waiting.

use std::time::Duration;

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};

use crate::link::Outgoing;

/// The room for messages that is kept between two writes.
const KEPT: usize = 64 * 1024;

/// Why nothing more is written.
#[derive(Debug)]
pub(super) enum WriteEnd {
    /// The connection was dropped, and all that it had sent is written.
    NotWanted,
    /// The server has closed its stdin.
    Closed,
    /// The server has read nothing for so long.
    NotRead,
}

/// Writes what comes, in its order, `at_once` messages at most in one write.
pub(super) async fn write(
    output: &mut (impl AsyncWrite + Unpin),
    from: &mut mpsc::Receiver<Outgoing>,
    at_once: usize,
    patience: Duration,
) -> WriteEnd {
    let mut waiting = Vec::with_capacity(at_once);
    let mut bytes = Vec::new();
    loop {
        if from.recv_many(&mut waiting, at_once).await == 0 {
            return WriteEnd::NotWanted;
        }
        bytes.clear();
        waiting.drain(..).for_each(|outgoing| append(&mut bytes, &outgoing.message));
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match timeout(patience, output.write(rest)).await {
                Ok(Ok(0) | Err(_)) => return WriteEnd::Closed,
                Ok(Ok(written)) => rest = rest.get(written..).unwrap_or_default(),
                Err(_) => return WriteEnd::NotRead,
            }
        }
        if bytes.capacity() > KEPT {
            bytes = Vec::new();
        }
    }
}

/// `message` as one line. A line end within it is white space of JSON, and becomes a space.
fn append(bytes: &mut Vec<u8>, message: &[u8]) {
    let start = bytes.len();
    bytes.extend_from_slice(message);
    for byte in bytes.iter_mut().skip(start).filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::AsyncReadExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn queue(messages: &[&'static str]) -> mpsc::Receiver<Outgoing> {
        let (sender, receiver) = mpsc::channel(16);
        for message in messages {
            let message = Bytes::from_static(message.as_bytes());
            sender.send(Outgoing::new(message)).await.unwrap();
        }
        receiver
    }

    #[tokio::test]
    async fn a_message_is_one_line_whatever_is_in_it() {
        let mut output = Vec::new();
        let mut messages = queue(&["{\"id\":\n{\"method\":1}\r\n}", "{}"]).await;
        let end = write(&mut output, &mut messages, 16, PATIENCE).await;
        assert!(matches!(end, WriteEnd::NotWanted));
        assert_eq!(String::from_utf8(output).unwrap(), "{\"id\": {\"method\":1}  }\n{}\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_read_is_noticed_and_a_slow_one_is_not() {
        let (mut output, mut input) = tokio::io::duplex(4);
        let mut messages = queue(&["{\"a\":\"0123456789\"}"]).await;
        let slow = tokio::spawn(async move {
            let mut read = [0; 4];
            for _ in 0..3 {
                tokio::time::sleep(PATIENCE / 2).await;
                input.read_exact(&mut read).await.unwrap();
            }
            input
        });
        let end = write(&mut output, &mut messages, 16, PATIENCE).await;
        assert!(matches!(end, WriteEnd::NotRead));
        // It was written to until it no longer read.
        let mut rest = Vec::new();
        drop(output);
        slow.await.unwrap().read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"6789");
    }

    #[tokio::test]
    async fn a_server_that_has_closed_its_stdin_is_noticed() {
        let (mut output, input) = tokio::io::duplex(4);
        drop(input);
        let mut messages = queue(&["{}"]).await;
        let end = write(&mut output, &mut messages, 16, PATIENCE).await;
        assert!(matches!(end, WriteEnd::Closed));
    }
}
