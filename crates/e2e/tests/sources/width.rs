//! Lines have at most as many characters as rustfmt allows.

use std::fs;

use crate::{
    files::{assert_kept, below, root, shown},
    text::{Kind, kinds},
};

#[test]
fn no_line_is_longer_than_rustfmt_allows() {
    let settings = fs::read_to_string(root().join(".rustfmt.toml")).unwrap();
    let width = settings.lines().find_map(|line| line.strip_prefix("max_width = ")).unwrap();
    let width: usize = width.parse().unwrap();
    assert_kept(|name| {
        let mut long = Vec::new();
        for path in below(&root().join("crates").join(name), "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (number, length) in lines_longer_than(width, &text) {
                long.push(format!("{}:{number}: {length} characters", shown(&path)));
            }
        }
        long
    });
}

/// The lines that are too long, by number, with their lengths. A line may be longer for a literal,
/// which cannot be wrapped, and in a table or for an address in a comment.
fn lines_longer_than(width: usize, text: &str) -> Vec<(usize, usize)> {
    let all = kinds(text);
    let lines = all.split(|(character, _)| *character == '\n').enumerate();
    let long = lines.filter(|(_, line)| line.len() > width);
    let long = long.filter(|(_, line)| {
        let text: String = line.iter().map(|(character, _)| *character).collect();
        let comment = text.trim_start().trim_start_matches(['/', '!']).trim_start();
        let is_row = text.trim_start().starts_with("//") && comment.starts_with('|');
        let is_address = comment.starts_with("https://") && !comment.contains(' ');
        let has_literal = line.iter().any(|(_, kind)| *kind == Kind::Literal);
        !(is_row || is_address || has_literal)
    });
    long.map(|(index, line)| (index + 1, line.len())).collect()
}

#[test]
fn only_what_cannot_be_wrapped_may_be_long() {
    let text = "short\n// 3456789 1\nlet a = \"456789\";\n//! | 456789 |\n// https://a.b\nlet abc = def(g);";
    assert_eq!(lines_longer_than(10, text), [(2, 12), (6, 17)]);
}
