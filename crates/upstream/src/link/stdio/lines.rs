//! Lines of a bounded length, out of a stream of bytes.
//!
//! **Invariant:** no more than the longest line and one read are held in memory, whatever comes;
//! and a line that is given away holds no memory but its own, since those who bound what they keep
//! count its length.

use std::io;

use bytes::Bytes;
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
    buffer: Vec<u8>,
    /// So much of the buffer was given away.
    taken: usize,
    /// Up to here there is no line end behind what was given away.
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
        Self { input, limit, buffer: Vec::new(), taken: 0, searched: 0, discarding: None }
    }

    /// The next line; `None` at the end. A line without its end was not sent.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            self.make_room();
            if self.input.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Room for one read. A long line has twice the room each time, but no more than it may need.
    fn make_room(&mut self) {
        self.buffer.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        let length = self.buffer.len();
        if length == 0 && self.buffer.capacity() > READ {
            self.buffer = Vec::new();
        }
        if self.buffer.capacity() - length < READ / 4 {
            let most = self.limit.saturating_sub(length).saturating_add(READ);
            self.buffer.reserve_exact(length.max(READ).min(most));
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
        let (begin, end) = (self.taken, self.searched + found);
        self.taken = end + 1;
        self.searched = self.taken;
        let line = self.buffer.get(begin..end).unwrap_or_default();
        if self.discarding.is_some() || line.len() > self.limit {
            let mut discarding = self.discarding.take().unwrap_or_default();
            discarding.answered.feed(line);
            return Some(Line::TooLong(discarding.answered.call()));
        }
        let end = if line.ends_with(b"\r") { end - 1 } else { end };
        let line = self.give(begin, end);
        Some(if begins_like_json(&line) { Line::Message(line) } else { Line::NotAMessage(line) })
    }

    /// A line of the buffer, in memory of its own. A line that is most of the buffer takes it
    /// along, and what is behind it is copied.
    fn give(&mut self, begin: usize, end: usize) -> Bytes {
        if begin > 0 || (end - begin) * 2 < self.buffer.capacity() {
            return Bytes::copy_from_slice(self.buffer.get(begin..end).unwrap_or_default());
        }
        let rest = self.buffer.split_off(self.taken);
        let mut line = std::mem::replace(&mut self.buffer, rest);
        (self.taken, self.searched) = (0, 0);
        line.truncate(end);
        line.shrink_to_fit();
        line.into()
    }

    /// Empties the buffer if it has a part of a line that is too long.
    fn discard(&mut self) -> Option<Line> {
        let part = self.buffer.get(self.taken..).unwrap_or_default();
        if self.discarding.is_none() && part.len() <= self.limit {
            return None;
        }
        let discarding = self.discarding.get_or_insert_default();
        discarding.answered.feed(part);
        discarding.bytes = discarding.bytes.saturating_add(part.len());
        // A new buffer: the old one may have grown to the length of the longest message.
        self.buffer = Vec::new();
        (self.taken, self.searched) = (0, 0);
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

    #[tokio::test]
    async fn a_line_holds_no_memory_but_its_own() {
        let long = format!("{{\"long\":\"{}\"}}", "x".repeat(1_000_000));
        let input = format!("{long}\n{{\"short\":1}}\r\n{{\"short\":2}}\n").repeat(3);
        let mut lines = Lines::new(input.as_bytes(), 2_000_000);
        let mut all = Vec::new();
        while let Some(Line::Message(line)) = lines.next().await.unwrap() {
            let held = lines.buffer.capacity();
            assert!(held <= 2_000_000 + 2 * READ, "{held}");
            let behind = lines.buffer.as_ptr_range();
            assert!(!behind.contains(&line.as_ptr()), "it would keep the buffer");
            let length = line.len();
            // Not shared, so that this is the memory itself, not a copy.
            let own = line.try_into_mut().unwrap();
            assert_eq!(own.capacity(), length);
            all.push(own);
        }
        assert_eq!(all.len(), 9);
        assert!(all.iter().step_by(3).all(|line| **line == *long.as_bytes()));
        assert!(all.iter().skip(1).step_by(3).all(|line| **line == *b"{\"short\":1}"));
        lines.make_room();
        assert!(lines.buffer.capacity() <= READ, "a long line leaves no long buffer behind");
    }
}
