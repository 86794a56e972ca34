//! Tables for a person. Columns are as wide as a terminal shows them, and are two spaces apart.
//!
//! A cell is one line: risky characters in its text are escaped ([`display::escape`]).

use std::fmt::{self, Write};

use crate::{
    display,
    style::{LABEL, PLAIN, Style, styled},
    width,
};

/// What is between two columns.
const GAP: &str = "  ";
/// In a narrower column than this, values are not broken.
const NARROW: usize = 20;

/// A cell: text, and how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// `text` in `style`.
    #[must_use]
    pub fn styled(text: &str, style: Style) -> Self {
        Self { text: display::escape(text).into_owned(), style }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::styled(text, PLAIN)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::styled(&text, PLAIN)
    }
}

/// Rows of `N` cells. `Display` ends every line with a newline and no line with spaces.
///
/// ```
/// let mut table = terminal::table::Table::new(["NAME", "ROLE"]);
/// table.row(["alice", "admin"]);
/// assert_eq!(table.to_string(), "NAME   ROLE\nalice  admin\n");
/// ```
#[derive(Debug, Clone)]
pub struct Table<const N: usize> {
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with a head.
    #[must_use]
    pub fn new(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(Cell::from)] }
    }

    /// A table without a head.
    #[must_use]
    pub const fn without_head() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<C: Into<Cell>>(&mut self, cells: [C; N]) {
        self.rows.push(cells.map(Into::into));
    }

    /// The same table with these rows, too.
    #[must_use]
    pub fn rows<C: Into<Cell>>(mut self, rows: impl IntoIterator<Item = [C; N]>) -> Self {
        for row in rows {
            self.row(row);
        }
        self
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rows(f, self.rows.iter().map(<[Cell; N]>::as_slice))
    }
}

/// The same for rows whose length is known at run time only.
#[must_use]
pub fn grid(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let cells = |row: Vec<String>| row.into_iter().map(Cell::from).collect::<Vec<_>>();
    let rows: Vec<_> = rows.into_iter().map(cells).collect();
    let mut text = String::new();
    // A String takes everything.
    let _ = write_rows(&mut text, rows.iter().map(Vec::as_slice));
    text
}

fn write_rows<'a>(
    out: &mut impl Write,
    rows: impl Iterator<Item = &'a [Cell]> + Clone,
) -> fmt::Result {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.clone() {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = width::columns(&cell.text).max(*width);
        }
    }
    for row in rows {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        for (place, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if Some(place) > last {
                break;
            }
            out.write_str(if place == 0 { "" } else { GAP })?;
            out.write_str(&styled(cell.style, &cell.text))?;
            let width = if Some(place) == last { 0 } else { *width };
            out.write_str(&" ".repeat(width.saturating_sub(width::columns(&cell.text))))?;
        }
        out.write_char('\n')?;
    }
    Ok(())
}

/// Names in bold, each followed by its value. The later lines of a value are below its first. On a
/// terminal of `columns` columns, long lines are broken between words.
///
/// Names and values are printed as they are: the caller has escaped them, line by line.
#[must_use]
pub fn pairs(rows: &[(String, String)], columns: Option<usize>) -> String {
    let width = rows.iter().map(|(name, _)| width::columns(name)).max().unwrap_or_default();
    let room = columns
        .map(|columns| columns.saturating_sub(width + GAP.len()))
        .filter(|room| *room >= NARROW);
    let mut text = String::new();
    for (name, value) in rows {
        let gap = " ".repeat(width - width::columns(name));
        let value = match room {
            Some(room) => width::wrapped(value, room),
            None => value.clone(),
        };
        let mut begin = format!("{}{gap}", styled(LABEL, name));
        // An empty value has a line, too.
        for line in value.lines().chain(value.is_empty().then_some("")) {
            text.push_str(format!("{begin}{GAP}{line}").trim_end());
            text.push('\n');
            begin = " ".repeat(width);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{GOOD, stripped};

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["A", "BB", "C"]);
        table.row(["é", "x", ""]);
        table.row(["long", "", "z"]);
        table.row(["管理", "", ""]);
        assert_eq!(table.to_string(), "A     BB  C\né     x\nlong      z\n管理\n");
        let wide = Table::without_head().rows([["管理", "x"], ["abcd", "y"]]);
        assert_eq!(wide.to_string(), "管理  x\nabcd  y\n");
        let rows = [["管理", "x"], ["abcd", "y"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(grid(rows), wide.to_string());
    }

    #[test]
    fn a_style_takes_no_columns() {
        let mut table = Table::without_head();
        table.row([Cell::styled("ok", GOOD), "x".into()]);
        table.row(["fail", "y"].map(Cell::from));
        assert!(table.to_string().contains('\u{1b}'));
        assert_eq!(stripped(&table.to_string()), "ok    x\nfail  y\n");
    }

    #[test]
    fn a_cell_neither_ends_its_line_nor_turns_it_around() {
        let table = Table::new(["A", "B"]).rows([["a\nb\u{202e}\u{2028}", "\u{9b}\u{200b}"]]);
        let text = table.to_string();
        assert_eq!(text.lines().nth(1), Some("a\\nb\\u{202e}\\u{2028}  \\u{9b}\\u{200b}"));
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn long_values_are_broken_on_a_terminal_alone() {
        let rows = [("a".to_owned(), "one two three four five six seven".to_owned())];
        let plain = |columns| stripped(&pairs(&rows, columns));
        assert_eq!(plain(None), "a  one two three four five six seven\n");
        assert_eq!(plain(Some(25)), "a  one two three four\n   five six seven\n");
        assert_eq!(plain(Some(10)), plain(None), "there is no room to break anything");
    }

    #[test]
    fn values_are_beside_their_names_without_spaces_at_their_ends() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let text = pairs(&[row("ab", "1\n\n2"), row("c", "")], None);
        assert_eq!(stripped(&text), "ab  1\n\n    2\nc\n");
    }
}
