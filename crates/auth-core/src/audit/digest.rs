//! SHA-256 digests (FIPS 180-4), written as 64 lower-case hexadecimal digits, as `sha256sum` does.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::crypto;

const BYTES: usize = 32;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; BYTES]);

/// A text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no SHA-256 digest: write 64 hexadecimal digits in lower case")]
pub struct InvalidDigestError;

impl Digest {
    /// What is before the first record.
    pub(super) const ZERO: Self = Self([0; BYTES]);

    /// The digest of `bytes`.
    ///
    /// ```
    /// // FIPS 180-2, appendix B.1.
    /// let digest = auth_core::audit::Digest::of(b"abc").to_string();
    /// assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(crypto::sha256_array(bytes))
    }

    /// Its text, as ASCII.
    pub(super) fn digits(&self) -> [u8; 2 * BYTES] {
        let mut text = [0; 2 * BYTES];
        let (pairs, _) = text.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(self.0) {
            let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
            *pair = [digit(byte >> 4), digit(byte & 0xF)];
        }
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigestError;

    fn from_str(text: &str) -> Result<Self, InvalidDigestError> {
        if text.len() != 2 * BYTES {
            return Err(InvalidDigestError);
        }
        let digit = |byte: u8| DIGITS.iter().position(|it| *it == byte).ok_or(InvalidDigestError);
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let &[high, low] = pair else { return Err(InvalidDigestError) };
            let value = digit(high)? << 4 | digit(low)?;
            *byte = u8::try_from(value).map_err(|_| InvalidDigestError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written_and_in_no_other_form() {
        let digest = Digest::of(b"abc");
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(32)] {
            assert_eq!(wrong.parse::<Digest>(), Err(InvalidDigestError), "{wrong}");
        }
        assert_eq!(Digest::ZERO.to_string(), "0".repeat(64));
    }
}
