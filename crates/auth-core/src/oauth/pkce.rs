//! Proof Key for Code Exchange (RFC 7636), with `S256` alone (OAuth 2.1 §7.5.1).
//!
//! ```text
//! code-verifier  = 43*128unreserved                        ; RFC 7636 §4.1
//! code-challenge = BASE64URL( SHA256( code-verifier ) )    ; RFC 7636 §4.2: 43 characters
//! ```
//!
//! 1. A challenge is required. A missing `code_challenge_method` means `plain` (RFC 7636 §4.3),
//!    which is refused like every other method but `S256`.
//! 2. A challenge is the one canonical base64url of 32 bytes.
//! 3. The verifier's challenge is compared in constant time.

use std::{fmt, str::FromStr};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use secrecy::{ExposeSecret, SecretString};

use super::form::is_unreserved;
use crate::base64url;

/// The one value of `code_challenge_method`.
pub const S256: &str = "S256";

/// The challenge that a client sends in its authorization request (RFC 7636 §4.2).
///
/// ```
/// use auth_core::oauth::{CodeChallenge, CodeVerifier};
///
/// // RFC 7636 appendix B.
/// let challenge = CodeChallenge::new(
///     Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
///     Some("S256"),
/// )?;
/// let verifier: CodeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".parse()?;
/// assert!(challenge.is_met_by(&verifier));
/// # Ok::<(), auth_core::oauth::PkceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// The secret that proves who sent the challenge (RFC 7636 §4.1). `Debug` prints no part of it.
#[derive(Clone)]
pub struct CodeVerifier(SecretString);

/// Why a challenge or a verifier is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// No `code_challenge`.
    #[error("code_challenge is missing: PKCE is required")]
    ChallengeMissing,
    /// A `code_challenge_method` other than `S256`, or none.
    #[error("code_challenge_method must be S256")]
    Method,
    /// A `code_challenge` that is not the base64url of a SHA-256.
    #[error("code_challenge must be 43 characters of base64url")]
    Challenge,
    /// A `code_verifier` outside the grammar.
    #[error("code_verifier must be 43 to 128 unreserved characters")]
    Verifier,
}

impl CodeChallenge {
    /// The challenge in the parameters `code_challenge` and `code_challenge_method`.
    pub fn new(challenge: Option<&str>, method: Option<&str>) -> Result<Self, PkceError> {
        let challenge = challenge.ok_or(PkceError::ChallengeMissing)?;
        if method != Some(S256) {
            return Err(PkceError::Method);
        }
        challenge.parse()
    }

    /// The challenge's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `verifier` is the one that this challenge was made from.
    #[must_use]
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        let challenge = verifier.challenge();
        verify_slices_are_equal(challenge.0.as_bytes(), self.0.as_bytes()).is_ok()
    }
}

impl CodeVerifier {
    /// A new one of 256 random bits, as 43 characters of base64url: for a client, which this server
    /// is at another provider.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(SecretString::from(base64url::encode(random)))
    }

    /// The text, for sending it to the token endpoint.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The challenge that this verifier meets.
    #[must_use]
    pub fn challenge(&self) -> CodeChallenge {
        let digest = digest::digest(&digest::SHA256, self.0.expose_secret().as_bytes());
        CodeChallenge(base64url::encode(digest))
    }
}

impl FromStr for CodeChallenge {
    type Err = PkceError;

    fn from_str(text: &str) -> Result<Self, PkceError> {
        match base64url::decode(text) {
            Ok(digest) if digest.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(PkceError::Challenge),
        }
    }
}

impl FromStr for CodeVerifier {
    type Err = PkceError;

    fn from_str(text: &str) -> Result<Self, PkceError> {
        if (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved) {
            Ok(Self(SecretString::from(text)))
        } else {
            Err(PkceError::Verifier)
        }
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_rfc_7636_is_met_and_no_other_verifier() {
        let challenge = CodeChallenge::new(Some(CHALLENGE), Some(S256)).unwrap();
        assert!(challenge.is_met_by(&VERIFIER.parse().unwrap()));
        assert!(!challenge.is_met_by(&VERIFIER.replacen('d', "D", 1).parse().unwrap()));
        // `plain` would accept the challenge itself.
        assert!(!challenge.is_met_by(&CHALLENGE.parse().unwrap()));
        assert_eq!(challenge.as_str(), CHALLENGE);
    }

    #[test]
    fn a_new_verifier_is_one_and_meets_its_challenge() {
        let verifier = CodeVerifier::from_random([0xFB; 32]);
        assert!(verifier.expose().parse::<CodeVerifier>().is_ok());
        assert!(verifier.challenge().is_met_by(&verifier));
        assert!(!verifier.challenge().is_met_by(&CodeVerifier::from_random([1; 32])));
        assert_eq!(VERIFIER.parse::<CodeVerifier>().unwrap().challenge().as_str(), CHALLENGE);
    }

    #[test]
    fn only_s256_is_a_method() {
        for method in [None, Some("plain"), Some("s256"), Some("S512"), Some("S256 "), Some("")] {
            assert_eq!(CodeChallenge::new(Some(CHALLENGE), method), Err(PkceError::Method));
        }
        assert_eq!(CodeChallenge::new(None, Some(S256)), Err(PkceError::ChallengeMissing));
    }

    #[test]
    fn a_challenge_is_the_canonical_base64url_of_32_bytes() {
        let (short, long) = (&CHALLENGE[1..], format!("{CHALLENGE}A"));
        // The last character has two bits that must be zero.
        let not_canonical = CHALLENGE.replace("cM", "cN");
        let standard = CHALLENGE.replace('-', "+");
        for bad in ["", short, &long, &format!("{CHALLENGE}="), &not_canonical, &standard, "é"] {
            assert_eq!(bad.parse::<CodeChallenge>(), Err(PkceError::Challenge), "{bad}");
        }
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for good in ["a".repeat(43), "~.-_".repeat(32)] {
            assert!(good.parse::<CodeVerifier>().is_ok(), "{good}");
        }
        for bad in ["a".repeat(42), "a".repeat(129), "a".repeat(42) + "+", "é".repeat(43)] {
            assert_eq!(bad.parse::<CodeVerifier>().unwrap_err(), PkceError::Verifier, "{bad}");
        }
        assert_eq!(format!("{:?}", VERIFIER.parse::<CodeVerifier>()), "Ok(CodeVerifier(..))");
    }
}
