//! What an issuer says about a token when it is asked (RFC 7662 §2.2).
//!
//! 1. `active` must be `true`; `false` and nothing else is a no.
//! 2. `iss`, if it is there, is the issuer that was asked; `token_type`, if it is there, is `Bearer`.
//! 3. All other claims are judged as those of a JWT: the audience, `exp` and `sub` must be there, `cnf`
//!    must not, and what looks like an ID token or a refresh token is none of ours.
//! 4. Scopes may stand in `scope` (RFC 7662) besides where the issuer's JWTs have them.

use super::{Check, Facts, Silent, TokenVerifier, VerifyError, Witness, read};
use crate::{
    Claims, DuplicateMember, Issuer, NumericDate,
    json::{self, Json, Object},
};

/// An answer of an introspection endpoint. **It is believed as far as its sender is**: hand in only what
/// came from the issuer's own endpoint, over https or from this very machine.
#[derive(Clone)]
pub struct IntrospectionResponse {
    active: bool,
    claims: Object<'static>,
}

/// Why bytes are no answer of an introspection endpoint.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectionError {
    /// Not JSON, or a member twice.
    #[error(transparent)]
    Json(#[from] DuplicateMember),
    /// Not an object with an `active` that is true or false.
    #[error("not an object with a member `active` that is true or false (RFC 7662 section 2.2)")]
    Active,
}

impl IntrospectionResponse {
    /// Reads an answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, IntrospectionError> {
        let Json::Object(mut claims) = Json::parse(json::text(bytes)?)? else {
            return Err(IntrospectionError::Active);
        };
        let Some(Json::Bool(active)) = claims.remove("active") else {
            return Err(IntrospectionError::Active);
        };
        Ok(Self { active, claims: claims.into_owned() })
    }

    /// Whether the issuer says that the token is good. That does not make it good for us.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// `exp`, if it is there and is a date.
    #[must_use]
    pub fn expires_at(&self) -> Option<NumericDate> {
        read::date(&self.claims, "exp").ok().flatten()
    }

    /// Whether the issuer says that the token with these `claims`, which have been verified, is still
    /// good: for issuers that take back tokens before their time.
    pub fn confirms(&self, claims: &Claims) -> Result<(), VerifyError> {
        if !self.active {
            return Err(VerifyError::Inactive);
        }
        let differs = |name: &str, known: &str| {
            self.claims.get(name).is_some_and(|value| value.as_str() != Some(known))
        };
        if differs("iss", claims.issuer().as_str()) || differs("sub", claims.subject().as_str()) {
            return Err(VerifyError::OtherAnswer);
        }
        Ok(())
    }
}

impl std::fmt::Debug for IntrospectionResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IntrospectionResponse(active: {}, ..)", self.active)
    }
}

impl TokenVerifier {
    /// Judges what `issuer` says about a token that says nothing itself, at the time `now`.
    pub fn verify_introspected(
        &self,
        issuer: &Issuer,
        response: &IntrospectionResponse,
        now: NumericDate,
    ) -> Result<Claims, VerifyError> {
        self.verify_introspected_watched(issuer, response, now, &mut Silent)
    }

    /// The same, watched by `witness`.
    pub fn verify_introspected_watched(
        &self,
        issuer: &Issuer,
        response: &IntrospectionResponse,
        now: NumericDate,
        witness: &mut impl Witness,
    ) -> Result<Claims, VerifyError> {
        witness.begin(Check::Introspection, || Facts {
            expected: "active, of this issuer, a bearer access token".into(),
            found: format!("{} was asked; active: {}", issuer, response.active),
        });
        let trusted = self.trusted(issuer).ok_or(VerifyError::IssuerUnknown)?;
        if !response.active {
            return Err(VerifyError::Inactive);
        }
        let claims = &response.claims;
        if claims.get("iss").is_some_and(|value| value.as_str() != Some(issuer.as_str())) {
            return Err(VerifyError::OtherAnswer);
        }
        let is_bearer = |value: &Json<'_>| {
            value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("bearer"))
        };
        if claims.get("token_type").is_some_and(|value| !is_bearer(value)) {
            return Err(VerifyError::TokenType);
        }
        if read::is_other_token(claims) {
            return Err(VerifyError::OtherToken);
        }
        let mut scopes_from = trusted.scopes_from.clone();
        scopes_from.push("scope".into());
        Ok(self.judge(trusted, claims, &scopes_from, now, witness)?.believe())
    }
}
