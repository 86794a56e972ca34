//! Text of a server in a command that a person may paste.

/// Text of a server for a command that may be pasted into a shell; `None` if it has other
/// characters than words have.
pub(super) fn pasted(words: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._:/-+,@".contains(c);
    words.chars().all(is_plain).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_server_writes_no_command() {
        assert_eq!(
            pasted("https://api.example/Read.All b"),
            Some("https://api.example/Read.All b")
        );
        for hostile in ["a $(touch x)", "a;b", "a`b`", "a\"b", "a\nb"] {
            assert_eq!(pasted(hostile), None, "{hostile}");
        }
    }
}
