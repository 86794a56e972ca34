//! Text that a shell leaves alone: what of a server's words may stand in a command.

/// Whether a shell leaves a character alone within quotes.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._:/-+,@".contains(c)
}

/// Whether it is one word to a shell.
pub(super) fn is_word(text: &&str) -> bool {
    !text.contains(' ') && text.chars().all(is_plain)
}
