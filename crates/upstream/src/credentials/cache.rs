//! Tokens that are used again until shortly before their end.
//!
//! 1. Of several calls that need a new token at once, one fetches it and the others wait.
//! 2. After a failure no token is fetched for a second, after each further one for twice as long,
//!    up to half a minute. So calls do not flood an endpoint that is in trouble.
//! 3. A token that the server has refused is fetched again, unless it is new: the next one would be
//!    refused too, and each call would fetch one.
//! 4. The number of tokens is bounded. What is used least recently is forgotten first.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{NumericDate, Owner, ScopeSet};
use quick_cache::sync::Cache;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use super::{error::CredentialError, token::UpstreamToken};
use crate::CallContext;

/// How many callers and sets of scopes have a token at once, for one server.
const MAX_TOKENS: usize = 4_096;
/// For how long no token is fetched after the first failure, and after the last one at most.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How old a token must be so that another one is fetched when it is refused.
const NEW: Duration = Duration::from_secs(10);

/// One token, and how it is fetched again.
#[derive(Default)]
pub(super) struct Slot {
    token: Mutex<Option<UpstreamToken>>,
    /// The failures since the last token. Held while one is fetched.
    failures: AsyncMutex<Option<Failures>>,
}

/// How often fetching has failed in a row, and when last.
#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn pause(self) -> Duration {
        let factor = 1u32.checked_shl(self.count.saturating_sub(1)).unwrap_or(u32::MAX);
        PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
    }
}

impl Slot {
    /// The token, or a new one from `fetch`.
    pub(super) async fn get<F>(
        &self,
        fetch: impl FnOnce() -> F,
    ) -> Result<UpstreamToken, CredentialError>
    where
        F: Future<Output = Result<UpstreamToken, CredentialError>>,
    {
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        let mut failures = self.failures.lock().await;
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        if failures.is_some_and(|failures| failures.last.elapsed() < failures.pause()) {
            return Err(CredentialError::RecentlyFailed);
        }
        match fetch().await {
            Ok(token) => {
                *failures = None;
                *self.token() = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                if !error.is_of_one_request() {
                    let count = failures.map_or(1, |failures| failures.count.saturating_add(1));
                    *failures = Some(Failures { count, last: Instant::now() });
                }
                Err(error)
            }
        }
    }

    fn fresh(&self) -> Option<UpstreamToken> {
        self.token().as_ref().filter(|token| token.is_fresh()).cloned()
    }

    /// Forgets a token that the server has refused. Whether the next one may be another.
    pub(super) fn refused(&self, refused: &UpstreamToken) -> bool {
        let mut token = self.token();
        match &*token {
            Some(current) if current.header() == refused.header() => {
                let is_old = current.age() >= NEW;
                if is_old {
                    *token = None;
                }
                is_old
            }
            // Another call has replaced it, or is about to.
            _ => true,
        }
    }

    fn token(&self) -> MutexGuard<'_, Option<UpstreamToken>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token for each caller, end of the caller's own token, and set of scopes: what is made for a
/// token that ends later is not for one that ends sooner.
pub(super) struct TokenCache(Cache<(Owner, Option<NumericDate>, ScopeSet), Arc<Slot>>);

impl TokenCache {
    pub(super) fn new() -> Self {
        Self(Cache::new(MAX_TOKENS))
    }

    /// The place of the token for a caller and the scopes of its action.
    pub(super) fn slot(&self, caller: &CallContext) -> Arc<Slot> {
        let end = caller.principal().map(|principal| principal.expires_at());
        let key = (caller.owner().clone(), end, caller.scopes().clone());
        let slot = self.0.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
        let Ok(slot) = slot;
        slot
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenCache({})", self.0.len())
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(..)")
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Algorithm, Ceiling, KeySet, Principal, TokenVerifier, TrustedIssuer};
    use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};
    use tokio::time::advance;

    use super::{super::mint::MintedToken, *};

    fn token(text: &str) -> UpstreamToken {
        let text = secrecy::SecretString::from(text);
        UpstreamToken::minted(&MintedToken::new(text, Duration::from_mins(5))).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn each_failure_in_a_row_makes_the_pause_longer() {
        let slot = Slot::default();
        let fails = || async { Err(CredentialError::NotAHeader) };
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let error = slot.get(fails).await.unwrap_err();
            assert!(matches!(error, CredentialError::NotAHeader), "{error}");
            advance(Duration::from_millis(seconds * 1000 - 1)).await;
            let error = slot.get(fails).await.unwrap_err();
            assert!(matches!(error, CredentialError::RecentlyFailed), "{seconds}: {error}");
            advance(Duration::from_millis(1)).await;
        }
        slot.get(|| async { Ok(token("t")) }).await.unwrap();
        assert!(slot.failures.lock().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_whose_own_token_has_ended_delays_no_other_call() {
        let slot = Slot::default();
        let ended = || async { Err(super::super::mint::MintError::Ended.into()) };
        slot.get(ended).await.unwrap_err();
        slot.get(|| async { Ok(token("t")) }).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_unless_it_is_new() {
        let slot = Slot::default();
        let first = slot.get(|| async { Ok(token("one")) }).await.unwrap();
        assert!(!slot.refused(&first));
        assert!(slot.fresh().is_some());
        advance(NEW).await;
        assert!(slot.refused(&first));
        assert!(slot.fresh().is_none());
        let second = slot.get(|| async { Ok(token("two")) }).await.unwrap();
        // The refusal of the first one is no refusal of the second.
        assert!(slot.refused(&first));
        assert_eq!(slot.fresh().unwrap().header(), second.header());
    }
    /// The place of the token for a caller whose own token ends at `end`.
    fn place(cache: &TokenCache, end: i64) -> Arc<Slot> {
        let key = TestKey::shared(Algorithm::Hs256);
        let token = Forge::valid(key).claim("exp", NOW + end).sign(key);
        let keys = KeySet::from_iter([key.verifying()]);
        let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), keys);
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(entry);
        let now = NumericDate::from_secs(NOW).unwrap();
        let claims = verifier.verify(&token.parse().unwrap(), now).unwrap();
        let principal = Principal::new(&claims, Ceiling::IssuerDecides);
        cache.slot(&CallContext::new(Some(Arc::new(principal)), ScopeSet::empty()))
    }

    #[test]
    fn a_token_of_the_caller_that_ends_sooner_has_not_what_was_made_for_another() {
        let cache = TokenCache::new();
        let long = place(&cache, 60);
        assert!(Arc::ptr_eq(&long, &place(&cache, 60)));
        assert!(!Arc::ptr_eq(&long, &place(&cache, 10)));
    }
}
