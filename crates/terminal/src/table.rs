//! Tables for a person. Columns are as wide as a terminal shows them, and are two spaces apart.
//!
//! 1. A cell is one line: risky characters in its text are escaped ([`display::escape`]).
//! 2. On a terminal that is too narrow for a row, its last cell is broken between words. Where it
//!    has no room beside the others, it is below them.
//! 3. A table with a head becomes a block for each row then: the names of its columns, each with
//!    its value.
//! 4. A word, or a command in backticks, that is wider than the terminal has a line of its own and
//!    stays whole, so that it can be copied.

use std::fmt::{self, Write};

use crate::{
    display,
    style::{LABEL, NOTE, PLAIN, Style, styled},
    width,
};

/// What is between two columns.
const GAP: &str = "  ";
/// In a narrower column than this, values are not broken.
const NARROW: usize = 20;
/// Before a last cell that is below the others.
const INDENT: &str = "    ";

/// A cell: text, and how it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    style: Style,
    /// The bytes of the text that are in the style, if not all are.
    styled: Option<usize>,
}

impl Cell {
    /// `text` in `style`.
    #[must_use]
    pub fn styled(text: &str, style: Style) -> Self {
        Self::verbatim(&display::escape(text), style)
    }

    /// What the user can do about the cell above it, as [`report::hint`](crate::report::hint) says
    /// it: `hint: text`.
    #[must_use]
    pub fn hint(text: &str) -> Self {
        const BEGIN: &str = "hint:";
        let cell = Self::styled(&format!("{BEGIN} {text}"), NOTE);
        Self { styled: Some(BEGIN.len()), ..cell }
    }

    /// Text that was escaped, and may have lines.
    fn verbatim(text: &str, style: Style) -> Self {
        Self { text: text.to_owned(), style, styled: None }
    }

    /// The lines on a terminal, broken where they are wider than `room`.
    fn lines(&self, room: Option<usize>) -> Vec<String> {
        let text = match room {
            Some(room) => width::wrapped(&self.text, room),
            None => self.text.clone(),
        };
        let mut begin = self.styled;
        let styled = |line: &str| match begin.take() {
            Some(end) => {
                let (begin, rest) = line.split_at_checked(end).unwrap_or((line, ""));
                styled(self.style, begin) + rest
            }
            None if self.styled.is_some() || line.is_empty() => line.to_owned(),
            None => styled(self.style, line),
        };
        text.lines().map(styled).collect()
    }

    fn width(&self) -> usize {
        self.text.lines().map(width::columns).max().unwrap_or_default()
    }

    /// Whether it fits into a column of `room`, broken if need be.
    fn fits(&self, room: usize) -> bool {
        self.width() <= room || (room >= NARROW && width::longest_word(&self.text) <= room)
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
/// use terminal::table::Table;
///
/// let table = Table::new(["NAME", "ROLE"]).rows([["alice", "admin"]]);
/// assert_eq!(table.to_string(), "NAME   ROLE\nalice  admin\n");
/// ```
#[derive(Debug, Clone)]
pub struct Table<const N: usize> {
    rows: Vec<[Cell; N]>,
    has_head: bool,
    columns: Option<usize>,
}

impl<const N: usize> Table<N> {
    /// A table with a head.
    #[must_use]
    pub fn new(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(Cell::from)], has_head: true, columns: None }
    }

    /// A table without a head.
    #[must_use]
    pub const fn without_head() -> Self {
        Self { rows: Vec::new(), has_head: false, columns: None }
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

    /// The same table for a terminal of `columns` columns; `None` if there is no terminal.
    #[must_use]
    pub const fn within(mut self, columns: Option<usize>) -> Self {
        self.columns = columns;
        self
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.rows.iter().map(<[Cell; N]>::as_slice).collect();
        write_rows(f, &rows, self.has_head, self.columns)
    }
}

/// The same for rows whose length is known at run time only. The first is the head.
#[must_use]
pub fn grid(rows: impl IntoIterator<Item = Vec<String>>, columns: Option<usize>) -> String {
    let cells = |row: Vec<String>| row.into_iter().map(Cell::from).collect::<Vec<_>>();
    let rows: Vec<_> = rows.into_iter().map(cells).collect();
    let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
    let mut text = String::new();
    // A String takes everything.
    let _ = write_rows(&mut text, &rows, true, columns);
    text
}

/// Names in bold, each followed by its value. The later lines of a value are below its first. On a
/// terminal of `columns` columns, long lines are broken between words.
///
/// Names and values are printed as they are: the caller has escaped them, line by line.
#[must_use]
pub fn pairs(rows: &[(String, String)], columns: Option<usize>) -> String {
    let cells = |(name, value): &(String, String)| {
        [Cell::verbatim(name, LABEL), Cell::verbatim(value, PLAIN)]
    };
    let rows: Vec<_> = rows.iter().map(cells).collect();
    let rows: Vec<_> = rows.iter().map(<[Cell; 2]>::as_slice).collect();
    let mut text = String::new();
    // A String takes everything.
    let _ = write_rows(&mut text, &rows, false, columns);
    text
}

fn write_rows(
    out: &mut impl Write,
    rows: &[&[Cell]],
    has_head: bool,
    columns: Option<usize>,
) -> fmt::Result {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(*row) {
            *width = cell.width().max(*width);
        }
    }
    let is_narrow = |columns| !rows.iter().all(|row| is_in_one(row, &widths, columns));
    match (rows, columns) {
        ([head, rows @ ..], Some(columns)) if has_head && is_narrow(columns) => {
            write_blocks(out, head, rows, columns)
        }
        _ => rows.iter().try_for_each(|row| write_row(out, row, &widths, columns)),
    }
}

/// The last cell of a row, those before it, and how many columns these take.
fn split<'a>(row: &'a [Cell], widths: &[usize]) -> Option<(&'a Cell, &'a [Cell], usize)> {
    let last = row.iter().rposition(|cell| !cell.text.is_empty())?;
    let before = widths.iter().take(last).map(|width| width + GAP.len()).sum();
    Some((row.get(last)?, row.get(..last)?, before))
}

/// Whether the last cell of a row has room beside the others.
fn is_in_one(row: &[Cell], widths: &[usize], columns: usize) -> bool {
    split(row, widths).is_none_or(|(last, _, before)| last.fits(columns.saturating_sub(before)))
}

fn write_row(
    out: &mut impl Write,
    row: &[Cell],
    widths: &[usize],
    columns: Option<usize>,
) -> fmt::Result {
    let Some((last, cells, mut before)) = split(row, widths) else {
        return out.write_char('\n');
    };
    let mut begin = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let space = width.saturating_sub(cell.width());
        begin.extend([styled(cell.style, &cell.text), " ".repeat(space), GAP.to_owned()]);
    }
    if columns.is_some_and(|columns| !cells.is_empty() && !is_in_one(row, widths, columns)) {
        if cells.iter().any(|cell| !cell.text.is_empty()) {
            writeln!(out, "{}", begin.trim_end())?;
        }
        before = INDENT.len();
        INDENT.clone_into(&mut begin);
    }
    for line in last.lines(columns.map(|columns| columns.saturating_sub(before))) {
        writeln!(out, "{}", format!("{begin}{line}").trim_end())?;
        begin = " ".repeat(before);
    }
    Ok(())
}

/// A block for each row: the cells of `head`, each with its value.
fn write_blocks(
    out: &mut impl Write,
    head: &[Cell],
    rows: &[&[Cell]],
    columns: usize,
) -> fmt::Result {
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            out.write_char('\n')?;
        }
        let names = head.iter().map(|name| Cell { style: LABEL, ..name.clone() });
        let pairs = names.zip(*row).map(|(name, value)| [name, value.clone()]);
        let pairs: Vec<_> = pairs.filter(|[_, value]| !value.text.is_empty()).collect();
        let pairs: Vec<_> = pairs.iter().map(<[Cell; 2]>::as_slice).collect();
        write_rows(out, &pairs, false, Some(columns))?;
    }
    Ok(())
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
        assert_eq!(grid(rows, None), wide.to_string());
    }

    #[test]
    fn emoji_take_two_columns_and_what_joins_them_is_shown() {
        for emoji in ["\u{1f980}", "\u{1f44d}\u{1f3fd}", "\u{1f1e8}\u{1f1ed}"] {
            let table = Table::without_head().rows([[emoji, "x"], ["ab", "y"]]);
            assert_eq!(table.to_string(), format!("{emoji}  x\nab  y\n"));
        }
        // A joiner (U+200D) and a selector (U+FE0F) are invisible: they are written out, and
        // counted as they are written.
        for (emoji, shown, width) in [
            ("\u{1f469}\u{200d}\u{1f4bb}", "\u{1f469}\\u{200d}\u{1f4bb}", 12),
            ("\u{2764}\u{fe0f}", "\u{2764}\\u{fe0f}", 9),
        ] {
            let table = Table::without_head().rows([[emoji, "x"], ["ab", "y"]]);
            let second = format!("{:width$}  y", "ab");
            assert_eq!(table.to_string(), format!("{shown}  x\n{second}\n"));
        }
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
        assert_eq!(plain(Some(20)), "a\n    one two three\n    four five six\n    seven\n");
    }

    fn is_within(text: &str, columns: usize) -> bool {
        text.lines().all(|line| width::columns(line) <= columns)
    }

    #[test]
    fn a_table_without_a_head_breaks_its_last_column() {
        let mut table = Table::without_head();
        table.row([Cell::styled("pass", GOOD), "issuer".into(), "all is well with it".into()]);
        table.row(["".into(), "".into(), Cell::hint("run `server check` and then try again")]);
        table.row(["fail", "where", "https://mcp.example/elsewhere/mcp"].map(Cell::from));
        let shown = |columns| stripped(&table.clone().within(columns).to_string());
        assert_eq!(shown(Some(80)), shown(None));
        assert_eq!(
            shown(Some(40)),
            "pass  issuer  all is well with it\n              hint: run `server check`\n              \
             and then try again\nfail  where\n    https://mcp.example/elsewhere/mcp\n"
        );
        assert_eq!(
            shown(Some(30)),
            "pass  issuer\n    all is well with it\n    hint: run `server check`\n    and then try \
             again\nfail  where\n    https://mcp.example/elsewhere/mcp\n"
        );
        let hint = table.within(Some(40)).to_string();
        assert!(hint.contains(&styled(NOTE, "hint:")) && hint.contains(" run `"), "{hint:?}");
    }

    #[test]
    fn a_table_with_a_head_becomes_a_block_for_each_row() {
        let table = Table::new(["SUBJECT", "ROLES", "ISSUER"]).rows([
            ["alice", "admin", "http://localhost:8000"],
            ["bob", "", "http://localhost:8000"],
        ]);
        let shown = |columns| stripped(&table.clone().within(Some(columns)).to_string());
        assert!(shown(40).starts_with("SUBJECT  ROLES  ISSUER\n"));
        let blocks = "SUBJECT  alice\nROLES    admin\nISSUER   http://localhost:8000\n\n\
                      SUBJECT  bob\nISSUER   http://localhost:8000\n";
        assert_eq!(shown(30), blocks);
        assert!(is_within(&shown(30), 30) && !is_within(&shown(20), 20), "a word stays whole");
        let long = Table::new(["SETTING", "VALUE"]).rows([["A", "one two three four five"]]);
        let text = long.within(Some(30)).to_string();
        assert_eq!(text, "SETTING  VALUE\nA        one two three four\n         five\n");
    }

    #[test]
    fn values_are_beside_their_names_without_spaces_at_their_ends() {
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let text = pairs(&[row("ab", "1\n\n2"), row("c", "")], None);
        assert_eq!(stripped(&text), "ab  1\n\n    2\nc\n");
    }
}
