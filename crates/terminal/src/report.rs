//! Messages for standard error. Each begins with its kind (`error:`, `cause:`, `warning:`, `note:`,
//! `hint:`) and ends with a newline. Text from outside is escaped; line feeds and tabs stay.

use std::{error::Error, fmt};

use crate::{
    display,
    style::{self, Style},
};

/// What went wrong.
#[must_use]
pub fn error(fault: &dyn fmt::Display) -> String {
    line(style::ERROR, "error", fault)
}

/// What caused an error, where its own text does not say.
#[must_use]
pub fn cause(error: &dyn fmt::Display) -> String {
    line(style::ERROR, "cause", error)
}

/// What is allowed and unwise.
#[must_use]
pub fn warning(text: &dyn fmt::Display) -> String {
    line(style::WARNING, "warning", text)
}

/// What is worth knowing.
#[must_use]
pub fn note(text: &dyn fmt::Display) -> String {
    line(style::NOTE, "note", text)
}

/// What the user can do about an error or a warning: a command, or a sentence.
#[must_use]
pub fn hint(text: &dyn fmt::Display) -> String {
    line(style::NOTE, "hint", text)
}

fn line(style: Style, kind: &str, text: &dyn fmt::Display) -> String {
    let text = text.to_string();
    format!("{style}{kind}:{style:#} {}\n", display::escape_lines(text.trim_end_matches('\n')))
}

/// An error and its causes in one line of text: `cannot connect: connection refused`.
///
/// A cause whose text ends that of the error above it is left out: some errors repeat their source.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The causes of an error, the innermost last.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::stripped;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let (text, rest) = texts.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(layers(rest)));
        Layer { text, source }
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        assert_eq!(chain(&layers(&["a"])), "a");
        assert_eq!(chain(&layers(&["a", "b", "c"])), "a: b: c");
        assert_eq!(chain(&layers(&["a: b", "b", "c"])), "a: b: c");
    }

    #[test]
    fn every_kind_begins_with_its_name_and_commands_no_terminal() {
        let shown = |text: String| stripped(&text);
        assert_eq!(shown(error(&"a\u{1b}[2J\nb\n")), "error: a\\u{1b}[2J\nb\n");
        assert_eq!(shown(cause(&"c")), "cause: c\n");
        assert_eq!(shown(warning(&"w")), "warning: w\n");
        assert_eq!(shown(note(&"n")), "note: n\n");
        assert_eq!(shown(hint(&"`bartizan login`")), "hint: `bartizan login`\n");
        assert!(error(&"a").contains('\u{1b}'));
    }
}
