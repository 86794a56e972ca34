//! Event streams, event by event (WHATWG HTML §9.2): read, judged, and written again only if
//! changed.
//!
//! Lines end with LF or CRLF. A stream with other line ends never completes an event, so nothing of
//! it is passed on.

use bytes::{Bytes, BytesMut};

/// The longest event.
const MAX_EVENT_BYTES: usize = 32 * 1024 * 1024;

/// An event longer than 32 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventTooLong;

/// Cuts a stream into events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    buffer: BytesMut,
    /// Up to where the buffer is known to have no end of an event.
    searched: usize,
}

impl Events {
    /// Takes what has arrived, and gives the events that are whole, each with the blank line that
    /// ends it.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Bytes>, EventTooLong> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.end() {
            events.push(self.buffer.split_to(end).freeze());
            self.searched = 0;
        }
        if self.buffer.len() > MAX_EVENT_BYTES { Err(EventTooLong) } else { Ok(events) }
    }

    /// Where the first event in the buffer ends.
    fn end(&mut self) -> Option<usize> {
        let tail = self.buffer.get(self.searched..)?;
        for (at, _) in tail.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
            let line_end = self.searched + at + 1;
            match self.buffer.get(line_end..) {
                Some([b'\n', ..]) => return Some(line_end + 1),
                Some([b'\r', b'\n', ..]) => return Some(line_end + 2),
                // A blank line may still come.
                Some([] | [b'\r']) | None => {
                    self.searched = line_end - 1;
                    return None;
                }
                // A blank line may stand at the beginning too.
                Some(_) => {}
            }
        }
        self.searched = self.buffer.len();
        None
    }
}

/// One event's lines.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Event<'a> {
    /// `None` if it is not UTF-8, or has characters at which a client may end a line and we do not.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let lines = text.lines().filter(|line| !line.is_empty());
        let lines: Vec<_> = lines.collect();
        let clean = lines.iter().all(|line| !line.contains(['\r', '\u{feff}']));
        clean.then_some(Self { lines })
    }

    /// The data: the values of all `data` lines, with line breaks between them. `None` if there are
    /// none.
    pub(crate) fn data(&self) -> Option<String> {
        let values: Vec<_> = self.values("data").collect();
        (!values.is_empty()).then(|| values.join("\n"))
    }

    /// The id; the last one counts.
    pub(crate) fn id(&self) -> Option<&'a str> {
        self.values("id").last()
    }

    /// The event with another id and, if there is `data`, with that in the place of its own.
    pub(crate) fn with(&self, id: Option<&str>, data: Option<&str>) -> Bytes {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            for part in [name, ": ", value, "\n"] {
                text.push_str(part);
            }
        };
        for kept in &self.lines {
            match field(kept) {
                ("id", _) => {}
                ("data", _) if data.is_some() => {}
                (name, value) => line(name, value),
            }
        }
        if let Some(id) = id {
            line("id", id);
        }
        if let Some(data) = data {
            line("data", data);
        }
        text.push('\n');
        text.into()
    }

    fn values<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
        self.lines
            .iter()
            .map(|line| field(line))
            .filter(move |(field, _)| *field == name)
            .map(|(_, value)| value)
    }
}

/// A line's field and value; a comment has an empty field.
fn field(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name, value.strip_prefix(' ').unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&str]) -> Vec<String> {
        let mut events = Events::default();
        let whole = chunks.iter().flat_map(|chunk| events.push(chunk.as_bytes()).unwrap());
        whole.map(|event| String::from_utf8(event.to_vec()).unwrap()).collect()
    }

    #[test]
    fn events_are_cut_wherever_the_chunks_end() {
        let stream = "id: 1\ndata: a\n\ndata: b\r\ndata: c\r\n\r\n: ping\n\ndata: unfinished\n";
        let events = ["id: 1\ndata: a\n\n", "data: b\r\ndata: c\r\n\r\n", ": ping\n\n"];
        assert_eq!(cut(&[stream]), events);
        let bytes: Vec<String> = stream.chars().map(String::from).collect();
        assert_eq!(cut(&bytes.iter().map(String::as_str).collect::<Vec<_>>()), events);
        for at in 0..stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(cut(&[left, right]), events, "{at}");
        }
        assert_eq!(cut(&["data: a\r\rdata: b\r\r"]), Vec::<String>::new());
    }

    #[test]
    fn fields_are_read_and_written_again() {
        let event =
            Event::parse(b"event: message\nid: 0/1\nretry: 3\ndata: {\"a\":\ndata:1}\n\n").unwrap();
        assert_eq!(event.data().unwrap(), "{\"a\":\n1}");
        assert_eq!(event.id(), Some("0/1"));
        assert_eq!(
            event.with(Some("x"), Some("{}")),
            "event: message\nretry: 3\nid: x\ndata: {}\n\n"
        );
        assert_eq!(event.with(None, None), "event: message\nretry: 3\ndata: {\"a\":\ndata: 1}\n\n");
        let comment = Event::parse(b":ping\n\n").unwrap();
        assert_eq!((comment.data(), comment.id()), (None, None));
        assert_eq!(comment.with(None, None), ": ping\n\n");
        assert_eq!(Event::parse(b"data\n\n").unwrap().data().unwrap(), "");
        assert!(Event::parse(b"data: \xff\n\n").is_none());
        assert!(Event::parse(b": x\rdata: {}\n\n").is_none());
        assert!(Event::parse("\u{feff}data: {}\n\n".as_bytes()).is_none());
    }

    #[test]
    fn an_event_has_a_longest_length() {
        let mut events = Events::default();
        let chunk = vec![b'a'; MAX_EVENT_BYTES];
        assert_eq!(events.push(&chunk), Ok(vec![]));
        assert_eq!(events.push(b"a"), Err(EventTooLong));
    }
}
