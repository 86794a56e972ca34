//! The bearer token as it travels: opaque bytes that never show themselves.

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::digest;
use secrecy::{ExposeSecret, SecretString};

/// The longest token that is read at all: 8 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// An access token (RFC 6749 §1.4): the `b64token` of RFC 6750 §2.1, at most [`MAX_TOKEN_BYTES`]
/// long.
///
/// ```text
/// b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
/// ```
///
/// `Debug` prints no byte of it, there is no `Display`, and the memory, which all clones share, is
/// wiped when the last of them is dropped.
#[derive(Clone)]
pub struct AccessToken(Arc<SecretString>);

/// Why a text is no access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// Nothing there.
    #[error("the token is empty")]
    Empty,
    /// A character that RFC 6750 §2.1 does not allow.
    #[error("the token has a character that is not allowed in a bearer token")]
    Character,
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
}

impl AccessToken {
    /// The token's text, for the one who must send or read it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The SHA-256 of the token's text: a name for it by which it can be remembered without being
    /// kept.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let digest = digest::digest(&digest::SHA256, self.expose().as_bytes());
        let mut bytes = [0; 32];
        for (byte, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *byte = *from;
        }
        bytes
    }
}

impl FromStr for AccessToken {
    type Err = AccessTokenError;

    fn from_str(text: &str) -> Result<Self, AccessTokenError> {
        let body = text.trim_end_matches('=');
        if body.is_empty() {
            return Err(AccessTokenError::Empty);
        }
        // Without an early return, so that many bytes are compared at once.
        if !body.bytes().fold(true, |clean, byte| clean & is_allowed(byte)) {
            return Err(AccessTokenError::Character);
        }
        if text.len() > MAX_TOKEN_BYTES {
            return Err(AccessTokenError::TooLong);
        }
        Ok(Self(Arc::new(SecretString::from(text))))
    }
}

/// Whether the grammar has this byte, but for the `=` at the end.
const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_of_rfc_6750_is_kept() {
        assert_eq!("aZ09-._~+/==".parse::<AccessToken>().unwrap().expose(), "aZ09-._~+/==");
        assert_eq!("".parse::<AccessToken>().unwrap_err(), AccessTokenError::Empty);
        assert_eq!("==".parse::<AccessToken>().unwrap_err(), AccessTokenError::Empty);
        for bad in ["a b", "a=b", "a,b", "a\"b", "é", "a\nb"] {
            assert_eq!(
                bad.parse::<AccessToken>().unwrap_err(),
                AccessTokenError::Character,
                "{bad}"
            );
        }
    }

    #[test]
    fn the_size_has_a_limit() {
        assert!("a".repeat(MAX_TOKEN_BYTES).parse::<AccessToken>().is_ok());
        let too_long = "a".repeat(MAX_TOKEN_BYTES + 1);
        assert_eq!(too_long.parse::<AccessToken>().unwrap_err(), AccessTokenError::TooLong);
    }

    #[test]
    fn a_digest_is_the_tokens_own() {
        let digest = |text: &str| text.parse::<AccessToken>().unwrap().digest();
        // FIPS 180-4, the example "abc".
        assert_eq!(digest("abc")[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_eq!(digest("abc")[28..], [0xF2, 0x00, 0x15, 0xAD]);
        assert_ne!(digest("abc"), digest("abd"));
    }

    #[test]
    fn debug_shows_nothing() {
        let token: AccessToken = "topsecret".parse().unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken(..)");
    }
}
