//! What is known of an event stream without parsing it: whether it is between two events, whether
//! it can be resumed, and whether it may have had its answer.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The bytes of the stream's end that are kept: enough for the longest text that is looked for.
const KEPT: usize = 8;

/// A field that gives an event an id, so that the stream can be resumed (HTML, server-sent events).
static IDS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new("\nid:"), Finder::new("\rid:")]);
/// The member that an answer has and a request has not (JSON-RPC 2.0 §5). It may be elsewhere in a
/// message: then a break of the stream reaches the caller as one.
static ANSWERS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new("\"result\""), Finder::new("\"error\"")]);

/// The end of an event stream, and what was seen in it.
#[derive(Debug)]
pub(super) struct Tail {
    /// The last bytes; a stream begins as if after a line.
    last: [u8; KEPT],
    has_ids: bool,
    may_be_answered: bool,
}

impl Tail {
    pub(super) const fn new() -> Self {
        Self { last: *b"     \n\n\n", has_ids: false, may_be_answered: false }
    }

    /// The next part of the stream.
    pub(super) fn push(&mut self, part: &[u8]) {
        let mut edge = [0; 2 * KEPT];
        let head = part.get(..part.len().min(KEPT)).unwrap_or_default();
        let seen = self.last.iter().chain(head);
        let mut length = 0;
        for (to, from) in edge.iter_mut().zip(seen) {
            *to = *from;
            length += 1;
        }
        let edge = edge.get(..length).unwrap_or_default();
        let has = |finders: &[Finder<'_>]| {
            finders.iter().any(|it| it.find(edge).is_some() || it.find(part).is_some())
        };
        self.has_ids = self.has_ids || has(&*IDS);
        self.may_be_answered = self.may_be_answered || has(&*ANSWERS);
        let end = if part.len() >= KEPT { part } else { edge };
        if let Some(last) = end.last_chunk() {
            self.last = *last;
        }
    }

    /// Whether an event with an error may be added: the stream is between two events, it cannot be
    /// resumed, and it has not had its answer.
    pub(super) fn takes_error(&self) -> bool {
        let is_between =
            [&b"\n\n"[..], b"\r\r", b"\n\r\n"].iter().any(|it| self.last.ends_with(it));
        is_between && !self.has_ids && !self.may_be_answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes_error(parts: &[&str]) -> bool {
        let mut tail = Tail::new();
        for part in parts {
            tail.push(part.as_bytes());
        }
        tail.takes_error()
    }

    #[test]
    fn an_error_is_added_between_events_only() {
        for whole in [
            &[][..],
            &[": ping\n\n"],
            &["data: {}\r\n\r\n"],
            &["data: {}\r\r"],
            &["data: {}\n", "\n"],
            &["d", "a", "t", "a", ":", "\n", "\n"],
        ] {
            assert!(takes_error(whole), "{whole:?}");
        }
        for cut in [&["data: {}\n"][..], &["data: {\"jsonrpc\""], &["data: {}\r\n"], &["\n\n", "d"]]
        {
            assert!(!takes_error(cut), "{cut:?}");
        }
    }

    #[test]
    fn a_stream_that_can_be_resumed_takes_no_error() {
        for parts in [
            &["id: 1\ndata:\n\n"][..],
            &["data:\nid:2\n\n"],
            &["data:\n", "i", "d", ": 1\n", "\n"],
            &["data: a\r\n", "id: 1\r\n\r\n"],
        ] {
            assert!(!takes_error(parts), "{parts:?}");
        }
        assert!(takes_error(&["data: {\"a\":\"id: 1\"}\n\n"]));
    }

    #[test]
    fn an_answer_is_seen_across_parts() {
        let whole = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
        assert!(!takes_error(&[whole]));
        for at in 1..whole.len() {
            let (first, second) = whole.split_at(at);
            assert!(!takes_error(&[first, second]), "{at}");
        }
        let bytes: Vec<_> = whole.split("").collect();
        assert!(!takes_error(&bytes));
    }
}
