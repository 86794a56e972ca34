//! Judging a token: one fixed order, every check in it, the time given.
//!
//! | | check | source |
//! |---|---|---|
//! | 1 | form: three parts, canonical base64url, JSON, permitted `alg`, no `crit`, no foreign keys | RFC 7515, RFC 8725 |
//! | 2 | `typ` is `at+jwt` (or `JWT`, where the issuer's entry permits it) | RFC 9068 §4 |
//! | 3 | `iss` is a trusted issuer, byte for byte | RFC 7519 §4.1.1 |
//! | 4 | a key of *that issuer* fits `kid`, and its algorithm is the header's | RFC 8725 §3.1 |
//! | 5 | `aud` names this resource | RFC 8707 §2, RFC 7519 §4.1.3 |
//! | 6 | `exp` is there and not past | RFC 7519 §4.1.4 |
//! | 7 | `nbf` and `iat`, if there, are not in the future | RFC 7519 §4.1.5, §4.1.6 |
//! | 8 | `sub` is there | RFC 9068 §2.2 |
//! | 9 | `cnf` is absent: proof of possession is not supported, so a bound token is no bearer token | RFC 7800 §3 |
//! | 10 | the other claims that are read have the right shape | RFC 9068 §2.2 |
//! | 11 | the signature | RFC 7515 §5.2 |
//!
//! The signature comes last because it is the only dear check: an expired or foreign token is refused
//! for the price of reading it. Claims that are not verified are used to refuse and for nothing else;
//! [`Claims`] are made only behind check 11.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::{
    AccessToken, Audience, Claims, Issuer, KeyLookupError, KeySet, Leeway, NumericDate,
    ParseTokenError, RoleName, ScopeSet, TimeError, UnverifiedToken,
};

/// Which `typ` an issuer's access tokens have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenTypes {
    /// `at+jwt` only (RFC 9068 §2.1): no other kind of JWT can be taken for an access token.
    #[default]
    AccessToken,
    /// Also `JWT`, for issuers that do not follow RFC 9068. Tokens that look like ID tokens or refresh
    /// tokens are still refused.
    AccessTokenOrJwt,
}

/// An issuer whose tokens count, with its keys.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    issuer: Issuer,
    keys: KeySet,
    token_types: TokenTypes,
    trust_roles: bool,
}

impl TrustedIssuer {
    /// Trusts `issuer` with `keys`: `at+jwt` only, roles not trusted.
    #[must_use]
    pub const fn new(issuer: Issuer, keys: KeySet) -> Self {
        Self { issuer, keys, token_types: TokenTypes::AccessToken, trust_roles: false }
    }

    /// Sets which `typ` is permitted.
    #[must_use]
    pub fn token_types(self, token_types: TokenTypes) -> Self {
        Self { token_types, ..self }
    }

    /// Lets the roles in this issuer's tokens grant their scopes.
    #[must_use]
    pub fn trust_roles(self, trust_roles: bool) -> Self {
        Self { trust_roles, ..self }
    }
}

/// Judges tokens that are meant for one resource.
#[derive(Debug, Clone)]
pub struct TokenVerifier {
    audience: Audience,
    issuers: HashMap<Issuer, TrustedIssuer>,
    leeway: Leeway,
}

/// Why a token is refused. For the operator: a caller is told no more than `invalid_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Check 1.
    #[error(transparent)]
    Form(#[from] ParseTokenError),
    /// Check 1: longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES), and so not read at all.
    #[error("the token is too long")]
    TooLong,
    /// Check 2: no `typ`, or another.
    #[error("typ is not at+jwt (RFC 9068): not an access token")]
    TokenType,
    /// Check 2: the claims say that it is an ID token or a refresh token.
    #[error("an ID token or a refresh token, not an access token")]
    OtherToken,
    /// Check 3: no `iss`.
    #[error("iss is missing")]
    IssuerMissing,
    /// Check 3: an issuer that is not trusted.
    #[error("iss is not a trusted issuer")]
    IssuerUnknown,
    /// Check 4.
    #[error(transparent)]
    Key(#[from] KeyLookupError),
    /// Check 5: no `aud`, or an empty list.
    #[error("aud is missing")]
    AudienceMissing,
    /// Check 5: a token for somebody else.
    #[error("aud does not name this resource")]
    AudienceMismatch,
    /// Check 6: no `exp`.
    #[error("exp is missing")]
    ExpiryMissing,
    /// Checks 6 and 7: a date that is no date.
    #[error("exp, nbf or iat is not a date")]
    Date(#[from] TimeError),
    /// Check 6: past.
    #[error("expired")]
    Expired,
    /// Check 7: `nbf` in the future.
    #[error("not valid yet (nbf)")]
    NotYetValid,
    /// Check 7: `iat` in the future.
    #[error("issued in the future (iat)")]
    IssuedInFuture,
    /// Check 8.
    #[error("sub is missing or empty")]
    SubjectMissing,
    /// Check 9.
    #[error("bound to a key by cnf, which is not supported")]
    SenderConstrained,
    /// Check 10: the claim's name.
    #[error("the claim {0} has the wrong shape")]
    Claim(&'static str),
    /// Check 11.
    #[error("the signature does not match")]
    Signature,
}

impl TokenVerifier {
    /// Judges tokens for `audience`. Until [`trust`](Self::trust) is called it refuses every one.
    #[must_use]
    pub fn new(audience: Audience) -> Self {
        Self { audience, issuers: HashMap::new(), leeway: Leeway::default() }
    }

    /// Trusts one more issuer; a second entry for the same issuer takes the place of the first.
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.insert(issuer.issuer.clone(), issuer);
        self
    }

    /// Sets how far clocks may disagree.
    #[must_use]
    pub fn leeway(self, leeway: Leeway) -> Self {
        Self { leeway, ..self }
    }

    /// Judges `token` at the time `now`.
    pub fn verify(&self, token: &AccessToken, now: NumericDate) -> Result<Claims, VerifyError> {
        let token = UnverifiedToken::parse(token)?;
        let claims = token.claims();

        let issuer = token.unverified_issuer();
        let trusted = issuer.as_ref().and_then(|issuer| self.issuers.get(issuer));
        // An unknown issuer has no entry that could permit more than `at+jwt`.
        check_type(&token, trusted.map_or(TokenTypes::AccessToken, |entry| entry.token_types))?;
        if !claims.contains_key("iss") {
            return Err(VerifyError::IssuerMissing);
        }
        let (Some(issuer), Some(trusted)) = (issuer, trusted) else {
            return Err(VerifyError::IssuerUnknown);
        };
        let key = trusted.keys.find(token.key_id(), token.algorithm())?;

        let audiences = audiences(claims)?;
        if !audiences.contains(&self.audience) {
            return Err(VerifyError::AudienceMismatch);
        }

        let leeway = self.leeway.duration();
        let expires_at = date(claims, "exp")?.ok_or(VerifyError::ExpiryMissing)?;
        if expires_at.plus(leeway) <= now {
            return Err(VerifyError::Expired);
        }
        let not_before = date(claims, "nbf")?;
        if not_before.is_some_and(|date| date > now.plus(leeway)) {
            return Err(VerifyError::NotYetValid);
        }
        let issued_at = date(claims, "iat")?;
        if issued_at.is_some_and(|date| date > now.plus(leeway)) {
            return Err(VerifyError::IssuedInFuture);
        }

        let subject = match claims.get("sub").and_then(Value::as_str) {
            Some(subject) => subject.parse().map_err(|_| VerifyError::SubjectMissing)?,
            None => return Err(VerifyError::SubjectMissing),
        };
        if claims.contains_key("cnf") {
            return Err(VerifyError::SenderConstrained);
        }
        let scopes: ScopeSet = text(claims, "scope")?.unwrap_or_default();
        let roles = if trusted.trust_roles { roles(claims)? } else { BTreeSet::new() };
        let token_id = text(claims, "jti")?;
        let client_id = text(claims, "client_id")?;
        let name = claims.get("name").and_then(Value::as_str).map(str::to_owned);

        if !token.is_signed_by(key) {
            return Err(VerifyError::Signature);
        }
        let mut other = token.into_claims();
        for read in ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "name"]
        {
            other.remove(read);
        }
        Ok(Claims {
            issuer,
            subject,
            audiences,
            expires_at,
            issued_at,
            not_before,
            token_id,
            client_id,
            name,
            scopes,
            roles,
            other,
        })
    }
}

fn check_type(token: &UnverifiedToken<'_>, permitted: TokenTypes) -> Result<(), VerifyError> {
    // Media types are compared without case; `application/` may be left out (RFC 7515 §4.1.9).
    let token_type = token.token_type().ok_or(VerifyError::TokenType)?.to_ascii_lowercase();
    match (token_type.as_str(), permitted) {
        ("jwt", TokenTypes::AccessTokenOrJwt) if is_other_token(token.claims()) => {
            Err(VerifyError::OtherToken)
        }
        ("at+jwt" | "application/at+jwt", _) | ("jwt", TokenTypes::AccessTokenOrJwt) => Ok(()),
        _ => Err(VerifyError::TokenType),
    }
}

/// Whether the claims are those of an ID token (OpenID Connect Core §2, §3.1.3.6) or say so in the
/// words of Keycloak (`typ`) or Cognito (`token_use`).
fn is_other_token(claims: &Map<String, Value>) -> bool {
    let is_not = |name: &str, accepted: &str| {
        claims.get(name).is_some_and(|value| value.as_str() != Some(accepted))
    };
    ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains_key(*name))
        || is_not("typ", "Bearer")
        || is_not("token_use", "access")
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<Audience>, VerifyError> {
    let parse = |value: &Value| {
        value.as_str().and_then(|text| text.parse().ok()).ok_or(VerifyError::Claim("aud"))
    };
    match claims.get("aud") {
        None => Err(VerifyError::AudienceMissing),
        Some(Value::Array(list)) if list.is_empty() => Err(VerifyError::AudienceMissing),
        Some(Value::Array(list)) => list.iter().map(parse).collect(),
        Some(one) => Ok(vec![parse(one)?]),
    }
}

fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<NumericDate>, VerifyError> {
    Ok(claims.get(name).map(NumericDate::from_json).transpose()?)
}

fn text<T: std::str::FromStr>(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, VerifyError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or(VerifyError::Claim(name))
}

fn roles(claims: &Map<String, Value>) -> Result<BTreeSet<RoleName>, VerifyError> {
    let fault = VerifyError::Claim("roles");
    let Some(value) = claims.get("roles") else {
        return Ok(BTreeSet::new());
    };
    let list = value.as_array().ok_or(fault)?;
    list.iter().map(|role| role.as_str().and_then(|role| role.parse().ok()).ok_or(fault)).collect()
}
