//! Text from the server, made fit to print.
//!
//! 1. Risky characters other than newline and tab are escaped ([`display`]): an escape sequence could rewrite
//!    the terminal.
//! 2. The token is blotted out, should the server echo it.

use std::borrow::Cow;

use auth_core::{AccessToken, display};

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
        display::escape_lines(&text).into_owned()
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
        display::escape_json(&self.blot(json)).into_owned()
    }

    /// The same of YAML.
    pub(crate) fn yaml(&self, yaml: &str) -> String {
        display::escape_yaml(&self.blot(yaml)).into_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_get_through() {
        let screen = Screen::default();
        assert_eq!(
            screen.text("a\u{1b}[31mb\u{9b}c\r\nd\re\u{7f}\u{202e}\u{200b}\t\u{e9}"),
            "a\\u{1b}[31mb\\u{9b}c\nd\\re\\u{7f}\\u{202e}\\u{200b}\t\u{e9}"
        );
        assert_eq!(screen.json("\"a\u{9b}\u{202e}\"\n"), "\"a\\u009b\\u202e\"\n");
        assert_eq!(screen.yaml("\"a\u{9b}\u{e0041}\"\n"), "\"a\\u009b\\U000e0041\"\n");
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
