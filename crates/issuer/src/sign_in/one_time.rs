//! One-time codes and links: how a user signs in before there is a password, and whenever there is
//! no other way.
//!
//! ```text
//! code   = 4letter "-" 4letter "-" 4letter
//! letter = "B" / "C" / "D" / "F" / "G" / "H" / "J" / "K" / "L" / "M"
//!        / "N" / "P" / "Q" / "R" / "S" / "T" / "V" / "W" / "X" / "Z"
//! link   = issuer "/sign-in/link?token=" 43( base64url character )
//! ```
//!
//! 1. A code has 51.8 random bits, and is used together with the name of its user. A link has 256,
//!    and needs no name.
//! 2. On reading a code, case, spaces and every character that is not a letter or a digit do not
//!    matter.
//! 3. No text is both a code and a password: passwords that read as a code are refused when they
//!    are set.
//! 4. The database has their digests. Each is used once.

use std::{fmt, str::FromStr, time::Duration};

use auth_core::{Issuer, base64url, oauth::SecretDigest};
use secrecy::{ExposeSecret, SecretString};

use super::digest;

/// How long a code lives that is printed when a server starts.
pub const START_CODE_LIFETIME: Duration = Duration::from_hours(1);

/// How long another code lives.
pub const CODE_LIFETIME: Duration = Duration::from_mins(15);

/// How long a link lives.
pub const LINK_LIFETIME: Duration = Duration::from_hours(24);

const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How many letters a code has.
const LETTERS: usize = 12;

/// The longest text that is read as a code, in bytes.
const MAX_BYTES: usize = 64;

/// A one-time code. `Debug` shows none of it, and the memory is wiped.
///
/// ```
/// use issuer::sign_in::OneTimeCode;
///
/// let code: OneTimeCode = " wdjb mjht-bcdf".parse()?;
/// assert_eq!(code.expose(), "WDJB-MJHT-BCDF");
/// # Ok::<(), issuer::sign_in::OneTimeCodeError>(())
/// ```
#[derive(Clone)]
pub struct OneTimeCode(SecretString);

/// A text is not a one-time code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has {LETTERS} letters, as in WDJB-MJHT-BCDF")]
pub struct OneTimeCodeError;

impl OneTimeCode {
    /// A new code, from 128 random bits. The remainder of a division by 20¹² favours no code by
    /// more than one part in 2⁷⁶.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(random);
        let letters = std::iter::repeat_with(|| {
            let place = usize::try_from(rest % ALPHABET.len() as u128).unwrap_or_default();
            rest /= ALPHABET.len() as u128;
            ALPHABET.get(place).map_or('B', |letter| char::from(*letter))
        });
        Self::of(letters.take(LETTERS))
    }

    /// The code as it is shown, with hyphens.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        digest::of("one-time code", self.expose())
    }

    /// What is stored of a recovery code, which has the same form.
    pub(super) fn recovery_digest(&self) -> SecretDigest {
        digest::of("recovery code", self.expose())
    }

    fn of(letters: impl Iterator<Item = char>) -> Self {
        let mut text = String::with_capacity(LETTERS + 2);
        for (place, letter) in letters.enumerate() {
            if place > 0 && place.is_multiple_of(4) {
                text.push('-');
            }
            text.push(letter);
        }
        Self(SecretString::from(text))
    }
}

impl FromStr for OneTimeCode {
    type Err = OneTimeCodeError;

    fn from_str(text: &str) -> Result<Self, OneTimeCodeError> {
        if text.len() > MAX_BYTES {
            return Err(OneTimeCodeError);
        }
        let letters =
            || text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase());
        let is_ours = |letter| u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
        let is_code = letters().count() == LETTERS && letters().all(is_ours);
        if is_code { Ok(Self::of(letters())) } else { Err(OneTimeCodeError) }
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(..)")
    }
}

/// The token of a sign-in link. `Debug` shows none of it, and the memory is wiped.
#[derive(Clone)]
pub struct SignInLink(SecretString);

impl SignInLink {
    /// A new one, from 256 random bits.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(SecretString::from(base64url::encode(random)))
    }

    /// The token of a link that was opened, if it has the form of one.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let is_token = base64url::decode(token).is_ok_and(|bytes| bytes.len() == 32);
        is_token.then(|| Self(SecretString::from(token)))
    }

    /// The link at this issuer, for the user.
    #[must_use]
    pub fn url(&self, issuer: &Issuer) -> SecretString {
        let base = issuer.as_str().trim_end_matches('/');
        SecretString::from(format!("{base}/sign-in/link?token={}", self.0.expose_secret()))
    }

    /// The token alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        digest::of("sign-in link", self.0.expose_secret())
    }
}

impl fmt::Debug for SignInLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInLink(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_code_reads_back() {
        assert_eq!(OneTimeCode::from_random([0; 16]).expose(), "BBBB-BBBB-BBBB");
        for seed in 0..=255_u8 {
            let code = OneTimeCode::from_random([seed; 16]);
            assert_eq!(code.expose().len(), 14);
            assert_eq!(code.expose().parse::<OneTimeCode>().unwrap().digest(), code.digest());
        }
    }

    #[test]
    fn what_people_type_is_read() {
        for text in ["WDJB-MJHT-BCDF", "wdjbmjhtbcdf", " wdjb mjht bcdf ", "WDJB–MJHT–BCDF\n"] {
            assert_eq!(text.parse::<OneTimeCode>().unwrap().expose(), "WDJB-MJHT-BCDF", "{text}");
        }
        let padded = format!("WDJBMJHTBCDF{}", " ".repeat(MAX_BYTES));
        for bad in [
            "",
            "WDJB-MJHT-BCD",
            "WDJB-MJHT-BCDFF",
            "WDJB-MJHT-BCDA",
            "WDJB-MJHT-BCD0",
            "WDJB-MJHT-BCDÇ",
            "１２３４５６７８９０１２",
            &padded,
        ] {
            assert_eq!(bad.parse::<OneTimeCode>().unwrap_err(), OneTimeCodeError, "{bad}");
        }
    }

    #[test]
    fn a_link_is_below_the_issuer_and_its_token_reads_back() {
        let link = SignInLink::from_random([7; 32]);
        for (issuer, base) in [
            ("http://localhost:8000", "http://localhost:8000"),
            ("https://as.example/auth/", "https://as.example/auth"),
        ] {
            let url = link.url(&issuer.parse().unwrap());
            let expected = format!("{base}/sign-in/link?token={}", link.expose());
            assert_eq!(url.expose_secret(), expected);
        }
        assert_eq!(SignInLink::parse(link.expose()).unwrap().digest(), link.digest());
        for bad in ["", "a", &"a".repeat(42), &"=".repeat(43)] {
            assert!(SignInLink::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn kinds_have_digests_of_their_own_and_nothing_is_shown() {
        let code = OneTimeCode::from_random([7; 16]);
        assert_ne!(code.digest(), code.recovery_digest());
        let link = SignInLink::from_random([7; 32]);
        assert_eq!(format!("{code:?} {link:?}"), "OneTimeCode(..) SignInLink(..)");
    }
}
