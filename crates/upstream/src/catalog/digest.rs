//! The digest of a definition or a file: SHA-256.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

const PREFIX: &str = "sha256-";
const BYTES: usize = 32;

/// A SHA-256 digest, written as `sha256-` and base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; BYTES]);

/// A text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no digest: write sha256- and 43 characters of base64url")]
pub struct InvalidDigestError;

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut own = [0; BYTES];
        // SHA-256 has 32 bytes.
        own.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(own)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
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
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidDigestError)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidDigestError)?;
        bytes.try_into().map(Self).map_err(|_| InvalidDigestError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::of(b"abc");
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest.to_string(), "sha256-ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "sha256-", "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0", "sha256-AA"] {
            assert_eq!(wrong.parse::<Digest>(), Err(InvalidDigestError), "{wrong}");
        }
    }
}
