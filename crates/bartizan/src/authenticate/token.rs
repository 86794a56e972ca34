//! The authenticator for servers without users of their own.

use std::sync::Arc;

use auth_core::{Ceiling, Claims, Clock, Issuer, Principal, TokenVerifier, UnverifiedToken};

use super::{
    Authenticate, AuthenticateError, InvalidTokenError, Presented, VerifyToken,
    port::unreadable,
    signature_rate_limit::SignatureRateLimit,
    token_cache::{CachedClaims, TokenCacheUse, VerifiedTokenCache},
};

/// Trusts the token alone: for servers that have no users of their own. The issuer alone decides
/// what a token may grant ([`Ceiling::IssuerDecides`]). A valid token is cached until it expires.
#[derive(Debug, Clone)]
pub struct TokenAuthenticator<C> {
    verifier: TokenVerifier,
    clock: C,
    cache: Arc<VerifiedTokenCache>,
    signatures: Arc<SignatureRateLimit>,
}

impl<C: Clock> TokenAuthenticator<C> {
    /// Judges tokens with `verifier` at the time of `clock`.
    pub fn new(verifier: TokenVerifier, clock: C) -> Self {
        Self {
            verifier,
            clock,
            cache: Arc::new(VerifiedTokenCache::new()),
            signatures: Arc::new(SignatureRateLimit::new()),
        }
    }

    /// How often tokens were answered from the cache of verified tokens.
    #[must_use]
    pub fn token_cache_use(&self) -> TokenCacheUse {
        self.cache.counted()
    }

    async fn claims(
        &self,
        Presented { token, certificate, .. }: Presented<'_>,
    ) -> Result<Arc<Claims>, InvalidTokenError> {
        let fingerprint = self.cache.fingerprint(token);
        let cached = fingerprint.and_then(|it| self.cache.find(it, self.clock.now()));
        self.cache.count(cached.is_some());
        if let Some(known) = cached {
            // It may have been presented with another certificate then.
            known.claims.check_certificate(certificate)?;
            return Ok(known.claims);
        }
        let is_trusted = |issuer: &Issuer| self.verifier.trusted(issuer).is_some();
        let parsed = UnverifiedToken::parse(token)
            .map_err(|fault| unreadable(token, fault.into(), is_trusted))?
            .presented_with(certificate);
        let permit = self.signatures.acquire(parsed.algorithm()).await;
        let now = self.clock.now();
        let verdict = permit.finish(self.verifier.verify_parsed(&parsed, None, now, None));
        let claims = verdict.map_err(|fault| InvalidTokenError {
            fault,
            issuer: parsed.unverified_issuer().filter(|it| is_trusted(it)).cloned(),
            facts: Some(self.verifier.facts(&parsed, None, now, fault)),
        })?;
        let claims = Arc::new(claims);
        if let Some(fingerprint) = fingerprint {
            let known = CachedClaims { claims: Arc::clone(&claims), keys: None };
            self.cache.insert(fingerprint, known, now);
        }
        Ok(claims)
    }
}

impl<C: Clock + 'static> VerifyToken for TokenAuthenticator<C> {
    async fn verify(&self, presented: Presented<'_>) -> Result<Arc<Claims>, AuthenticateError> {
        Ok(self.claims(presented).await?)
    }
}

impl<C: Clock + 'static> Authenticate for TokenAuthenticator<C> {
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        let claims = self.verify(presented).await?;
        Ok(Principal::new(&claims, Ceiling::IssuerDecides))
    }
}
