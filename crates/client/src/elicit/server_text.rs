//! Text of the server in a prompt.

use std::fmt::Write;

use terminal::width::DEFAULT_COLUMNS;
use url::Url;

use crate::{console::Console, sanitize::OwnedSanitizer};

/// Before every line with text of the server, and before no other.
pub(super) const QUOTE_PREFIX: &str = "> ";
/// The shortest width that lines are broken to, however narrow the terminal.
const MIN_COLUMNS: usize = 20;

/// Text of the server, as it is shown in a prompt: escaped, and on lines that begin with `> `.
pub(crate) struct ServerText {
    sanitizer: OwnedSanitizer,
    /// The width of the terminal.
    columns: usize,
}

impl ServerText {
    /// For the terminal of standard error.
    pub(crate) fn of(console: &Console, sanitizer: OwnedSanitizer) -> Self {
        Self { sanitizer, columns: console.error_columns.unwrap_or(DEFAULT_COLUMNS) }
    }

    /// The lines of `server`, each behind `> ` and no wider than the terminal.
    pub(crate) fn quote(&self, server: &str) -> String {
        let room = self.columns.saturating_sub(QUOTE_PREFIX.len()).max(MIN_COLUMNS);
        let mut text = String::new();
        for line in self.sanitizer.text(server).lines() {
            // A tab is wider than a character.
            for piece in pieces(&line.replace('\t', "    "), room) {
                let _ = writeln!(text, "{QUOTE_PREFIX}{piece}");
            }
        }
        text
    }

    /// Text of the server on one line.
    pub(super) fn one_line(&self, server: &str) -> String {
        self.sanitizer.one_line(server)
    }

    /// A URL on one line, so that it can be copied. A parsed URL has no spaces, so it cannot look
    /// like a sentence where the terminal wraps it.
    pub(super) fn quote_url(&self, url: &str) -> String {
        match url.parse::<Url>() {
            Ok(url) => format!("{QUOTE_PREFIX}{}\n", self.sanitizer.full(url.as_str())),
            Err(_) => self.quote(&format!("(not a URL) {url}")),
        }
    }
}

/// A line in pieces that a terminal of so many columns does not break, whatever it is made of.
fn pieces(line: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut taken = 0;
    for c in line.chars() {
        // At most two columns.
        let width = if c.is_ascii() { 1 } else { 2 };
        if taken + width > room {
            pieces.push(String::new());
            taken = 0;
        }
        taken += width;
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces
}
