//! `state` and `prompt` of an authorization request.

use std::{fmt, str::FromStr};

/// The longest `state`, in bytes.
const MAX_STATE_BYTES: usize = 2048;

/// What the client gets back unchanged (RFC 6749 §4.1.1).
///
/// ```text
/// state = 1*VSCHAR      ; RFC 6749 appendix A.5: %x20-7E
/// ```
///
/// At most 2048 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(String);

/// A `state` outside the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("state has 1 to {MAX_STATE_BYTES} printable ASCII characters")]
pub struct StateError;

impl State {
    /// The text, byte for byte as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for State {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        let is_good = (1..=MAX_STATE_BYTES).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_good { Ok(Self(text.to_owned())) } else { Err(StateError) }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the client asks the server to show (OpenID Connect Core §3.1.2.1). Values that are not
/// listed here are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prompt {
    /// No `prompt`: pages are shown if they are needed.
    #[default]
    AsNeeded,
    /// `none`: no page is shown; what would need one is an error.
    None,
    /// `consent`, `login` or `select_account`: pages are shown.
    Show {
        /// `consent`: the consent page, even if the user has consented before.
        consent: bool,
        /// `login` or `select_account`: the sign-in page, even if a user is signed in.
        sign_in: bool,
    },
}

/// `none` beside another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PromptError;

impl Prompt {
    pub(super) fn parse(text: Option<&str>) -> Result<Self, PromptError> {
        let values: Vec<&str> = text.unwrap_or_default().split_ascii_whitespace().collect();
        if values.contains(&"none") {
            return if values.len() == 1 { Ok(Self::None) } else { Err(PromptError) };
        }
        let consent = values.contains(&"consent");
        let sign_in = values.contains(&"login") || values.contains(&"select_account");
        Ok(if consent || sign_in { Self::Show { consent, sign_in } } else { Self::AsNeeded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_kept_byte_for_byte() {
        for good in [
            "a",
            "abcdefghijklmnopqrstuv+/==",
            "vscode://dynamicauthprovider/localhost:8000/authorize?nonce=x&y=%20 \"'<>\\",
            &"s".repeat(MAX_STATE_BYTES),
        ] {
            assert_eq!(good.parse::<State>().unwrap().to_string(), good);
        }
        for bad in ["", "a\r\nSet-Cookie: x", "\0", "é", &"s".repeat(MAX_STATE_BYTES + 1)] {
            assert_eq!(bad.parse::<State>(), Err(StateError), "{bad:?}");
        }
    }

    #[test]
    fn prompts_are_read() {
        let show = |consent, sign_in| Ok(Prompt::Show { consent, sign_in });
        for (text, expected) in [
            (None, Ok(Prompt::AsNeeded)),
            (Some("create"), Ok(Prompt::AsNeeded)),
            (Some("none"), Ok(Prompt::None)),
            (Some("consent"), show(true, false)),
            (Some("login consent"), show(true, true)),
            (Some("select_account"), show(false, true)),
            (Some("None"), Ok(Prompt::AsNeeded)),
            (Some("none login"), Err(PromptError)),
            (Some("none create"), Err(PromptError)),
        ] {
            assert_eq!(Prompt::parse(text), expected, "{text:?}");
        }
    }
}
