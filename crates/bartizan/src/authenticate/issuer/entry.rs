//! One trusted issuer, and where its keys come from or how it is asked.

use std::sync::{Arc, PoisonError, RwLock};

use auth_core::{AccessToken, Claims, IssuerKeys, TrustedIssuer};

use super::{FetchError, Introspection, Keyring};
use crate::{AuthenticateError, InvalidTokenError};

/// One issuer, and where its keys come from or how it is asked.
#[derive(Debug)]
pub struct Trust {
    pub(super) issuer: TrustedIssuer,
    pub(super) source: Source,
}

#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) keyring: Option<Keyring>,
    pub(super) introspection: Option<Introspection>,
    /// No key was given with the issuer.
    has_no_static_keys: bool,
    /// The keys that finish the place of those that were given with the issuer.
    pub(super) given: RwLock<Option<Arc<IssuerKeys>>>,
}

impl Source {
    /// The keys that serve now; `None` if they are those that were given with the issuer.
    pub(super) fn keys(&self) -> Option<Arc<IssuerKeys>> {
        match &self.keyring {
            Some(keyring) => Some(keyring.keys()),
            None => self.given.read().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Whether the issuer is asked about its JWTs, as there are no keys to check them with.
    pub(super) const fn is_only_asked(&self) -> bool {
        self.has_no_static_keys && self.keyring.is_none() && self.introspection.is_some()
    }

    /// Whether tokens can be judged: there are keys, or there need be none.
    pub(super) fn is_usable(&self) -> bool {
        match &self.keyring {
            Some(keyring) => keyring.is_usable(),
            None => self.keys().is_none_or(|keys| !keys.keys().is_empty()),
        }
    }

    /// Asks about a JWT that was verified, where its issuer wants to be asked.
    pub(super) async fn confirm(
        &self,
        token: &AccessToken,
        claims: &Claims,
    ) -> Result<(), AuthenticateError> {
        if let Some(asked) = self.introspection.as_ref().filter(|it| it.takes_jwts()) {
            let answer = asked.ask(token, true).await.map_err(unavailable)?;
            answer.confirms(claims).map_err(|fault| InvalidTokenError {
                fault,
                issuer: Some(claims.issuer().clone()),
                facts: None,
            })?;
        }
        Ok(())
    }
}

impl Trust {
    /// Trusts an issuer with the keys that it was given with.
    #[must_use]
    pub fn new(issuer: TrustedIssuer) -> Self {
        let has_no_static_keys = issuer.keys().keys().is_empty();
        Self { issuer, source: Source { has_no_static_keys, ..Source::default() } }
    }

    /// Takes its keys from `keyring`, and no others.
    #[must_use]
    pub fn keyring(mut self, keyring: Keyring) -> Self {
        self.source.keyring = Some(keyring);
        self
    }

    /// Asks it about tokens. An issuer that has no keys at all is asked about its JWTs too.
    #[must_use]
    pub fn introspection(mut self, introspection: Introspection) -> Self {
        self.source.introspection = Some(introspection);
        self
    }
}

impl From<TrustedIssuer> for Trust {
    fn from(issuer: TrustedIssuer) -> Self {
        Self::new(issuer)
    }
}

pub(super) fn unavailable(error: FetchError) -> AuthenticateError {
    AuthenticateError::Unavailable(Box::new(error))
}
