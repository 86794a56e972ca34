//! Sentences with names in them: the one place that writes markup by hand.
//!
//! 1. A sentence is a text of [`text`](super::text) with placeholders, such as `{name}`.
//! 2. What replaces a placeholder is a [`Label`], which is escaped and isolated in `<bdi>`, or
//!    another sentence.
//! 3. The text itself is escaped too.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html, HtmlSafe};

use super::label::Label;

/// A sentence as HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(String);

/// What replaces a placeholder.
pub(super) trait Value {
    fn write(&self, html: &mut String);
}

impl Sentence {
    /// `text` with its placeholders replaced by name; one that has no value stays.
    pub(super) fn new(text: &str, values: &[(&str, &dyn Value)]) -> Self {
        let mut html = String::with_capacity(text.len() + 64);
        for piece in pieces(text) {
            let value = match piece {
                Piece::Text(_) => None,
                Piece::Placeholder(name) => values.iter().find(|(other, _)| *other == name),
            };
            match (value, piece) {
                (Some((_, value)), _) => value.write(&mut html),
                (None, Piece::Text(plain)) => escape(&mut html, plain),
                (None, Piece::Placeholder(name)) => {
                    // A String takes everything.
                    let _ = write!(html, "{{{name}}}");
                }
            }
        }
        Self(html)
    }
}

impl Value for Label {
    fn write(&self, html: &mut String) {
        html.push_str("<bdi>");
        escape(html, self.as_str());
        html.push_str("</bdi>");
    }
}

impl Value for Sentence {
    fn write(&self, html: &mut String) {
        html.push_str(&self.0);
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Rule 2 and rule 3.
impl HtmlSafe for Sentence {}

/// `text` with its placeholders replaced, as plain text: for titles and attributes, which have no
/// elements in them.
pub(super) fn plain(text: &str, values: &[(&str, &Label)]) -> String {
    let pieces = pieces(text).into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Placeholder(name) => {
            let value = values.iter().find(|(other, _)| *other == name);
            value.map_or(name, |(_, label)| label.as_str())
        }
    });
    pieces.collect()
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// The parts of a text. A brace that has no partner is text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{')
        && let Some((name, after)) = after.split_once('}')
    {
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Placeholder(name));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

fn escape(html: &mut String, text: &str) {
    // A String takes everything.
    let _ = Html.write_escaped_str(html, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_a_placeholder_is_escaped_and_isolated() {
        let name = Label::name("<b>\u{202e}\"&");
        let sentence = Sentence::new("a & {name} b {other}", &[("name", &name)]);
        assert_eq!(sentence.to_string(), "a &#38; <bdi>&#60;b&#62;&#34;&#38;</bdi> b {other}",);
        assert_eq!(plain("{name}: {x", &[("name", &"{x}".into())]), "{x}: {x");
    }

    #[test]
    fn a_value_has_no_placeholders() {
        let name = Label::name("{server}");
        let server = Label::name("mcp.example");
        let inner = Sentence::new("a {name}", &[("name", &name), ("server", &server)]);
        assert_eq!(inner.to_string(), "a <bdi>{server}</bdi>");
        let outer = Sentence::new("{inner} b", &[("inner", &inner), ("server", &server)]);
        assert_eq!(outer.to_string(), "a <bdi>{server}</bdi> b");
    }
}
