//! Rust's text without what is not code.

/// What a character of a Rust file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Comment,
    /// Of a string or character literal, with its quotes.
    Literal,
}

/// The characters of a Rust file, each with what it belongs to. Enough of the lexer (The Rust
/// Reference, "Tokens") for what is formatted and compiles.
pub(crate) fn kinds(text: &str) -> Vec<(char, Kind)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut kinds = Vec::with_capacity(chars.len());
    let mut index = 0;
    while index < chars.len() {
        let is_word = index > 0 && (at(index - 1).is_alphanumeric() || at(index - 1) == '_');
        let (kind, length) = match at(index) {
            '/' if at(index + 1) == '/' => (Kind::Comment, until(&chars, index, "\n")),
            '/' if at(index + 1) == '*' => (Kind::Comment, block_comment(&chars, index)),
            'r' if !is_word && matches!(at(index + 1), '"' | '#') => raw_string(&chars, index),
            'b' if !is_word && at(index + 1) == 'r' && matches!(at(index + 2), '"' | '#') => {
                let (kind, length) = raw_string(&chars, index + 1);
                (kind, length + 1)
            }
            '"' => (Kind::Literal, quoted(&chars, index, '"')),
            '\'' if at(index + 1) == '\\' || at(index + 2) == '\'' => {
                (Kind::Literal, quoted(&chars, index, '\''))
            }
            _ => (Kind::Code, 1),
        };
        let end = (index + length).min(chars.len());
        kinds.extend(chars[index..end].iter().map(|it| (*it, kind)));
        index = end;
    }
    kinds
}

/// The code alone: comments and literals are blanks, lines stay lines.
pub(crate) fn code(text: &str) -> String {
    let blank = |(character, kind)| match (character, kind) {
        ('\n', _) => '\n',
        (other, Kind::Code) => other,
        _ => ' ',
    };
    kinds(text).into_iter().map(blank).collect()
}

fn until(chars: &[char], from: usize, end: &str) -> usize {
    let end = end.chars().next();
    let length = chars[from..].iter().position(|it| Some(*it) == end);
    length.unwrap_or(chars.len() - from)
}

fn block_comment(chars: &[char], from: usize) -> usize {
    let mut depth = 0;
    let mut index = from;
    while index + 1 < chars.len() {
        match (chars[index], chars[index + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if depth == 0 {
            return index - from;
        }
    }
    chars.len() - from
}

fn raw_string(chars: &[char], from: usize) -> (Kind, usize) {
    let hashes = chars[from + 1..].iter().take_while(|it| **it == '#').count();
    // Otherwise a raw identifier.
    if chars.get(from + 1 + hashes) != Some(&'"') {
        return (Kind::Code, 1);
    }
    let mut index = from + hashes + 2;
    while index < chars.len() {
        let closing = chars[index + 1..].iter().take(hashes).filter(|it| **it == '#').count();
        if chars[index] == '"' && closing == hashes {
            return (Kind::Literal, index + 1 + hashes - from);
        }
        index += 1;
    }
    (Kind::Literal, chars.len() - from)
}

fn quoted(chars: &[char], from: usize, quote: char) -> usize {
    let mut index = from + 1;
    while index < chars.len() {
        match chars[index] {
            '\\' => index += 2,
            end if end == quote => return index + 1 - from,
            _ => index += 1,
        }
    }
    chars.len() - from
}

#[test]
fn literals_and_comments_are_told_from_code() {
    let text = "a('\\'', '\"', \"// no\\\"\", r#\"\"x\"#, b\"z\", r#type) /* /* */ \" */ b::<'c>(); // d\ne";
    let kept = code(text);
    let words: Vec<_> = kept.split(|it: char| !it.is_alphanumeric()).collect();
    let words: Vec<_> = words.into_iter().filter(|it| !it.is_empty()).collect();
    assert_eq!(words, ["a", "b", "r", "type", "b", "c", "e"]);
    assert!(kept.ends_with("\ne"));
}
