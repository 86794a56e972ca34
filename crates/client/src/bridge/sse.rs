//! Server-sent events, as they come in pieces (HTML Living Standard §9.2.6).
//!
//! 1. Only the fields `data`, `id`, `event` and `retry` count. Comments are ignored.
//! 2. A line ends with CR, LF or both. An event ends with an empty line; what has no such end when
//!    the connection breaks was not an event.
//! 3. An event may have `max` bytes of data, and no line may be longer.

use std::time::Duration;

/// An event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The lines of data, with a line feed between them.
    pub(super) data: Vec<u8>,
    /// The name of a kind of event other than `message`.
    pub(super) kind: Option<String>,
}

/// An event, or a line of it, is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {0} bytes")]
pub(super) struct TooLongError(pub(super) usize);

/// Where a stream is, to go on from there on another connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The id of the last event.
    pub(super) last_id: Option<String>,
    /// How long the server wants to be left alone before the next connection.
    pub(super) retry: Option<Duration>,
}

/// The reader of one connection.
#[derive(Debug)]
pub(super) struct Reader {
    max: usize,
    line: Vec<u8>,
    /// The last byte was a CR, whose LF may follow.
    after_return: bool,
    is_first: bool,
    data: Vec<u8>,
    has_data: bool,
    kind: Option<String>,
}

impl Reader {
    /// A reader for events of at most `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            line: Vec::new(),
            after_return: false,
            is_first: true,
            data: Vec::new(),
            has_data: false,
            kind: None,
        }
    }

    /// Reads a piece, and gives the events that end in it.
    pub(super) fn read(
        &mut self,
        mut piece: &[u8],
        position: &mut Position,
    ) -> Result<Vec<Event>, TooLongError> {
        let mut events = Vec::new();
        while let Some(first) = piece.first() {
            if self.after_return {
                self.after_return = false;
                if *first == b'\n' {
                    piece = piece.get(1..).unwrap_or_default();
                    continue;
                }
            }
            let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (part, rest) = piece.split_at(end.unwrap_or(piece.len()));
            if self.line.len() + part.len() > self.max {
                return Err(TooLongError(self.max));
            }
            self.line.extend_from_slice(part);
            piece = rest;
            if let Some((ending, rest)) = rest.split_first() {
                self.after_return = *ending == b'\r';
                piece = rest;
                events.extend(self.end_line(position)?);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self, position: &mut Position) -> Result<Option<Event>, TooLongError> {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_first) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            let event = Event { data: std::mem::take(&mut self.data), kind: self.kind.take() };
            return Ok(std::mem::take(&mut self.has_data).then_some(event));
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.data.len() + value.len() >= self.max {
                    return Err(TooLongError(self.max));
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => self.kind = str::from_utf8(value).ok().map(str::to_owned),
            b"id" if !value.contains(&0) => {
                position.last_id = str::from_utf8(value).ok().map(str::to_owned);
            }
            b"retry" => {
                let millis = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                position.retry = millis.map(Duration::from_millis).or(position.retry);
            }
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&str]) -> (Vec<String>, Position) {
        let (mut reader, mut position) = (Reader::new(100), Position::default());
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(reader.read(piece.as_bytes(), &mut position).unwrap());
        }
        let text = |event: Event| {
            let kind = event.kind.map(|kind| kind + "|").unwrap_or_default();
            kind + str::from_utf8(&event.data).unwrap()
        };
        (events.into_iter().map(text).collect(), position)
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = "\u{feff}: hi\r\nid: 7\rdata:a\ndata: b\r\n\r\nevent: ping\ndata\n\n\
            retry:20\nretry:x\ndata: \u{e9}\n\n\ndata: lost\n";
        let expected = (
            vec!["a\nb".to_owned(), "ping|".to_owned(), "\u{e9}".to_owned()],
            Position { last_id: Some("7".to_owned()), retry: Some(Duration::from_millis(20)) },
        );
        assert_eq!(all(&[text]), expected);
        let (mut reader, mut position) = (Reader::new(100), Position::default());
        let mut count = 0;
        for byte in text.as_bytes() {
            count += reader.read(&[*byte], &mut position).unwrap().len();
        }
        assert_eq!((count, position), (3, expected.1));
    }

    #[test]
    fn an_id_with_a_nul_does_not_count() {
        assert_eq!(all(&["id: a\n\nid: b\0\n\n"]).1.last_id.as_deref(), Some("a"));
    }

    #[test]
    fn a_line_and_an_event_are_bounded() {
        let mut position = Position::default();
        let long = "x".repeat(101);
        assert!(Reader::new(100).read(long.as_bytes(), &mut position).is_err());
        let mut reader = Reader::new(100);
        let lines = "data: 0123456789\n".repeat(10);
        assert!(reader.read(lines.as_bytes(), &mut position).is_err());
    }
}
