//! What the kinds of assertions have in common.

use std::{str::FromStr, time::Duration};

use super::{AssertionError, VerifiedAssertion};
use crate::{Leeway, NumericDate, TokenId, json::Json, verify::read};

/// How far ahead `exp` may be.
const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// The id of an assertion, which may be used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// `jti`.
    pub id: TokenId,
    /// Until when it has to be remembered.
    pub until: NumericDate,
}

impl VerifiedAssertion {
    /// `jti` of an assertion that is valid now and is used once.
    pub(super) fn single_use(
        &self,
        now: NumericDate,
        leeway: Leeway,
    ) -> Result<SingleUse, AssertionError> {
        let until = self.valid_until(now, leeway)?;
        Ok(SingleUse { id: self.parsed("jti")?, until })
    }

    /// Until when it is accepted: `exp` and the leeway.
    pub(super) fn valid_until(
        &self,
        now: NumericDate,
        leeway: Leeway,
    ) -> Result<NumericDate, AssertionError> {
        let expires_at = self.date("exp")?.ok_or(AssertionError::Claim("exp"))?;
        let latest = now.plus(leeway.duration());
        let until = expires_at.plus(leeway.duration());
        if until <= now {
            return Err(AssertionError::Expired);
        }
        if expires_at > latest.plus(MAX_LIFETIME) {
            return Err(AssertionError::Lifetime);
        }
        for name in ["nbf", "iat"] {
            if self.date(name)?.is_some_and(|date| date > latest) {
                return Err(AssertionError::NotYetValid);
            }
        }
        if self.claims.said("cnf").is_some() {
            return Err(AssertionError::SenderConstrained);
        }
        Ok(until)
    }

    /// Refuses a `typ` that is none of `permitted`, which are in lower case; `None` is no `typ`.
    /// Media types are compared without case, and `application/` may be left out (RFC 7515 §4.1.9).
    pub(super) fn check_type(&self, permitted: &[Option<&str>]) -> Result<(), AssertionError> {
        let token_type = self.token_type.as_deref().map(str::to_ascii_lowercase);
        let token_type = token_type.as_deref();
        let token_type = token_type.map(|it| it.strip_prefix("application/").unwrap_or(it));
        if permitted.contains(&token_type) { Ok(()) } else { Err(AssertionError::Type) }
    }

    /// `aud`, which is one value.
    pub(super) fn audience(&self) -> Result<&str, AssertionError> {
        let audience = match self.claims.said("aud") {
            Some(Json::Array(list)) => match list.as_slice() {
                [only] => only.as_str(),
                _ => None,
            },
            Some(value) => value.as_str(),
            None => None,
        };
        audience.ok_or(AssertionError::Claim("aud"))
    }

    pub(super) fn matches(&self, name: &'static str, expected: &str) -> Result<(), AssertionError> {
        if self.text(name)? == expected { Ok(()) } else { Err(AssertionError::Mismatch(name)) }
    }

    pub(super) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, AssertionError> {
        self.text(name)?.parse().map_err(|_| AssertionError::Claim(name))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, AssertionError> {
        self.claims.said(name).and_then(Json::as_str).ok_or(AssertionError::Claim(name))
    }

    fn date(&self, name: &'static str) -> Result<Option<NumericDate>, AssertionError> {
        read::date(&self.claims, name).map_err(|_| AssertionError::Claim(name))
    }
}
