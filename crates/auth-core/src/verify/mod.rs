//! Judging a token: one fixed order, every check in it, the time given.
//!
//! | | check | source |
//! |---|---|---|
//! | 1 | form: three parts, canonical base64url, JSON, permitted `alg`, no `crit`, no foreign keys | RFC 7515, RFC 8725 |
//! | 2 | `typ` is `at+jwt` (or `JWT`, where the issuer's entry permits it) | RFC 9068 §4 |
//! | 3 | `iss` is a trusted issuer, byte for byte | RFC 7519 §4.1.1 |
//! | 4 | the issuer may sign with `alg`, a key of *that issuer* fits `kid`, and its algorithm is the header's | RFC 8725 §3.1 |
//! | 5 | `aud` names this resource, in the words of the issuer's entry | RFC 8707 §2, RFC 7519 §4.1.3 |
//! | 6 | `exp` is there and not past | RFC 7519 §4.1.4 |
//! | 7 | `nbf` and `iat`, if there, are not in the future | RFC 7519 §4.1.5, §4.1.6 |
//! | 8 | `sub` (or what the issuer's entry names) is there | RFC 9068 §2.2 |
//! | 9 | `cnf` is absent, or `x5t#S256` of the certificate that the token is presented with; no other binding is supported | RFC 7800 §3, RFC 8705 §3 |
//! | 10 | the other claims that are read have the right shape | RFC 9068 §2.2 |
//! | 11 | the signature | RFC 7515 §5.2 |
//!
//! A claim that is `null` is not there (but for the marks of an ID token in check 2). A reason
//! names the claim and its fault ([`ClaimFault`]).
//!
//! A [`Trace`] records each check; the code path is the same with and without one.
//!
//! The signature comes last because it is the only expensive check: an expired or foreign token is
//! refused for the price of reading it. Claims that are not verified are used to refuse and for
//! nothing else; [`Claims`] are made only behind check 11.
//!
//! What an issuer says about a token when it is asked ([`IntrospectionResponse`], RFC 7662) is
//! judged by the checks from 5 to 10 in the same way. The question takes the place of the others:
//! only who asked the issuer's own endpoint, over a connection that is safe, may hand the answer
//! in.

mod binding;
mod error;
mod facts;
mod introspection;
mod outline;
pub(crate) mod read;
mod trace;
mod trusted;

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

pub use error::{ClaimFault, VerifyError};
pub(crate) use facts::FORM;
pub use introspection::{IntrospectionError, IntrospectionResponse};
pub use outline::TokenOutline;
use trace::record;
pub use trace::{Check, CheckDetail, Outcome, Step, Trace};
pub use trusted::{IssuerKeys, TokenTypes, TrustedIssuer};

use crate::{
    AccessToken, Audience, CertificateThumbprint, Claims, Issuer, KeyLookupError, Leeway,
    NumericDate, UnverifiedToken,
    json::{Json, Object},
};

/// Judges tokens that are meant for one resource.
#[derive(Debug, Clone)]
pub struct TokenVerifier {
    audience: Audience,
    issuers: HashMap<Issuer, TrustedIssuer>,
    leeway: Leeway,
}

impl TokenVerifier {
    /// What a token must name as its audience (RFC 7519 §4.1.3).
    #[must_use]
    pub const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Judges tokens for `audience`. Until [`trust`](Self::trust) is called it refuses every one.
    #[must_use]
    pub fn new(audience: Audience) -> Self {
        Self { audience, issuers: HashMap::new(), leeway: Leeway::default() }
    }

    /// The same for another audience. Issuers with audiences of their own
    /// ([`TrustedIssuer::audiences`]) are left out: their tokens do not say which of several
    /// resources they are for.
    #[must_use]
    pub fn for_audience(&self, audience: Audience) -> Self {
        let mut other = Self { audience, ..self.clone() };
        other.issuers.retain(|_, issuer| issuer.audiences.is_none());
        other
    }

    /// Trusts one more issuer; a second entry for the same issuer takes the place of the first.
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.insert(issuer.issuer.clone(), issuer);
        self
    }

    /// Sets how far clocks may disagree, where the issuer's entry does not say
    /// ([`TrustedIssuer::leeway`]).
    #[must_use]
    pub fn leeway(self, leeway: Leeway) -> Self {
        Self { leeway, ..self }
    }

    /// Judges `token` at the time `now`, with the keys that were given with its issuer.
    pub fn verify(&self, token: &AccessToken, now: NumericDate) -> Result<Claims, VerifyError> {
        self.verify_parsed(&UnverifiedToken::parse(token)?, None, now, None)
    }

    /// Judges a token that was taken apart already. `keys`, which were fetched, say, take the place
    /// of those that were given with the issuer; another issuer's keys are none. Every check is
    /// recorded in `trace`, if there is one.
    pub fn verify_parsed(
        &self,
        token: &UnverifiedToken<'_>,
        keys: Option<&IssuerKeys>,
        now: NumericDate,
        mut trace: Option<&mut Trace>,
    ) -> Result<Claims, VerifyError> {
        let claims = token.claims();
        let issuer = token.unverified_issuer();
        let trusted = issuer.and_then(|issuer| self.issuers.get(issuer));
        record(&mut trace, Check::Form, || facts::form(token));
        record(&mut trace, Check::Type, || facts::token_type(token, trusted));
        // An unknown issuer has no entry that could permit more than `at+jwt`.
        check_type(token, trusted.map_or(TokenTypes::AccessToken, |entry| entry.token_types))?;
        record(&mut trace, Check::Issuer, || facts::issuer(claims, self.issuers.keys()));
        if issuer.is_none() && read::text::<Issuer>(claims, "iss")?.is_none() {
            return Err(VerifyError::IssuerMissing);
        }
        let (Some(issuer), Some(trusted)) = (issuer, trusted) else {
            return Err(VerifyError::IssuerUnknown);
        };
        let keys = keys.unwrap_or(&trusted.keys);
        record(&mut trace, Check::Key, || facts::key(token, trusted, keys));
        trusted.permits(token.algorithm())?;
        if keys.issuer() != issuer {
            return Err(KeyLookupError::UnknownKey.into());
        }
        let key = keys.keys().find(token.key_id(), token.algorithm())?;

        let certificate = token.certificate();
        let scopes_from = &trusted.scopes_from;
        let prechecked =
            self.judge(trusted, claims, scopes_from, certificate, now, trace.as_deref_mut())?;
        record(&mut trace, Check::Signature, || facts::signature(key));
        if token.is_signed_by(key) {
            Ok(prechecked.into_claims_after_signature())
        } else {
            Err(VerifyError::Signature)
        }
    }

    /// What the check that `fault` is of expects, and what it found in `token`, which was judged
    /// with `keys` at `now`: for the operator.
    #[must_use]
    pub fn facts(
        &self,
        token: &UnverifiedToken<'_>,
        keys: Option<&IssuerKeys>,
        now: NumericDate,
        fault: VerifyError,
    ) -> CheckDetail {
        let claims = token.claims();
        let trusted = token.unverified_issuer().and_then(|issuer| self.issuers.get(issuer));
        match (fault.check(), trusted) {
            (Check::Form, _) => facts::form(token),
            (Check::Type, _) => facts::token_type(token, trusted),
            (Check::Issuer, _) | (_, None) => facts::issuer(claims, self.issuers.keys()),
            (Check::Key | Check::Signature, Some(trusted)) => {
                facts::key(token, trusted, keys.unwrap_or(&trusted.keys))
            }
            (check, Some(trusted)) => {
                let certificate = token.certificate();
                self.facts_of_claims(claims, trusted, &trusted.scopes_from, certificate, now, check)
            }
        }
    }

    /// The same of the checks from 5 to 10.
    fn facts_of_claims(
        &self,
        claims: &Object<'_>,
        trusted: &TrustedIssuer,
        scopes_from: &[String],
        certificate: Option<CertificateThumbprint>,
        now: NumericDate,
        check: Check,
    ) -> CheckDetail {
        let leeway = self.leeway_of(trusted);
        match check {
            Check::Audience => facts::audience(claims, trusted, &self.audience),
            Check::Expiry => facts::expiry(claims, now, leeway),
            Check::Begin => facts::begin(claims, now, leeway),
            Check::Subject => facts::subject(claims, trusted),
            Check::Binding => facts::binding(claims, certificate),
            _ => facts::others(claims, trusted, scopes_from),
        }
    }

    fn leeway_of(&self, trusted: &TrustedIssuer) -> Duration {
        trusted.leeway.unwrap_or(self.leeway).duration()
    }

    fn is_not_future(
        date: Option<NumericDate>,
        (now, leeway): (NumericDate, Duration),
        fault: VerifyError,
    ) -> Result<(), VerifyError> {
        let latest = now.plus(leeway);
        if date.is_some_and(|date| date > latest) { Err(fault) } else { Ok(()) }
    }

    /// The entry of an issuer.
    #[must_use]
    pub fn trusted(&self, issuer: &Issuer) -> Option<&TrustedIssuer> {
        self.issuers.get(issuer)
    }

    /// Checks 5 to 10.
    fn judge(
        &self,
        trusted: &TrustedIssuer,
        claims: &Object<'_>,
        scopes_from: &[String],
        certificate: Option<CertificateThumbprint>,
        now: NumericDate,
        mut trace: Option<&mut Trace>,
    ) -> Result<Prechecked, VerifyError> {
        record(&mut trace, Check::Audience, || facts::audience(claims, trusted, &self.audience));
        let audiences = self.audiences(trusted, claims)?;

        let leeway = self.leeway_of(trusted);
        record(&mut trace, Check::Expiry, || facts::expiry(claims, now, leeway));
        let expires_at = read::date(claims, "exp")?.ok_or(VerifyError::ExpiryMissing)?;
        if expires_at.plus(leeway) <= now {
            return Err(VerifyError::Expired);
        }
        record(&mut trace, Check::Begin, || facts::begin(claims, now, leeway));
        let not_before = read::date(claims, "nbf")?;
        Self::is_not_future(not_before, (now, leeway), VerifyError::NotYetValid)?;
        let issued_at = read::date(claims, "iat")?;
        Self::is_not_future(issued_at, (now, leeway), VerifyError::IssuedInFuture)?;

        record(&mut trace, Check::Subject, || facts::subject(claims, trusted));
        let (subject, subject_claim) = read::subject(claims, trusted.subject_from.as_deref())?;
        record(&mut trace, Check::Binding, || facts::binding(claims, certificate));
        let certificate = binding::check(claims, certificate)?;
        record(&mut trace, Check::Claims, || facts::others(claims, trusted, scopes_from));
        let scopes = read::scopes(claims, scopes_from, trusted.lists_scopes)?;
        let scopes = scopes.union(&trusted.grants);
        let roles = if trusted.trust_roles {
            read::roles(claims, &trusted.roles_from)?
        } else {
            BTreeSet::new()
        };
        let token_id = read::text(claims, "jti")?;
        let client_id = read::client_id(claims)?;
        let name = claims.get("name").and_then(Json::as_str).map(str::to_owned);
        let other = claims.iter().filter(|(name, _)| !READ.contains(name));
        let other = other.map(|(name, value)| (name.to_owned(), value.clone().into())).collect();
        Ok(Prechecked(Claims {
            issuer: trusted.issuer.clone(),
            subject,
            subject_claim,
            audiences,
            expires_at,
            issued_at,
            not_before,
            token_id,
            client_id,
            name,
            scopes,
            roles,
            certificate,
            other,
        }))
    }

    /// Check 5.
    fn audiences(
        &self,
        trusted: &TrustedIssuer,
        claims: &Object<'_>,
    ) -> Result<Vec<Audience>, VerifyError> {
        let own = std::slice::from_ref(&self.audience);
        let accepted = trusted.audiences.as_deref().unwrap_or(own);
        let claim = trusted.audience_claim.as_str();
        let named = read::audiences(claims, claim)?;
        if !named.iter().any(|audience| accepted.contains(audience)) {
            return Err(VerifyError::AudienceMismatch);
        }
        // Where another claim is read instead of `aud`, an `aud` that is there counts as well: the
        // token may be meant for another resource of the same client.
        if claim != "aud" && claims.said("aud").is_some() {
            let also = read::audiences(claims, "aud")?;
            if !also.iter().any(|audience| own.contains(audience) || accepted.contains(audience)) {
                return Err(VerifyError::AudienceMismatch);
            }
        }
        Ok(named)
    }
}

/// Claims that passed the checks before the last, and are not verified yet.
struct Prechecked(Claims);

impl Prechecked {
    /// To be called behind the last check alone.
    fn into_claims_after_signature(self) -> Claims {
        self.0
    }
}

/// The claims that [`Claims`] has by their own names.
const READ: [&str; 10] =
    ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "name"];

fn check_type(token: &UnverifiedToken<'_>, permitted: TokenTypes) -> Result<(), VerifyError> {
    // Media types are compared without case; `application/` may be left out (RFC 7515 §4.1.9).
    let token_type = token.token_type().map(str::to_ascii_lowercase);
    match (token_type.as_deref(), permitted) {
        (Some("at+jwt" | "application/at+jwt"), _) => Ok(()),
        (Some("jwt"), TokenTypes::AccessTokenOrJwt | TokenTypes::Any) | (None, TokenTypes::Any) => {
            if read::is_other_token(token.claims()) {
                Err(VerifyError::OtherToken)
            } else {
                Ok(())
            }
        }
        _ => Err(VerifyError::TokenType),
    }
}
