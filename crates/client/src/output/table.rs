//! Rows of names and values, for a person.

use anstyle::Style;

/// The style of a name.
pub(super) const BOLD: Style = Style::new().bold();
/// A value that would be narrower than this stands under its name instead.
const NARROW: usize = 20;

/// Names in bold, values beside them; the later lines of a value stand under its first. On a terminal
/// of so many columns long lines are broken between words; in a pipe they stay as they are.
pub(super) fn table(rows: &[(String, String)], columns: Option<usize>) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let room =
        columns.map(|columns| columns.saturating_sub(width + 2)).filter(|room| *room >= NARROW);
    let mut text = String::new();
    for (name, value) in rows {
        let gap = " ".repeat(width - name.chars().count());
        let value = match room {
            Some(room) => wrapped(value, room),
            None => value.clone(),
        };
        let mut begins = format!("{BOLD}{name}{BOLD:#}{gap}");
        // An empty value has a line, too.
        for line in value.lines().chain(value.is_empty().then_some("")) {
            text.push_str(format!("{begins}  {line}").trim_end());
            text.push('\n');
            begins = " ".repeat(width);
        }
    }
    text
}

/// A text in lines of at most `room` characters, broken between words; a longer word stays whole.
fn wrapped(text: &str, room: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.chars().count() <= room {
            lines.push(line.to_owned());
            continue;
        }
        let mut current = String::new();
        for word in line.split(' ') {
            let both = current.chars().count() + 1 + word.chars().count();
            if !current.is_empty() && both > room {
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

/// Texts below one another, each ended by one newline.
pub(super) fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |mut all, text| {
        all.push_str(text.trim_end_matches('\n'));
        all.push('\n');
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_broken_on_a_terminal_alone() {
        let rows = [("a".to_owned(), "one two three four five six seven".to_owned())];
        let plain = |columns| anstream::adapter::strip_str(&table(&rows, columns)).to_string();
        assert_eq!(plain(None), "a  one two three four five six seven\n");
        assert_eq!(plain(Some(25)), "a  one two three four\n   five six seven\n");
        assert_eq!(plain(Some(10)), plain(None), "there is no room to break anything");
    }

    #[test]
    fn lines_stand_below_each_other_without_spaces_at_their_ends() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let text = table(&[row("ab", "1\n\n2"), row("c", "")], None);
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), "ab  1\n\n    2\nc\n");
    }
}
