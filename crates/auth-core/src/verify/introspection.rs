//! What an issuer says about a token when it is asked (RFC 7662 §2.2).
//!
//! 1. `active` must be `true`; `false` and nothing else is a no.
//! 2. `iss`, if it is there, is the issuer that was asked; `token_type`, if it is there, is
//!    `Bearer`, or `access_token` (Ory Hydra before it had `token_use`). A member that is `null` is
//!    not there.
//! 3. All other claims are judged as those of a JWT: the audience, `exp` and `sub` must be there,
//!    `cnf` only for the client certificate that is presented (RFC 8705 §3.2), and what looks like
//!    an ID token or a refresh token is none of ours.
//! 4. Scopes may be in `scope` (RFC 7662) besides where the issuer's JWTs have them.
//! 5. `sub` is optional in an answer: `subject_from` of the issuer's entry says what to read
//!    instead.

use super::{
    Check, CheckDetail, TokenVerifier, Trace, TrustedIssuer, VerifyError, read,
    trace::{record, shown},
};
use crate::{
    CertificateThumbprint, Claims, Issuer, NumericDate, StrictJsonError,
    json::{self, Json, Object},
};

/// An answer of an introspection endpoint. **It is trusted as far as its sender is**: hand in only
/// what came from the issuer's own endpoint, over https or from this very machine.
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
    Json(#[from] StrictJsonError),
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

    /// Whether the issuer says that the token with these `claims`, which have been verified, is
    /// still good: for issuers that take back tokens before their time.
    pub fn confirms(&self, claims: &Claims) -> Result<(), VerifyError> {
        if !self.active {
            return Err(VerifyError::Inactive);
        }
        let differs = |name: &str, known: &str| {
            self.claims.said(name).is_some_and(|value| value.as_str() != Some(known))
        };
        let subject = claims.subject().as_str();
        if differs("iss", claims.issuer().as_str()) || differs(claims.subject_claim(), subject) {
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
    /// Judges what `issuer` says about a token that says nothing itself, at the time `now`. It was
    /// presented with `certificate`. Every check is recorded in `trace`, if there is one.
    pub fn verify_introspected(
        &self,
        issuer: &Issuer,
        response: &IntrospectionResponse,
        certificate: Option<CertificateThumbprint>,
        now: NumericDate,
        mut trace: Option<&mut Trace>,
    ) -> Result<Claims, VerifyError> {
        record(&mut trace, Check::Introspection, || CheckDetail {
            expected: "active, of this issuer, a bearer access token".into(),
            found: format!("{} was asked; active: {}", issuer, response.active),
        });
        let trusted = self.trusted(issuer).ok_or(VerifyError::IssuerUnknown)?;
        if !response.active {
            return Err(VerifyError::Inactive);
        }
        let claims = &response.claims;
        if claims.said("iss").is_some_and(|value| value.as_str() != Some(issuer.as_str())) {
            return Err(VerifyError::OtherAnswer);
        }
        let is_bearer = |value: &Json<'_>| {
            let text = value.as_str().unwrap_or_default();
            ["bearer", "access_token"].iter().any(|it| text.eq_ignore_ascii_case(it))
        };
        if claims.said("token_type").is_some_and(|value| !is_bearer(value)) {
            return Err(VerifyError::TokenType);
        }
        if read::is_other_token(claims) {
            return Err(VerifyError::OtherToken);
        }
        Ok(self
            .judge(trusted, claims, &with_scope(trusted), certificate, now, trace)?
            .into_claims_after_signature())
    }

    /// What the check that `fault` is of expects, and what it found in the answer of `issuer`,
    /// which was judged at `now`: for the operator.
    #[must_use]
    pub fn introspection_facts(
        &self,
        issuer: &Issuer,
        response: &IntrospectionResponse,
        certificate: Option<CertificateThumbprint>,
        now: NumericDate,
        fault: VerifyError,
    ) -> CheckDetail {
        let claims = &response.claims;
        let shown = |names: &[&str]| {
            let there = names.iter().filter_map(|name| Some((*name, claims.said(name)?)));
            let there: Vec<_> =
                there.map(|(name, value)| format!("{name} {}", shown(Some(value)))).collect();
            if there.is_empty() { "nothing".into() } else { there.join(", ") }
        };
        match (fault.check(), self.trusted(issuer)) {
            (Check::Type, _) => CheckDetail {
                expected: "an access token: token_type Bearer, no marks of an ID token".into(),
                found: shown(&["token_type", "token_use", "typ", "nonce", "at_hash", "c_hash"]),
            },
            (Check::Introspection, _) | (_, None) => CheckDetail {
                expected: format!("active, of {issuer}"),
                found: format!("active {}, iss {}", response.active, shown(&["iss"])),
            },
            (check, Some(trusted)) => {
                let scopes_from = with_scope(trusted);
                self.facts_of_claims(claims, trusted, &scopes_from, certificate, now, check)
            }
        }
    }
}

/// The claims with scopes: RFC 7662 has its own.
fn with_scope(trusted: &TrustedIssuer) -> Vec<String> {
    let mut names = trusted.scopes_from.clone();
    if !names.iter().any(|name| name == "scope") {
        names.push("scope".into());
    }
    names
}
