//! The code that a person types in (RFC 8628 §6.1).
//!
//! ```text
//! user-code = 4letter "-" 4letter
//! letter    = "B" / "C" / "D" / "F" / "G" / "H" / "J" / "K" / "L" / "M"
//!           / "N" / "P" / "Q" / "R" / "S" / "T" / "V" / "W" / "X" / "Z"
//! ```
//!
//! 1. Twenty consonants: no vowels, so no words; no digits, so no confusion with letters. Eight of
//!    them are 34.5 bits: enough while attempts are limited (RFC 8628 §5.1).
//! 2. On reading, case, spaces and every character that is not a letter or a digit do not matter.

use std::{fmt, str::FromStr};

/// The letters of a code.
const ALPHABET: [char; 20] = [
    'B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X',
    'Z',
];

/// How many letters a code has.
const LETTERS: usize = 8;

/// The longest text that is read, in bytes.
const MAX_BYTES: usize = 64;

/// A user code. It is stored and compared without its hyphen, and shown with it.
///
/// ```
/// use auth_core::oauth::UserCode;
///
/// let code: UserCode = " wdjb mjht".parse()?;
/// assert_eq!(code.to_string(), "WDJB-MJHT");
/// assert_eq!(code.as_str(), "WDJBMJHT");
/// # Ok::<(), auth_core::oauth::UserCodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserCode(String);

/// A text that is not a user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has {LETTERS} letters, as in WDJB-MJHT")]
pub struct UserCodeError;

impl UserCode {
    /// A new code, from 128 random bits. The remainder of a division by 20⁸ favours no code by more
    /// than one part in 2⁹³.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(random);
        let letters = std::iter::repeat_with(|| {
            let place = usize::try_from(rest % ALPHABET.len() as u128).unwrap_or_default();
            rest /= ALPHABET.len() as u128;
            ALPHABET.get(place).copied().unwrap_or('B')
        });
        Self(letters.take(LETTERS).collect())
    }

    /// The eight letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserCode {
    type Err = UserCodeError;

    fn from_str(text: &str) -> Result<Self, UserCodeError> {
        if text.len() > MAX_BYTES {
            return Err(UserCodeError);
        }
        let letters: String =
            text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
        let is_code =
            letters.len() == LETTERS && letters.chars().all(|letter| ALPHABET.contains(&letter));
        if is_code { Ok(Self(letters)) } else { Err(UserCodeError) }
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at_checked(LETTERS / 2).unwrap_or((&self.0, ""));
        write!(f, "{first}-{second}")
    }
}

impl fmt::Debug for UserCode {
    /// None of it: who knows it can approve in the name of the user who is signed in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_code_has_eight_letters_and_reads_back() {
        assert_eq!(UserCode::from_random([0; 16]).to_string(), "BBBB-BBBB");
        for seed in 0..=255_u8 {
            let code = UserCode::from_random([seed; 16]);
            assert_eq!(code.to_string().parse(), Ok(code.clone()));
            assert_eq!(code.to_string().len(), 9);
        }
    }

    #[test]
    fn every_letter_comes_up_in_every_place_equally_often() {
        // The remainders of 0 to 20⁸ − 1 are all codes, each once; a sample of the first two
        // places.
        let mut counts = std::collections::BTreeMap::new();
        for number in 0..400_u128 {
            let code = UserCode::from_random(number.to_be_bytes());
            *counts.entry(code.as_str().get(..2).unwrap().to_owned()).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 400);
        assert!(counts.values().all(|&count| count == 1));
    }

    #[test]
    fn what_people_type_is_read() {
        for text in ["WDJB-MJHT", "wdjbmjht", " wdjb mjht ", "W.D.J.B_M/J/H/T", "wDjB–mJhT\n"] {
            assert_eq!(text.parse::<UserCode>().unwrap().as_str(), "WDJBMJHT", "{text}");
        }
        for bad in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJB-MJHA",
            "WDJB-MJH0",
            "WDJB-MJHÄ",
            "１２３４５６７８",
        ] {
            assert_eq!(bad.parse::<UserCode>(), Err(UserCodeError), "{bad}");
        }
        let padded = format!("WDJBMJHT{}", " ".repeat(MAX_BYTES));
        assert_eq!(padded.parse::<UserCode>(), Err(UserCodeError));
        assert_eq!(format!("{:?}", UserCode::from_random([0; 16])), "UserCode(..)");
    }
}
