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
/// whole, as does a command in backticks.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        if columns(line) <= width {
            lines.push(line.to_owned());
            continue;
        }
        let mut current = String::new();
        for word in words_of(line) {
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

/// The columns of the widest word of `text`, which [`wrapped`] does not break.
pub(crate) fn longest_word(text: &str) -> usize {
    text.lines().flat_map(words_of).map(columns).max().unwrap_or_default()
}

/// The words of a line, with what is in backticks as a part of one.
fn words_of(line: &str) -> Vec<&str> {
    let is_closed = |from: usize| line.get(from..).is_some_and(|rest| rest.contains('`'));
    let (mut words, mut start, mut is_command) = (Vec::new(), 0, false);
    for (at, c) in line.char_indices() {
        match c {
            '`' => is_command = !is_command && is_closed(at + 1),
            ' ' if !is_command => {
                words.extend(line.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    words.extend(line.get(start..));
    words
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
        // An emoji of several, which a terminal shows as one, is not taken apart.
        let coder = "\u{1f469}\u{200d}\u{1f4bb}";
        assert_eq!(columns(coder), 2);
        assert_eq!(truncated(&format!("{coder}abc"), 3), format!("{coder}a"));
        assert_eq!(truncated("abc", 9), "abc");
        assert_eq!(truncated("abc", 0), "");
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three four", 9), "one two\nthree\nfour");
        assert_eq!(wrapped("one\n\ntwo", 9), "one\n\ntwo");
        assert_eq!(wrapped("unbreakable", 3), "unbreakable");
        assert_eq!(wrapped("管理 者", 4), "管理\n者");
        assert_eq!(wrapped("run `a b c`, then wait", 9), "run\n`a b c`,\nthen wait");
        assert_eq!(wrapped("one ` two three", 9), "one ` two\nthree");
        assert_eq!(longest_word("one `a b c`\ntwo"), 7);
    }
}
