//! What a client calls itself (RFC 7591 §2, `client_name`): a claim that nothing proves, which a
//! person reads on the consent page.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::display::is_risky;

/// The longest name, in characters.
const MAX_CHARACTERS: usize = 80;

/// A name that is safe to show on one line: 1 to 80 characters, none of which is a control
/// character, is not seen, or changes the direction of the text; no white space at its ends or
/// twice in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName(String);

impl ClientName {
    /// `text` without what must not be shown; `None` if nothing is left.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let separated: String =
            text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        let seen: String = separated.chars().filter(|&c| !is_risky(c)).collect();
        let words: Vec<&str> = seen.split_whitespace().collect();
        let name: String = words.join(" ").chars().take(MAX_CHARACTERS).collect();
        let name = name.trim_end();
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ClientName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_what_is_seen() {
        let name = |text: &str| ClientName::new(text).map(|name| name.to_string());
        assert_eq!(name("Visual Studio Code").as_deref(), Some("Visual Studio Code"));
        assert_eq!(name("  a \t\r\n b\u{a0}c\u{2028}").as_deref(), Some("a b c"));
        assert_eq!(name("a\u{202e}b\u{200b}c\u{0}d\u{1b}[31m").as_deref(), Some("abcd[31m"));
        assert_eq!(name("管理者").as_deref(), Some("管理者"));
        for empty in ["", " ", "\u{200b}", "\n\t"] {
            assert_eq!(name(empty), None, "{empty:?}");
        }
        assert_eq!(name(&"é".repeat(500)), Some("é".repeat(80)));
        assert_eq!(name(&format!("{} b", "a".repeat(79))), Some("a".repeat(79)));
    }
}
