//! Names from outside, made fit for a page: what a program, an identity provider or a user calls
//! itself.
//!
//! 1. No control character, no bidirectional control, nothing that is not seen
//!    ([`auth_core::display::is_risky`]); white space is one space.
//! 2. A name is cut after 80 characters. A host is cut at its beginning after 255, because its end
//!    says who owns it.
//! 3. Templates put every label into a `<bdi>` element, so that its direction does not change the
//!    text around it, and escape it.
//!
//! **Invariant:** a [`Label`] is one line of at most 256 characters, all of which are seen.

use std::fmt;

use auth_core::display::is_risky;

/// The longest name, in characters.
const MAX_NAME: usize = 80;

/// The longest host, path or identifier, in characters.
const MAX_IDENTIFIER: usize = 255;

/// A text from outside. It may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Label(String);

impl Label {
    /// A name; what is too long ends with an ellipsis.
    #[must_use]
    pub fn name(text: &str) -> Self {
        Self::start(text, MAX_NAME)
    }

    /// An identifier, an address or a message; what is too long ends with an ellipsis.
    #[must_use]
    pub fn long(text: &str) -> Self {
        Self::start(text, MAX_IDENTIFIER)
    }

    /// A host; what is too long begins with an ellipsis.
    #[must_use]
    pub fn host(text: &str) -> Self {
        let clean = clean(text);
        match clean.chars().count().checked_sub(MAX_IDENTIFIER) {
            None | Some(0) => Self(clean),
            Some(surplus) => {
                Self(std::iter::once('…').chain(clean.chars().skip(surplus)).collect())
            }
        }
    }

    /// Whether nothing is left to be shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The label's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn start(text: &str, most: usize) -> Self {
        let mut clean = clean(text);
        if let Some((end, _)) = clean.char_indices().nth(most) {
            clean.truncate(end);
            clean.truncate(clean.trim_end().len());
            clean.push('…');
        }
        Self(clean)
    }
}

/// As [`Label::name`].
impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::name(text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` on one line, without what is not seen.
fn clean(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let seen: String = spaced.filter(|&c| !is_risky(c)).collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_not_shown() {
        assert_eq!(Label::name(" a\u{202e}b\n\t c\u{200b}\u{0} ").as_str(), "ab c");
        assert!(Label::name("\u{202e}\u{200b} \n").is_empty());
    }

    #[test]
    fn a_long_name_is_cut_at_its_end_and_a_long_host_at_its_beginning() {
        assert_eq!(Label::name(&"é".repeat(80)).as_str(), "é".repeat(80));
        assert_eq!(Label::name(&"é".repeat(81)).as_str(), format!("{}…", "é".repeat(80)));
        assert_eq!(Label::name(&format!("{} b", "a".repeat(79))).as_str().chars().count(), 80);
        let host = format!("{}.evil.example", "claude.ai.".repeat(40));
        let shown = Label::host(&host);
        assert!(shown.as_str().starts_with('…') && shown.as_str().ends_with(".evil.example"));
        assert_eq!(shown.as_str().chars().count(), 256);
        assert_eq!(Label::host("claude.ai").as_str(), "claude.ai");
        assert_eq!(Label::long(&"a".repeat(300)).as_str().chars().count(), 256);
    }
}
