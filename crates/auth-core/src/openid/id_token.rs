//! Judging an ID token that came from the token endpoint (OpenID Connect Core §3.1.3.7), in one
//! fixed order.
//!
//! | | check | source |
//! |---|---|---|
//! | 1 | at most 64 KiB; three parts, canonical base64url, JSON, permitted `alg`, no `crit`, no foreign keys | RFC 7515, RFC 8725 |
//! | 2 | `typ`, if it is there, is `JWT` | RFC 8725 §3.11 |
//! | 3 | `iss` is the provider, byte for byte | §3.1.3.7 rule 2 |
//! | 4 | `aud` names this client; with more than one audience `azp` must be there | rules 3, 4 |
//! | 5 | `azp`, if it is there, is this client | rule 5 |
//! | 6 | `alg` is of a public key: never HS256 with the client's secret | rules 7, 8 |
//! | 7 | a key of the provider fits `kid` and `alg` | RFC 8725 §3.1 |
//! | 8 | `exp` is there and not past | rule 9 |
//! | 9 | `iat` is there; it and `nbf` are not in the future | rule 10 |
//! | 10 | `nonce` is that of this sign-in | rule 11 |
//! | 11 | `sub` is there, at most 255 bytes long | §2 |
//! | 12 | the signature | rule 6 |
//!
//! The token came over TLS from the provider itself, so the signature could be left out (rule 6).
//! It is verified anyway: TLS may end at a proxy.
//!
//! `at_hash` is not looked at: the access token decides nothing, and what the provider answers for
//! it has to have the `sub` of the ID token.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::UserClaims;
use crate::{
    Algorithm, ClientId, Issuer, KeyLookupError, KeySet, Leeway, NumericDate, ParseTokenError,
    UnverifiedToken,
    json::{Json, Object},
    verify::read,
};

/// The longest ID token that is read: tokens with hundreds of groups exist.
pub const MAX_ID_TOKEN_BYTES: usize = 64 * 1024;

/// What an ID token is compared with.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    /// The provider.
    pub issuer: &'a Issuer,
    /// What this server is called there.
    pub client_id: &'a ClientId,
    /// `nonce` of the request.
    pub nonce: &'a str,
}

/// Why an ID token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Check 1.
    #[error("the ID token is longer than {MAX_ID_TOKEN_BYTES} bytes")]
    TooLong,
    /// Check 1.
    #[error("the ID token cannot be read")]
    Form(#[source] ParseTokenError),
    /// Check 2.
    #[error("typ is not JWT: not an ID token")]
    TokenType,
    /// A claim is missing or malformed.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// A claim is not what it has to be.
    #[error("the claim {0} does not match")]
    Mismatch(&'static str),
    /// Check 6.
    #[error("signed with a shared secret, which is not accepted")]
    SharedSecret,
    /// Check 7.
    #[error("no key of the provider fits the ID token")]
    Key(#[source] KeyLookupError),
    /// Check 8.
    #[error("the ID token has expired")]
    Expired,
    /// Check 9.
    #[error("the claim {0} is in the future")]
    Future(&'static str),
    /// Check 12.
    #[error("the signature does not match")]
    Signature,
}

impl IdTokenError {
    /// Whether newer keys of the provider may change that.
    #[must_use]
    pub const fn may_need_newer_keys(self) -> bool {
        matches!(self, Self::Key(_) | Self::Signature)
    }
}

/// Judges `token`, at the time `now`, with the `keys` of the provider.
pub fn verify_id_token(
    token: &str,
    expected: &ExpectedIdToken<'_>,
    keys: &KeySet,
    (now, leeway): (NumericDate, Leeway),
) -> Result<UserClaims, IdTokenError> {
    if token.len() > MAX_ID_TOKEN_BYTES {
        return Err(IdTokenError::TooLong);
    }
    let token = UnverifiedToken::parse_text(token).map_err(IdTokenError::Form)?;
    let claims = token.claims();
    if token.token_type().is_some_and(|typ| !is_jwt(typ)) {
        return Err(IdTokenError::TokenType);
    }
    matches(claims, "iss", expected.issuer.as_str())?;
    check_audience(claims, expected.client_id.as_str())?;
    if token.algorithm() == Algorithm::Hs256 {
        return Err(IdTokenError::SharedSecret);
    }
    let key = keys.find(token.key_id(), token.algorithm()).map_err(IdTokenError::Key)?;

    let date = |name| read::date(claims, name).map_err(|_| IdTokenError::Claim(name));
    let expires_at = date("exp")?.ok_or(IdTokenError::Claim("exp"))?;
    if expires_at.plus(leeway.duration()) <= now {
        return Err(IdTokenError::Expired);
    }
    let latest = now.plus(leeway.duration());
    if date("iat")?.ok_or(IdTokenError::Claim("iat"))? > latest {
        return Err(IdTokenError::Future("iat"));
    }
    if date("nbf")?.is_some_and(|date| date > latest) {
        return Err(IdTokenError::Future("nbf"));
    }
    let nonce = text(claims, "nonce")?;
    if verify_slices_are_equal(nonce.as_bytes(), expected.nonce.as_bytes()).is_err() {
        return Err(IdTokenError::Mismatch("nonce"));
    }
    let subject = text(claims, "sub")?.parse().map_err(|_| IdTokenError::Claim("sub"))?;
    if !token.is_signed_by(key) {
        return Err(IdTokenError::Signature);
    }
    Ok(UserClaims::new(subject, claims.clone()))
}

/// Media types are compared without case; `application/` may be left out (RFC 7515 §4.1.9).
fn is_jwt(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("jwt") || typ.eq_ignore_ascii_case("application/jwt")
}

/// Checks 4 and 5.
fn check_audience(claims: &Object<'_>, client_id: &str) -> Result<(), IdTokenError> {
    let (is_named, is_alone) = match claims.said("aud") {
        Some(Json::String(text)) => (text == client_id, true),
        Some(Json::Array(list)) => {
            let audiences: Option<Vec<&str>> = list.iter().map(Json::as_str).collect();
            let audiences = audiences.ok_or(IdTokenError::Claim("aud"))?;
            (audiences.contains(&client_id), audiences.len() == 1)
        }
        _ => return Err(IdTokenError::Claim("aud")),
    };
    if !is_named {
        return Err(IdTokenError::Mismatch("aud"));
    }
    if is_alone && claims.said("azp").is_none() {
        return Ok(());
    }
    matches(claims, "azp", client_id)
}

fn matches(claims: &Object<'_>, name: &'static str, expected: &str) -> Result<(), IdTokenError> {
    if text(claims, name)? == expected { Ok(()) } else { Err(IdTokenError::Mismatch(name)) }
}

fn text<'a>(claims: &'a Object<'_>, name: &'static str) -> Result<&'a str, IdTokenError> {
    claims.said(name).and_then(Json::as_str).ok_or(IdTokenError::Claim(name))
}
