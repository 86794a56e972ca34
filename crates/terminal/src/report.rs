//! Messages for standard error. Each begins with its kind (`error:`, `cause:`, `warning:`, `note:`,
//! `hint:`) and ends with a newline. Text from outside is escaped; line feeds and tabs stay.

use std::fmt;

pub use auth_core::display::chain;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::stripped;

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
