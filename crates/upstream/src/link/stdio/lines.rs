//! Lines of a bounded length, out of a stream of bytes.
//!
//! **Invariant:** no more than the longest line and one read are held in memory, whatever comes.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::answered::Answered;
use crate::link::CallId;

/// The room for one read.
const READ: usize = 16 * 1024;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line that begins like JSON, without its end.
    Message(Bytes),
    /// Another line.
    NotAMessage(Bytes),
    /// The end of a line that was too long, and the call that it answered.
    TooLong(Option<CallId>),
    /// So much of a line that is too long that it would have been too long once more.
    Discarded,
}

/// The lines of `input`.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    limit: usize,
    buffer: BytesMut,
    /// So much of the buffer has no line end in it.
    searched: usize,
    discarding: Option<Discarding>,
}

/// A line that is too long.
#[derive(Debug, Default)]
struct Discarding {
    answered: Answered,
    /// Bytes since the last [`Line::Discarded`].
    bytes: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `input`, each of `limit` bytes at most.
    pub(super) fn new(input: R, limit: usize) -> Self {
        Self { input, limit, buffer: BytesMut::new(), searched: 0, discarding: None }
    }

    /// The next line; `None` at the end. A line without its end was not sent.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.buffer.capacity() - self.buffer.len() < READ / 4 {
                self.buffer.reserve(READ);
            }
            if self.input.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// What is behind the last line that was read.
    pub(super) fn into_input(self) -> R {
        self.input
    }

    fn take(&mut self) -> Option<Line> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(found) = memchr::memchr(b'\n', rest) else {
            self.searched = self.buffer.len();
            return self.discard();
        };
        let mut line = self.buffer.split_to(self.searched + found);
        self.buffer.advance(1);
        self.searched = 0;
        if self.discarding.is_some() || line.len() > self.limit {
            let mut discarding = self.discarding.take().unwrap_or_default();
            discarding.answered.feed(&line);
            return Some(Line::TooLong(discarding.answered.call()));
        }
        if line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        let line = line.freeze();
        Some(if begins_like_json(&line) { Line::Message(line) } else { Line::NotAMessage(line) })
    }

    /// Empties the buffer if it has a part of a line that is too long.
    fn discard(&mut self) -> Option<Line> {
        if self.discarding.is_none() && self.buffer.len() <= self.limit {
            return None;
        }
        let discarding = self.discarding.get_or_insert_default();
        discarding.answered.feed(&self.buffer);
        discarding.bytes = discarding.bytes.saturating_add(self.buffer.len());
        // A new buffer: the old one may have grown to the length of the longest message.
        self.buffer = BytesMut::new();
        self.searched = 0;
        if discarding.bytes <= self.limit {
            return None;
        }
        discarding.bytes = 0;
        Some(Line::Discarded)
    }
}

/// Whether a message can begin so: an object, or before 2025-06-18 an array of them.
fn begins_like_json(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), Some(b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8], limit: usize) -> Vec<Line> {
        let mut whole = Lines::new(input, limit);
        let mut all = Vec::new();
        while let Some(line) = whole.next().await.unwrap() {
            all.push(line);
        }
        // However the bytes are cut.
        let slow = one_by_one(input);
        let mut slow = Lines::new(slow, limit);
        let mut again = Vec::new();
        while let Some(line) = slow.next().await.unwrap() {
            again.push(line);
        }
        let kept = |all: &[Line]| {
            all.iter().filter(|it| **it != Line::Discarded).map(|it| format!("{it:?}")).collect()
        };
        let (first, second): (Vec<_>, Vec<_>) = (kept(&all), kept(&again));
        assert_eq!(first, second);
        all
    }

    /// `input`, one byte at a time.
    fn one_by_one(input: &[u8]) -> impl AsyncRead + Unpin {
        let (mut writer, reader) = tokio::io::duplex(1);
        let input = input.to_vec();
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut writer, &input).await });
        reader
    }

    fn message(text: &'static str) -> Line {
        Line::Message(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn messages_come_line_by_line() {
        assert_eq!(
            lines(b"{\"a\":1}\n [1]\r\n{}\n{\"not\":\"ended", 100).await,
            [message("{\"a\":1}"), message(" [1]"), message("{}")]
        );
    }

    #[tokio::test]
    async fn what_does_not_begin_like_json_is_no_message() {
        for line in ["Listening on stdio", "", "\"text\"", "1", "\u{feff}{}"] {
            let input = format!("{line}\n{{}}\n");
            let first = Line::NotAMessage(Bytes::from(line.to_owned()));
            assert_eq!(lines(input.as_bytes(), 100).await, [first, message("{}")], "{line}");
        }
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_discarded_and_its_call_is_named() {
        let input = b"{\"id\":7,\"result\":{}}\n{\"result\":\"xxxxx\",\"id\":8}\n{\"id\":9}\n";
        assert_eq!(
            lines(input, 20)
                .await
                .into_iter()
                .filter(|it| *it != Line::Discarded)
                .collect::<Vec<_>>(),
            [
                message("{\"id\":7,\"result\":{}}"),
                Line::TooLong(Some(CallId(8))),
                message("{\"id\":9}")
            ]
        );
    }

    #[tokio::test]
    async fn an_endless_line_is_reported_as_it_comes_and_not_kept() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'), 100_000);
        for _ in 0..3 {
            assert_eq!(lines.next().await.unwrap(), Some(Line::Discarded));
            assert!(lines.buffer.capacity() < 100_000, "{}", lines.buffer.capacity());
        }
    }
}
