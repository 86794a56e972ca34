//! Passwords: what may be one (NIST SP 800-63B-4 §3.1.1), and their hashes.
//!
//! 1. A password has at least [`LEAST_CHARACTERS`] characters, as NIST requires of one that signs
//!    in alone, and at most [`MAX_BYTES`]. There are no rules on kinds of characters.
//! 2. It is normalised with NFKC before anything else, so that it is the same from every keyboard.
//! 3. Refused are those that are guessed first ([`common`](super::common)), those made of the
//!    user's name or the name of this program, and texts that read as a one-time code.
//! 4. What is stored is its Argon2id hash ([`argon`](super::argon)).

use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};

use super::{argon, common, one_time::OneTimeCode};

/// The fewest characters (Unicode scalar values) of a password.
pub const LEAST_CHARACTERS: usize = 15;

/// The longest password that is read, in bytes of UTF-8.
pub const MAX_BYTES: usize = 1024;

/// Why a text cannot be set as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It has fewer than [`LEAST_CHARACTERS`].
    #[error("a password has at least {LEAST_CHARACTERS} characters: use a few words")]
    Short,
    /// It is longer than [`MAX_BYTES`].
    #[error("a password has at most {MAX_BYTES} bytes")]
    Long,
    /// It has a control character.
    #[error("a password has no control characters")]
    Control,
    /// It is one of those that are guessed first.
    #[error("this password is easy to guess: use a few words that do not belong together")]
    Common,
    /// It reads as a one-time code.
    #[error("this password looks like a one-time code")]
    Code,
    /// It cannot be hashed: there is no memory.
    #[error("the password cannot be hashed")]
    Hash(#[from] argon::ArgonError),
}

/// A text that may be a user's password: normalised and bounded. It is wiped from memory.
#[derive(Clone)]
pub(super) struct Presented(SecretString);

impl Presented {
    /// Reads what was typed. `None` if it is too long or empty: that is no one's password.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let normal = |text| ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned();
        let fits = |text: &str| (1..=MAX_BYTES).contains(&text.len());
        let normal = fits(text).then(|| normal(text))?;
        fits(&normal).then(|| Self(SecretString::from(normal)))
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether it may be set as the password of the user who has these names.
    pub(super) fn check(&self, names: &[&str]) -> Result<(), PasswordError> {
        let text = self.0.expose_secret();
        if text.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        if text.parse::<OneTimeCode>().is_ok() {
            return Err(PasswordError::Code);
        }
        if text.chars().count() < LEAST_CHARACTERS {
            return Err(PasswordError::Short);
        }
        if common::is_easy(text, names) { Err(PasswordError::Common) } else { Ok(()) }
    }
}

/// The hash of a new password for the user who has these names (subject, display name), if it may
/// be one; `salt` is random. It takes 19 MiB and some milliseconds.
pub fn hash_password(
    password: &SecretString,
    names: &[&str],
    salt: [u8; 16],
) -> Result<SecretString, PasswordError> {
    let presented = checked(password, names)?;
    Ok(argon::hash(presented.secret(), salt, &mut argon::Memory::default())?)
}

/// The password, if it may be set.
pub(super) fn checked(password: &SecretString, names: &[&str]) -> Result<Presented, PasswordError> {
    let text = password.expose_secret();
    if text.is_empty() {
        return Err(PasswordError::Short);
    }
    let presented = Presented::parse(text).ok_or(PasswordError::Long)?;
    presented.check(names)?;
    Ok(presented)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), PasswordError> {
        checked(&SecretString::from(text), &["alice", "Alice Liddell"]).map(drop)
    }

    #[test]
    fn a_few_words_are_a_password() {
        for good in [
            "correct horse battery staple",
            "mein Fahrrad hat 3 Räder",
            "ein sehr gutes Wort",
            "αλίκη στη χώρα των θαυμάτων",
            "kQ8#vT2!mZ5&wR9",
            &"a long sentence of many words; ".repeat(30),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_bounds_are_kept() {
        assert_eq!(check(""), Err(PasswordError::Short));
        assert_eq!(check("kQ8#vT2!mZ5&wR"), Err(PasswordError::Short));
        // Characters, not bytes.
        assert_eq!(check("αβγδεζηθικλμνξ"), Err(PasswordError::Short));
        assert_eq!(check(&"xk3 ".repeat(257)), Err(PasswordError::Long));
        assert_eq!(check("kQ8#vT2!mZ5&wR9\n"), Err(PasswordError::Control));
        assert_eq!(check("WDJB-MJHT-BCDF"), Err(PasswordError::Code));
        // U+FDFA is 18 characters in NFKC.
        assert_eq!(check(&"\u{FDFA}".repeat(100)), Err(PasswordError::Long));
    }

    #[test]
    fn the_same_text_from_another_keyboard_is_the_same_password() {
        let composed = Presented::parse("Caf\u{e9} 1 ﬁne").unwrap();
        let decomposed = Presented::parse("Cafe\u{301} １ fine").unwrap();
        assert_eq!(composed.secret().expose_secret(), decomposed.secret().expose_secret());
    }

    #[test]
    fn a_hash_is_of_what_was_normalised() {
        let password = SecretString::from("ein schoenes Cafe\u{301}");
        let hash = hash_password(&password, &["alice"], [7; 16]).unwrap();
        let typed = Presented::parse("ein schoenes Caf\u{e9}").unwrap();
        let mut memory = argon::Memory::default();
        assert!(argon::verify(typed.secret(), Some(&hash), &mut memory).unwrap());
    }
}
