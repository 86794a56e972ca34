//! An event as one line of text: `TIME LEVEL spans: message name=value ...`, as
//! `tracing_subscriber` writes it, at less than half of the cost.
//!
//! 1. Strings are in quotes, and every other value is written by its `Debug`.
//! 2. No risky character is written ([`display`]), whatever its source: a line is one line, and
//!    does not control a terminal. On a terminal this module colours time, level and names.

use std::{
    error::Error,
    fmt::{self, Debug, Write},
};

use anstyle::{AnsiColor, Effects, Style};
use auth_core::display::{self, chain};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer, time::FormatTime,
    },
    registry::{LookupSpan, Scope},
};

use super::time::Time;

/// Events as lines.
pub(super) struct Line {
    pub(super) colour: bool,
}

impl Line {
    fn style(&self, style: Style) -> Style {
        if self.colour { style } else { Style::new() }
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (level, colour) = match *event.metadata().level() {
            Level::ERROR => (" ERROR", AnsiColor::Red),
            Level::WARN => ("  WARN", AnsiColor::Yellow),
            Level::INFO => ("  INFO", AnsiColor::Green),
            Level::DEBUG => (" DEBUG", AnsiColor::Blue),
            Level::TRACE => (" TRACE", AnsiColor::Magenta),
        };
        let (dim, bright) = (self.style(DIM), self.style(colour.on_default()));
        // The line is formatted here and written as a whole: each write through `to` costs more.
        let mut line = String::with_capacity(TYPICAL_LEN);
        begin(&mut line, dim)?;
        Time.format_time(&mut Writer::new(&mut line))?;
        end(&mut line, dim)?;
        begin(&mut line, bright)?;
        line.push_str(level);
        end(&mut line, bright)?;
        let mut lead = " ";
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            line.push_str(std::mem::take(&mut lead));
            line.push_str(span.name());
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().filter(|it| !it.is_empty());
            if let Some(fields) = fields {
                write!(Escaped(&mut line), "{{{fields}}}")?;
            }
            line.push(':');
        }
        let name = self.style(NAME);
        let mut fields = Fields { to: Escaped(&mut line), name, so_far: Ok(()) };
        event.record(&mut fields);
        fields.so_far?;
        line.push('\n');
        to.write_str(&line)
    }
}

/// Most lines are shorter, in bytes.
const TYPICAL_LEN: usize = 256;

const DIM: Style = Style::new().effects(Effects::DIMMED);
const NAME: Style = Style::new().effects(Effects::ITALIC);

/// Writes nothing where there is no style: that is cheaper than to format an empty style.
fn begin(to: &mut String, style: Style) -> fmt::Result {
    if style.is_plain() { Ok(()) } else { write!(to, "{style}") }
}

fn end(to: &mut String, style: Style) -> fmt::Result {
    if style.is_plain() { Ok(()) } else { write!(to, "{style:#}") }
}

/// The fields of an event, one after the other.
struct Fields<'a> {
    to: Escaped<'a>,
    name: Style,
    so_far: fmt::Result,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Escaped<'_>) -> fmt::Result) {
        if self.so_far.is_ok() {
            self.so_far = self.to.begin(field, self.name).and_then(|()| value(&mut self.to));
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, text: &str) {
        self.write(field, |to| {
            if field.name() == "message" {
                to.write_str(text)
            } else if all(text, |byte| is_plain(byte) && !matches!(byte, b'"' | b'\\')) {
                to.0.push('"');
                to.0.push_str(text);
                to.0.push('"');
                Ok(())
            } else {
                write!(to, "{text:?}")
            }
        });
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.write(field, |to| to.write_str(&chain(error)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |to| write!(to, "{value:?}"));
    }
}

/// Escapes risky characters in what is written to it.
struct Escaped<'a>(&'a mut String);

impl Escaped<'_> {
    fn begin(&mut self, field: &Field, name: Style) -> fmt::Result {
        self.0.push(' ');
        if field.name() != "message" {
            begin(self.0, name)?;
            self.0.push_str(field.name());
            end(self.0, name)?;
            self.0.push('=');
        }
        Ok(())
    }
}

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if all(text, is_plain) {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&display::escape(text));
        Ok(())
    }
}

/// Does not return before the end, so that the compiler can check many bytes at once.
fn all(text: &str, holds: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |so_far, byte| so_far & holds(byte))
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{super::captured::Captured, *};

    /// What `says` logs, without the time: by [`Line`], by it in colour, and by the library.
    fn logged(says: impl Fn()) -> [String; 3] {
        let log = |colour: Option<bool>| {
            let captured = Captured::default();
            let builder = tracing_subscriber::fmt()
                .with_max_level(Level::TRACE)
                .with_writer(captured.clone())
                .with_target(false);
            if let Some(colour) = colour {
                let ours = builder.event_format(Line { colour }).finish();
                tracing::subscriber::with_default(ours, &says);
            } else {
                tracing::subscriber::with_default(builder.finish(), &says);
            }
            let text = captured.text();
            let lines = text.lines().map(|line| line.split_once('Z').unwrap().1.to_owned() + "\n");
            lines.collect()
        };
        [log(Some(false)), log(Some(true)), log(None)]
    }

    #[test]
    fn lines_are_what_the_library_writes() {
        let [ours, coloured, library] = logged(|| {
            let (subject, plain) = ("user \"userson\" \\ é", "http://localhost:8000");
            tracing::info!(request_id = %7, subject, plain, "Valid token, proceeding...");
            tracing::warn!(action = %"tools/call get_time", many = ?["a"], "-> Missing!");
            tracing::error!(count = 3_u64, below = -1_i64, yes = true, half = 0.5, "Numbers");
            tracing::debug!("nothing else");
            tracing::trace!(only = "a field");
            let _outer = tracing::info_span!("outer", id = 5, name = "n").entered();
            let _inner = tracing::info_span!("inner").entered();
            tracing::info!("in spans");
        });
        assert_eq!(ours, library);
        assert_eq!(ours.lines().count(), 6);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), ours);
        assert!(coloured.contains("\u{1b}[33m  WARN\u{1b}[0m"), "{coloured:?}");
        assert!(coloured.contains(" \u{1b}[3mrequest_id\u{1b}[0m=7"), "{coloured:?}");
    }

    #[test]
    fn no_value_forges_a_line_or_controls_a_terminal() {
        let hostile = "\n2027-01-15T08:00:00.000000Z  INFO forged\u{1b}[2J\r\u{9b}31m\u{2028}\u{202e}\u{ad}\u{e0041}";
        let [ours, coloured, _] = logged(|| {
            let _span = tracing::info_span!("span", shown = %hostile, said = hostile).entered();
            tracing::info!(subject = hostile, shown = %hostile, "{hostile}");
            tracing::warn!(reason = &io::Error::other(hostile) as &(dyn Error + 'static));
        });
        assert_eq!(ours.lines().count(), 2, "{ours}");
        assert!(!ours.contains(|it| display::is_risky(it) && it != '\n'), "{ours:?}");
        assert_eq!(ours.matches("INFO forged").count(), 8, "and nothing is lost");
        assert_eq!(coloured.lines().count(), 2, "{coloured}");
        // Two times, two levels and three names, begun and ended, less the two that were cut off
        // before Z.
        assert_eq!(coloured.matches('\u{1b}').count(), 2 * 7 - 2, "{coloured:?}");
    }

    #[test]
    fn an_error_is_logged_with_its_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Fault(&'static str, #[source] Option<Box<Fault>>);
        let [ours, ..] = logged(|| {
            let fault = Fault("no file", None);
            let fault = Fault("no keys", Some(fault.into()));
            tracing::error!(reason = &fault as &(dyn Error + 'static), "Unavailable!");
        });
        assert_eq!(ours, " ERROR Unavailable! reason=no keys: no file\n");
    }
}
