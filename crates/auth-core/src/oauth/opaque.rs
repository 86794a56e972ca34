//! Secrets of the authorization server that mean nothing to the client that holds them: codes,
//! refresh tokens, device codes and client secrets.
//!
//! ```text
//! secret = 1*255( %x21-7E )        ; VSCHAR of RFC 6749 appendix A, without the space
//! ```
//!
//! 1. A new one has 256 random bits as 43 characters of base64url: unreserved characters only,
//!    because a client reads codes with a regular expression over the query.
//! 2. Only the SHA-256 of a secret is stored. With 256 random bits it needs neither salt nor
//!    stretching.
//! 3. Digests are compared in constant time.
//! 4. `Debug` prints no part of a secret or a digest, and there is no `Display`.

use std::{fmt, str::FromStr};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use secrecy::{ExposeSecret, SecretString};

use crate::base64url;

/// The longest secret that is read, in bytes.
const MAX_BYTES: usize = 255;

/// A text is not one of these secrets: empty, over 255 bytes, or with other than visible ASCII
/// characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 1 to {MAX_BYTES} visible ASCII characters")]
pub struct OpaqueError;

/// The SHA-256 of a secret: what is stored in its place.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// A digest that was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, for storing it or for looking it up.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(text: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        for (byte, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *byte = *from;
        }
        Self(bytes)
    }
}

impl PartialEq for SecretDigest {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretDigest {}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(..)")
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 255 visible ASCII characters. `Debug` prints none of them, and the memory is wiped.
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// A new one of 256 random bits, as 43 characters of base64url.
            #[must_use]
            pub fn from_random(random: [u8; 32]) -> Self {
                Self(SecretString::from(base64url::encode(random)))
            }

            /// The text, for sending it.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// The SHA-256 of the text.
            #[must_use]
            pub fn digest(&self) -> SecretDigest {
                SecretDigest::of(self.expose())
            }
        }

        impl FromStr for $name {
            type Err = OpaqueError;

            fn from_str(text: &str) -> Result<Self, OpaqueError> {
                check(text).map(|()| Self(SecretString::from(text)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret! {
    /// An authorization code (RFC 6749 §1.3.1).
    AuthorizationCode
}
secret! {
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken
}
secret! {
    /// A device code (RFC 8628 §3.2).
    DeviceCode
}
secret! {
    /// A client secret (RFC 6749 §2.3.1).
    ClientSecret
}

impl RefreshToken {
    /// The token that follows this one: HMAC-SHA256 (RFC 2104) of `salt`, 32 random bytes that are
    /// stored with the family, under this token.
    ///
    /// A client that presents the same token again within the grace period gets the same successor,
    /// on any node, although no node stores it. The store alone does not suffice to derive it.
    #[must_use]
    pub fn successor(&self, salt: [u8; 32]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.expose().as_bytes());
        let tag = hmac::sign(&key, &[b"refresh token successor".as_slice(), &salt].concat());
        Self(SecretString::from(base64url::encode(tag)))
    }
}

fn check(text: &str) -> Result<(), OpaqueError> {
    let is_allowed = |byte: u8| matches!(byte, b'!'..=b'~');
    if (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(())
    } else {
        Err(OpaqueError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_secrets_have_unreserved_characters_only() {
        for random in [[0; 32], [0xFF; 32], [0xFB; 32]] {
            let code = AuthorizationCode::from_random(random);
            assert_eq!(code.expose().len(), 43);
            assert!(code.expose().bytes().all(super::super::form::is_unreserved));
            assert_eq!(code.expose().parse::<AuthorizationCode>().unwrap().digest(), code.digest());
        }
    }

    #[test]
    fn the_grammar_is_kept() {
        for good in ["a", "!~", &"a".repeat(255)] {
            assert_eq!(good.parse::<ClientSecret>().unwrap().expose(), good);
        }
        for bad in ["", "a b", "a\n", "é", "\u{7f}", "\0", &"a".repeat(256)] {
            assert_eq!(bad.parse::<ClientSecret>().unwrap_err(), OpaqueError, "{bad:?}");
        }
    }

    #[test]
    fn digests_are_sha_256_and_compare() {
        // FIPS 180-4, the example "abc".
        let digest = "abc".parse::<RefreshToken>().unwrap().digest();
        assert_eq!(digest.as_bytes()[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_eq!(digest, SecretDigest::from_bytes(*digest.as_bytes()));
        for place in 0..32 {
            let mut other = *digest.as_bytes();
            other[place] ^= 1;
            assert_ne!(digest, SecretDigest::from_bytes(other), "{place}");
        }
    }

    #[test]
    fn a_successor_needs_the_token_and_the_salt() {
        let token = RefreshToken::from_random([1; 32]);
        let next = token.successor([2; 32]);
        assert_eq!(next.digest(), token.successor([2; 32]).digest());
        assert_eq!(next.expose().len(), 43);
        assert_ne!(next.digest(), token.digest());
        assert_ne!(next.digest(), token.successor([3; 32]).digest());
        assert_ne!(next.digest(), RefreshToken::from_random([3; 32]).successor([2; 32]).digest());
    }

    #[test]
    fn debug_shows_nothing() {
        let code = DeviceCode::from_random([7; 32]);
        assert_eq!(format!("{code:?} {:?}", code.digest()), "DeviceCode(..) SecretDigest(..)");
    }
}
