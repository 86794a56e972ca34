//! From an assertion that was sent to one whose signature is its issuer's.
//!
//! ```text
//! Assertion | ClientAssertion ──unverified──► UnverifiedAssertion ──verify──► VerifiedAssertion
//! ```
//!
//! 1. It is a JWT as every other (RFC 7515, RFC 8725): `alg` on the closed list, no `crit`, no key
//!    in the header.
//! 2. The key is one of the issuer that `iss` names, and only a public one: `HS256` is refused
//!    whatever keys there are.
//! 3. A claim that is `null` is not there.
//!
//! **Invariant:** a [`VerifiedAssertion`] was signed by a key of its issuer. Nothing else reaches
//! the rules about claims.

use super::AssertionError;
use crate::{
    AccessToken, Algorithm, Issuer, IssuerKeys, Subject, UnverifiedToken, json::Object,
    openid::UserClaims,
};

/// An assertion that was taken apart. **Nothing in it can be trusted**: it says whose keys to ask
/// for, and no more.
pub struct UnverifiedAssertion<'a>(UnverifiedToken<'a>);

/// The claims of an assertion that its issuer signed.
#[derive(Clone)]
pub struct VerifiedAssertion {
    pub(super) issuer: Issuer,
    pub(super) token_type: Option<String>,
    pub(super) claims: Object<'static>,
}

impl<'a> UnverifiedAssertion<'a> {
    /// Takes an assertion apart (rule 1).
    pub(in crate::oauth) fn parse(assertion: &'a AccessToken) -> Result<Self, AssertionError> {
        Ok(Self(UnverifiedToken::parse(assertion)?))
    }

    /// Whose it says it is: for choosing the keys to try, and for nothing else.
    #[must_use]
    pub const fn unverified_issuer(&self) -> Option<&Issuer> {
        self.0.unverified_issuer()
    }

    /// The claims, if a key of `keys` signed them and its issuer is the one of `keys` (rules 2, 3).
    pub fn verify(&self, keys: &IssuerKeys) -> Result<VerifiedAssertion, AssertionError> {
        let token = &self.0;
        if token.algorithm() == Algorithm::Hs256 {
            return Err(AssertionError::Algorithm);
        }
        let issuer = token.unverified_issuer().ok_or(AssertionError::Claim("iss"))?;
        if issuer != keys.issuer() {
            return Err(AssertionError::Mismatch("iss"));
        }
        let key = keys.keys().find(token.key_id(), token.algorithm())?;
        if !token.is_signed_by(key) {
            return Err(AssertionError::Signature);
        }
        Ok(VerifiedAssertion {
            issuer: issuer.clone(),
            token_type: token.token_type().map(str::to_owned),
            claims: token.claims().clone(),
        })
    }
}

impl VerifiedAssertion {
    /// `iss`: whose key signed it.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What it says about `subject`, which the rules for its kind found in it: for deciding who is
    /// admitted, and with which roles.
    #[must_use]
    pub fn user_claims(&self, subject: &Subject) -> UserClaims {
        UserClaims::new(subject.clone(), self.claims.clone())
    }
}

impl std::fmt::Debug for VerifiedAssertion {
    /// The issuer alone: the claims are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedAssertion({:?}, ..)", self.issuer)
    }
}

impl std::fmt::Debug for UnverifiedAssertion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnverifiedAssertion(..)")
    }
}
