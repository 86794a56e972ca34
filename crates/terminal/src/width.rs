//! How many columns text takes, and how many a terminal has.

use std::io::IsTerminal;

use unicode_width::UnicodeWidthStr;

/// The columns of a terminal that does not report its size.
pub const DEFAULT_COLUMNS: usize = 80;

/// How many columns a terminal shows `text` in: 2 for a wide character (Unicode Annex 11), 0 for a
/// combining one. `text` has no escape sequences.
#[must_use]
pub fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The columns of the terminal behind `stream`; `None` if there is no terminal.
#[cfg(unix)]
#[must_use]
pub fn of_terminal(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let width = || terminal_size::terminal_size_of(stream);
    stream.is_terminal().then(|| width().map_or(DEFAULT_COLUMNS, |(width, _)| width.0.into()))
}

/// The columns of the terminal behind `stream`; `None` if there is no terminal.
#[cfg(not(unix))]
#[must_use]
pub fn of_terminal(stream: &impl IsTerminal) -> Option<usize> {
    let width = terminal_size::terminal_size;
    stream.is_terminal().then(|| width().map_or(DEFAULT_COLUMNS, |(width, _)| width.0.into()))
}

/// `text` followed by as many spaces as fill `width` columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The beginning of `text` that fits into `width` columns.
#[must_use]
pub fn truncated(text: &str, width: usize) -> &str {
    let mut end = 0;
    for (start, c) in text.char_indices() {
        let next = start + c.len_utf8();
        if text.get(..next).is_none_or(|begin| columns(begin) > width) {
            break;
        }
        end = next;
    }
    text.get(..end).unwrap_or_default()
}

/// `text` in lines of at most `width` columns, broken between words. A word that is wider stays
/// whole.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        if columns(line) <= width {
            lines.push(line.to_owned());
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ') {
            if !current.is_empty() && columns(&current) + 1 + columns(word) > width {
                lines.push(std::mem::take(&mut current));
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
        }
        lines.push(current);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns_and_combining_ones_none() {
        for (text, width) in [("abc", 3), ("管理者", 6), ("e\u{301}", 1), ("", 0), ("é", 1)] {
            assert_eq!(columns(text), width, "{text}");
        }
        assert_eq!(padded("管", 4), "管  ");
        assert_eq!(padded("long", 2), "long");
        assert_eq!(truncated("管理者", 5), "管理");
        assert_eq!(truncated("abc", 9), "abc");
        assert_eq!(truncated("abc", 0), "");
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three four", 9), "one two\nthree\nfour");
        assert_eq!(wrapped("one\n\ntwo", 9), "one\n\ntwo");
        assert_eq!(wrapped("unbreakable", 3), "unbreakable");
        assert_eq!(wrapped("管理 者", 4), "管理\n者");
    }
}
