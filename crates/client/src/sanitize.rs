//! Text of the server, made safe to print.
//!
//! 1. Risky characters other than newline and tab are escaped ([`display`]): an escape sequence
//!    could rewrite the terminal.
//! 2. The token is redacted out, should the server echo it.

use std::borrow::Cow;

use auth_core::{AccessToken, display};

/// What replaces the token.
const REDACTED: &str = "[token]";
/// A shorter token could be part of any word.
const MIN_REDACTED_LEN: usize = 8;
/// The longest single line that is quoted from a server, in characters.
const MAX_LINE: usize = 400;

/// Sanitizes text before it is printed.
#[derive(Default)]
pub(crate) struct Sanitizer<'a> {
    secret: Option<Cow<'a, str>>,
}

impl<'a> Sanitizer<'a> {
    /// A sanitizer that redacts `token`.
    pub(crate) fn new(token: Option<&'a AccessToken>) -> Self {
        let secret =
            token.map(AccessToken::expose).filter(|secret| secret.len() >= MIN_REDACTED_LEN);
        Self { secret: secret.map(Cow::Borrowed) }
    }

    /// The same, for a token that does not live as long.
    pub(crate) fn of(token: Option<&AccessToken>) -> Sanitizer<'static> {
        let secret = Sanitizer::new(token).secret;
        Sanitizer { secret: secret.map(|secret| Cow::Owned(secret.into_owned())) }
    }

    /// The same sanitizer, for a thread of its own.
    pub(crate) fn to_owned(&self) -> OwnedSanitizer {
        OwnedSanitizer { secret: self.secret.as_deref().map(str::to_owned) }
    }

    /// Text of any number of lines.
    pub(crate) fn text(&self, text: &str) -> String {
        let text = self.redact(text).replace("\r\n", "\n");
        display::escape_lines(&text).into_owned()
    }

    /// Text on one line, however long: for what must be shown in full.
    pub(crate) fn full(&self, text: &str) -> String {
        self.text(text).replace(['\n', '\t'], " ")
    }

    /// Text on one line, shortened if it is long.
    pub(crate) fn one_line(&self, text: &str) -> String {
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
        display::escape_json(&self.redact(json)).into_owned()
    }

    fn redact(&self, text: &str) -> String {
        match self.secret.as_deref() {
            Some(secret) => text.replace(secret, REDACTED),
            None => text.to_owned(),
        }
    }
}

/// A sanitizer that borrows nothing. It has no `Debug`: the token is in it.
#[derive(Default)]
pub(crate) struct OwnedSanitizer {
    secret: Option<String>,
}

impl OwnedSanitizer {
    fn sanitizer(&self) -> Sanitizer<'_> {
        Sanitizer { secret: self.secret.as_deref().map(Cow::Borrowed) }
    }

    /// See [`Sanitizer::text`].
    pub(crate) fn text(&self, text: &str) -> String {
        self.sanitizer().text(text)
    }

    /// See [`Sanitizer::one_line`].
    pub(crate) fn one_line(&self, text: &str) -> String {
        self.sanitizer().one_line(text)
    }

    /// See [`Sanitizer::full`].
    pub(crate) fn full(&self, text: &str) -> String {
        self.sanitizer().full(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_get_through() {
        let sanitizer = Sanitizer::default();
        assert_eq!(
            sanitizer.text("a\u{1b}[31mb\u{9b}c\r\nd\re\u{7f}\u{202e}\u{200b}\t\u{e9}"),
            "a\\u{1b}[31mb\\u{9b}c\nd\\re\\u{7f}\\u{202e}\\u{200b}\t\u{e9}"
        );
        assert_eq!(sanitizer.json("\"a\u{9b}\u{202e}\"\n"), "\"a\\u009b\\u202e\"\n");
        assert_eq!(sanitizer.one_line(" a\n\n  b "), "a b");
        assert_eq!(sanitizer.one_line(&"x".repeat(500)).len(), MAX_LINE + 3);
    }

    #[test]
    fn the_token_is_redacted() {
        let token: AccessToken = "abcdefgh.ijk".parse().unwrap();
        let sanitizer = Sanitizer::new(Some(&token));
        let echo = "Authorization: Bearer abcdefgh.ijk!";
        assert_eq!(sanitizer.text(echo), "Authorization: Bearer [token]!");
        assert_eq!(sanitizer.json(echo), "Authorization: Bearer [token]!");
        assert_eq!(sanitizer.one_line(echo), "Authorization: Bearer [token]!");
    }
}
