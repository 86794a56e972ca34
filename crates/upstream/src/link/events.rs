//! Reads an event stream (HTML Living Standard, server-sent events, "interpreting an event
//! stream").
//!
//! 1. Lines end with CR LF, LF or CR. A byte order mark at the beginning is skipped.
//! 2. The lines of one event's data are joined by spaces: JSON may have white space wherever a line
//!    may end, and a message has no line ends.
//! 3. An event without its empty line is not complete, and is discarded with the stream.
//! 4. What is kept of an event that is not complete has a bound.

use std::{collections::VecDeque, time::Duration};

use bytes::{Bytes, BytesMut};

/// How much memory is kept for the next event.
const KEPT: usize = 64 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Event {
    /// `event`; `message` where there is none.
    pub(super) kind: Option<Box<str>>,
    /// `id`; an empty one is an id, too.
    pub(super) id: Option<Box<str>>,
    /// The data; empty where there is none.
    pub(super) data: Bytes,
    /// `retry`, in milliseconds.
    pub(super) retry: Option<Duration>,
}

/// An event longer than the bound.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {0} bytes")]
pub(super) struct EventTooLongError(pub(super) usize);

/// Reads events part by part.
#[derive(Debug)]
pub(super) struct Events {
    max: usize,
    line: BytesMut,
    data: BytesMut,
    has_data: bool,
    event: Event,
    is_start: bool,
    /// Whether the last byte was a CR, so that an LF belongs to it.
    was_cr: bool,
    ready: VecDeque<Event>,
}

impl Events {
    /// Reads events of at most `max` bytes each.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            line: BytesMut::new(),
            data: BytesMut::new(),
            has_data: false,
            event: Event::default(),
            is_start: true,
            was_cr: false,
            ready: VecDeque::new(),
        }
    }

    /// The next event that is complete.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The next part of the stream.
    pub(super) fn push(&mut self, mut part: &[u8]) -> Result<(), EventTooLongError> {
        if std::mem::take(&mut self.was_cr) {
            part = part.strip_prefix(b"\n").unwrap_or(part);
        }
        while let Some(at) = memchr::memchr2(b'\n', b'\r', part) {
            let (line, rest) = part.split_at(at);
            self.line.extend_from_slice(line);
            self.check()?;
            part = match rest {
                [b'\r'] => {
                    self.was_cr = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
            let line = self.line.split();
            self.end_line(&line);
        }
        self.line.extend_from_slice(part);
        self.check()
    }

    fn check(&self) -> Result<(), EventTooLongError> {
        // The name of a field and one space are not part of the message.
        if self.line.len() + self.data.len() > self.max + b"data: ".len() {
            return Err(EventTooLongError(self.max));
        }
        Ok(())
    }

    fn end_line(&mut self, line: &[u8]) {
        let is_start = std::mem::take(&mut self.is_start);
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| is_start).unwrap_or(line);
        if line.is_empty() {
            return self.end_event();
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(at) => {
                let (name, value) = line.split_at(at);
                let value = value.strip_prefix(b":").unwrap_or(value);
                (name, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.extend_from_slice(b" ");
                }
                self.data.extend_from_slice(value);
            }
            b"event" => self.event.kind = Some(String::from_utf8_lossy(value).into()),
            b"id" if !value.contains(&0) => {
                self.event.id = Some(String::from_utf8_lossy(value).into());
            }
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                let number = std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
                self.event.retry = number.map(Duration::from_millis);
            }
            _ => {}
        }
    }

    fn end_event(&mut self) {
        // Memory of its own, as those who bound what they keep count its length.
        let data = Bytes::copy_from_slice(&self.data);
        if self.data.capacity() > KEPT {
            self.data = BytesMut::new();
        }
        self.data.clear();
        self.has_data = false;
        let event = Event { data, ..std::mem::take(&mut self.event) };
        if event != Event::default() {
            self.ready.push_back(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&str]) -> Vec<(String, Option<String>, String)> {
        let mut events = Events::new(100);
        for part in parts {
            events.push(part.as_bytes()).unwrap();
        }
        let mut all = Vec::new();
        while let Some(event) = events.next() {
            let data = String::from_utf8(event.data.to_vec()).unwrap();
            let kind = event.kind.map_or("message".to_owned(), String::from);
            all.push((kind, event.id.map(String::from), data));
        }
        all
    }

    fn message(data: &str) -> (String, Option<String>, String) {
        ("message".into(), None, data.into())
    }

    #[test]
    fn an_event_has_memory_of_its_own() {
        let mut events = Events::new(1 << 20);
        let half = "x".repeat(200_000);
        events.push(format!("data: {half}\ndata: {half}\n\ndata: small\n\n").as_bytes()).unwrap();
        assert_eq!(events.next().unwrap().data.len(), 400_001);
        let small = events.next().unwrap().data.try_into_mut().unwrap();
        assert!(small.capacity() < 100, "{}", small.capacity());
        assert!(events.data.capacity() <= KEPT);
    }

    #[test]
    fn lines_end_in_three_ways_wherever_the_parts_end() {
        let text =
            "\u{feff}: ping\n\ndata: a\r\ndata:b\r\r\nevent: endpoint\ndata\nid:7\n\ndata: c\n";
        let expected = [message("a b"), ("endpoint".into(), Some("7".into()), String::new())];
        assert_eq!(read(&[text]), expected);
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (first, second) = text.split_at(at);
            assert_eq!(read(&[first, second]), expected, "{at}");
        }
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        assert_eq!(read(&["data:  x\n\n"]), [message(" x")]);
        assert_eq!(read(&["datax: y\nfoo\n\n"]), []);
        assert_eq!(read(&["id: a\0b\n\n"]), []);
        assert_eq!(
            read(&["id\ndata: x\n\n"]),
            [("message".into(), Some(String::new()), "x".into())]
        );
        let mut events = Events::new(100);
        events.push(b"retry: 1500\n\nretry: 1x\ndata: y\n\n").unwrap();
        assert_eq!(events.next().unwrap().retry, Some(Duration::from_millis(1500)));
        assert_eq!(events.next().unwrap().retry, None);
    }

    #[test]
    fn an_event_has_a_bound() {
        let most = "x".repeat(100);
        assert_eq!(read(&[&format!("data: {most}\n\n")]), [message(&most)]);
        for parts in [
            &[&format!("data: {most}x")[..]][..],
            &["data: ", &most, "x\n\n"],
            &[&"data: y\n".repeat(60)],
            &[&format!(": {}", "c".repeat(200))],
        ] {
            let mut events = Events::new(100);
            let pushed: Result<Vec<_>, _> =
                parts.iter().map(|part| events.push(part.as_bytes())).collect();
            assert_eq!(pushed, Err(EventTooLongError(100)), "{parts:?}");
        }
    }
}
