//! The signature algorithms that exist for us: a closed list, in which `none` cannot be written.

use std::{fmt, str::FromStr};

/// A JWS algorithm (RFC 7518 §3.1, RFC 8037 §3.1). A key has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// HMAC with SHA-256: one secret, which signs and verifies (RFC 7518 §3.2).
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// Ed25519: `EdDSA` (RFC 8037 §3.1) or, which is the same signature, `Ed25519` (RFC 9864 §2.2).
    EdDsa,
}

/// The name that RFC 9864 §2.2 gives to what RFC 8037 calls `EdDSA` with the curve Ed25519.
const ED25519: &str = "Ed25519";

/// The `alg` of a header is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown algorithm: choose one of HS256, RS256, ES256, EdDSA (or Ed25519)")]
pub struct UnknownAlgorithmError;

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name in the header of tokens that are made here (case-sensitive, RFC 7515
    /// §4.1.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether `name` is a name of this algorithm. Ed25519 has two.
    pub(crate) fn is_named(self, name: &str) -> bool {
        self.name() == name || (self == Self::EdDsa && name == ED25519)
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithmError;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithmError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.is_named(name))
            .ok_or(UnknownAlgorithmError)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nothing_else_does() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDsa), "RFC 9864");
        for other in [
            "none", "None", "NONE", "nOnE", "", "hs256", "HS512", "PS256", "ES256K", "Ed448",
            "ed25519",
        ] {
            assert_eq!(other.parse::<Algorithm>(), Err(UnknownAlgorithmError), "{other}");
        }
    }
}
