//! Text from the server, made fit to print.
//!
//! 1. Control characters other than newline and tab are escaped: an escape sequence could rewrite the
//!    terminal. So are the characters that reorder text (CVE-2021-42574) and the line separators.
//! 2. The token is blotted out, should the server echo it.

use std::{borrow::Cow, fmt::Write};

use auth_core::AccessToken;

/// What stands in the token's place.
const BLOT: &str = "[token]";
/// A shorter token could be part of any word.
const MIN_BLOTTED: usize = 8;
/// The longest single line that is quoted from a server, in characters.
const MAX_LINE: usize = 400;

/// Cleans text before it is printed.
#[derive(Default)]
pub(crate) struct Screen<'a> {
    secret: Option<Cow<'a, str>>,
}

impl<'a> Screen<'a> {
    /// A screen that lets nothing of `token` through.
    pub(crate) fn new(token: Option<&'a AccessToken>) -> Self {
        let secret = token.map(AccessToken::expose).filter(|secret| secret.len() >= MIN_BLOTTED);
        Self { secret: secret.map(Cow::Borrowed) }
    }

    /// The same, for a token that is not at hand for as long.
    pub(crate) fn of(token: Option<&AccessToken>) -> Screen<'static> {
        let secret = Screen::new(token).secret;
        Screen { secret: secret.map(|secret| Cow::Owned(secret.into_owned())) }
    }

    /// The same screen, for a thread of its own.
    pub(crate) fn to_owned(&self) -> OwnedScreen {
        OwnedScreen { secret: self.secret.as_deref().map(str::to_owned) }
    }

    /// Clean text of any number of lines.
    pub(crate) fn text(&self, text: &str) -> String {
        let text = self.blot(text).replace("\r\n", "\n");
        let mut clean = String::with_capacity(text.len());
        for c in text.chars() {
            if is_risky(c) {
                clean.extend(c.escape_unicode());
            } else {
                clean.push(c);
            }
        }
        clean
    }

    /// Clean text on one line, however long: something that must be seen whole.
    pub(crate) fn whole(&self, text: &str) -> String {
        self.text(text).replace(['\n', '\t'], " ")
    }

    /// Clean text on one line, shortened if it is long.
    pub(crate) fn line(&self, text: &str) -> String {
        let text = self.text(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let line = words.join(" ");
        match line.char_indices().nth(MAX_LINE) {
            Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
            None => line,
        }
    }

    /// JSON text in which risky characters are escaped, which leaves its meaning as it is.
    pub(crate) fn json(&self, json: &str) -> String {
        let json = self.blot(json);
        let mut clean = String::with_capacity(json.len());
        for c in json.chars() {
            // All risky characters are below U+10000: four digits are enough.
            if is_risky(c) {
                let _ = write!(clean, "\\u{:04x}", u32::from(c));
            } else {
                clean.push(c);
            }
        }
        clean
    }

    fn blot(&self, text: &str) -> String {
        match self.secret.as_deref() {
            Some(secret) => text.replace(secret, BLOT),
            None => text.to_owned(),
        }
    }
}

/// A screen that borrows nothing. It has no `Debug`: the token is in it.
#[derive(Default)]
pub(crate) struct OwnedScreen {
    secret: Option<String>,
}

impl OwnedScreen {
    fn screen(&self) -> Screen<'_> {
        Screen { secret: self.secret.as_deref().map(Cow::Borrowed) }
    }

    /// See [`Screen::text`].
    pub(crate) fn text(&self, text: &str) -> String {
        self.screen().text(text)
    }

    /// See [`Screen::line`].
    pub(crate) fn line(&self, text: &str) -> String {
        self.screen().line(text)
    }

    /// See [`Screen::whole`].
    pub(crate) fn whole(&self, text: &str) -> String {
        self.screen().whole(text)
    }
}

fn is_risky(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{061C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_get_through() {
        let screen = Screen::default();
        assert_eq!(
            screen.text("a\u{1b}[31mb\u{9b}c\r\nd\re\u{7f}\u{202e}\t\u{e9}"),
            "a\\u{1b}[31mb\\u{9b}c\nd\\u{d}e\\u{7f}\\u{202e}\t\u{e9}"
        );
        assert_eq!(screen.json("\"a\u{9b}\u{202e}\"\n"), "\"a\\u009b\\u202e\"\n");
        assert_eq!(screen.line(" a\n\n  b "), "a b");
        assert_eq!(screen.line(&"x".repeat(500)).len(), MAX_LINE + 3);
    }

    #[test]
    fn the_token_is_blotted_out() {
        let token: AccessToken = "abcdefgh.ijk".parse().unwrap();
        let screen = Screen::new(Some(&token));
        let echo = "Authorization: Bearer abcdefgh.ijk!";
        assert_eq!(screen.text(echo), "Authorization: Bearer [token]!");
        assert_eq!(screen.json(echo), "Authorization: Bearer [token]!");
        assert_eq!(screen.line(echo), "Authorization: Bearer [token]!");
    }
}
