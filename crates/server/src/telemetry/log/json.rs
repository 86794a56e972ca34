//! An event as one line of JSON, as `tracing_subscriber` writes it, and without risky characters.

use std::fmt;

use auth_core::display;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// What an inner format writes, escaped.
pub(super) struct Json<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for Json<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        to.write_str(&display::escape_json(&line))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::captured::Captured, *};

    #[test]
    fn a_line_is_one_line_for_every_reader_and_decodes_to_the_same() {
        let hostile = "a\u{2028}b\u{202e}c\u{9b}d\u{7f}e\u{200b}f\u{e0041}\n";
        let captured = Captured::default();
        let log = tracing_subscriber::fmt()
            .with_writer(captured.clone())
            .json()
            .flatten_event(true)
            .map_event_format(Json)
            .finish();
        tracing::subscriber::with_default(log, || {
            let _span = tracing::info_span!("span", said = hostile, shown = %hostile).entered();
            tracing::info!(subject = hostile, shown = %hostile, "{hostile}");
        });
        let text = captured.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.trim_end_matches('\n').contains(display::is_risky), "{text:?}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        for place in ["/message", "/subject", "/shown", "/span/said", "/span/shown"] {
            assert_eq!(read.pointer(place).unwrap(), hostile, "{place}");
        }
    }
}
