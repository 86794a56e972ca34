//! Text that a shell leaves alone: what of a server's words may stand in a command.

/// Whether a shell leaves a character alone within quotes.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._:/-+,@".contains(c)
}

/// Whether it is one word to a shell (to PowerShell too), and no option.
pub(super) fn is_word(text: &&str) -> bool {
    !text.starts_with(['-', '@']) && text.chars().all(|c| is_plain(c) && !matches!(c, ' ' | ','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_argument_and_no_option() {
        for word in ["alice", "alice@mcp.example", "https://mcp.example/mcp"] {
            assert!(is_word(&word), "{word}");
        }
        for other in ["a b", "a,--role,admin", "--role", "@file", "$(id)", "a;b"] {
            assert!(!is_word(&other), "{other}");
        }
    }
}
