//! Takes lines from `tracing`, and decides from their target and level whether they may be dropped.

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::Writer;

/// The targets of the guard's audit events.
const AUDIT: &str = "bartizan::audit";
const NO_TOKEN: &str = "bartizan::audit::no_token";
const INVALID_TOKEN: &str = "bartizan::audit::invalid_token";

/// What happens to a line for which there is little capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It may be dropped.
    Request,
    /// It is kept as long as anything is: a decision, or a warning.
    Decision,
    /// A decision about a caller without a token.
    NoToken,
    /// A decision about a caller with a bad token.
    InvalidToken,
}

/// Takes one line.
pub(crate) struct Line<'a> {
    writer: &'a Writer,
    kind: Kind,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.put(line, self.kind);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { writer: self, kind: Kind::Decision }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        let kind = match about.target() {
            NO_TOKEN => Kind::NoToken,
            INVALID_TOKEN => Kind::InvalidToken,
            AUDIT => Kind::Decision,
            _ if *about.level() <= Level::WARN => Kind::Decision,
            _ => Kind::Request,
        };
        Line { writer: self, kind }
    }
}
