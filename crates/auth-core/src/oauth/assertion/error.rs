//! Why an assertion is refused.

use crate::{KeyLookupError, ParseTokenError};

/// Why an assertion is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// It is not a signed JWT.
    #[error(transparent)]
    Form(#[from] ParseTokenError),
    /// A secret key: what can check such a signature can also make it.
    #[error("the algorithm is not one of RS256, ES256 and EdDSA")]
    Algorithm,
    /// No key of its issuer fits.
    #[error(transparent)]
    Key(#[from] KeyLookupError),
    /// The signature is not of that key.
    #[error("the signature does not match")]
    Signature,
    /// A claim is missing or malformed.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// A claim is not what it has to be.
    #[error("the claim {0} does not match")]
    Mismatch(&'static str),
    /// `typ` is that of another kind of JWT.
    #[error("typ is that of another kind of JWT")]
    Type,
    /// `cnf`: it is bound to a key, and proof of possession is not supported.
    #[error("bound to a key by cnf, which is not supported")]
    SenderConstrained,
    /// `exp` has passed.
    #[error("the assertion has expired")]
    Expired,
    /// `exp` is too far ahead.
    #[error("the assertion is valid for more than one hour")]
    Lifetime,
    /// `nbf` or `iat` is in the future.
    #[error("the assertion is not valid yet")]
    NotYetValid,
}

impl AssertionError {
    /// Whether newer keys of its issuer could verify it: none of those that were tried fits.
    #[must_use]
    pub const fn may_need_newer_keys(self) -> bool {
        matches!(self, Self::Key(_) | Self::Signature)
    }
}
