//! Aligned columns. A cell is text from anywhere, and stands on one line.

use std::io::{self, Write};

use auth_core::display;

/// Writes `rows` under `head`, each column as wide as its widest text.
pub(crate) fn write<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| row.map(|cell| display::escape(&cell).into_owned())));
    let mut widths = [0; N];
    for line in &lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = text.chars().count().max(*width);
        }
    }
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(text, width)| format!("{text:<width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut out = Vec::new();
        let rows = [["é".to_owned(), "x".to_owned()], ["long".to_owned(), String::new()]];
        write(["A", "BB"], rows, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A     BB\né     x\nlong\n");
    }

    #[test]
    fn a_cell_neither_ends_its_line_nor_turns_it_around() {
        let mut out = Vec::new();
        let rows = [["a\nb\u{202e}\u{2028}".to_owned(), "\u{9b}\u{200b}".to_owned()]];
        write(["A", "B"], rows, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text.lines().nth(1),
            Some("a\\nb\\u{202e}\\u{2028}  \\u{9b}\\u{200b}"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 2);
    }
}
