//! Tokens whose checks have passed, cached so that what cannot have changed is not checked again.
//!
//! 1. What is cached is the outcome of the checks of form, type, issuer, audience and signature. It
//!    depends on the token's bytes, the entry of its issuer and that issuer's keys, and on nothing
//!    else.
//! 2. The entries of issuers never change while a process runs. Keys do: with a token its set of
//!    keys is cached, and when another set serves, everything that the old one verified is
//!    forgotten.
//! 3. A token is answered from the cache from the time of its check until its `exp`. In between its
//!    dates cannot become wrong; after it, and where the clock was set back before it, a new check
//!    decides.
//! 4. Users, roles and revocations are not cached here: they are looked up for every request.
//! 5. A token is identified by its SipHash-2-4 of 128 bits under a key of this process: the token
//!    is not kept, and without the key no other token with the same fingerprint can be found.
//! 6. At most [`MAX_TOKENS`] tokens are cached, none of more than [`MAX_TOKEN_LEN`] bytes.
//!
//! **Invariant:** what is answered from the cache is what a new check would have answered.

use std::{
    fmt,
    hash::Hasher,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{AccessToken, Claims, IssuerKeys, NumericDate};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::authenticate::cache::Cache;

/// How many tokens are cached. One takes a little over a kibibyte, so this is some 20 MiB.
const MAX_TOKENS: usize = 16 * 1024;
/// The longest token that is cached, in bytes.
const MAX_TOKEN_LEN: usize = 2 * 1024;
/// Each shard has a lock of its own, so that requests on several cores do not wait for each other.
const SHARDS: usize = 16;

/// The claims of verified tokens.
pub(crate) struct VerifiedTokenCache {
    /// Without randomness there is no key, and nothing is cached.
    key: Option<[u8; 16]>,
    shards: Vec<Mutex<Cache<u128, CachedClaims>>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often tokens were answered from the cache of verified tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenCacheUse {
    /// How many were in it.
    pub hits: u64,
    /// How many were not, and had to be checked.
    pub misses: u64,
}

/// A keyed hash of a token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenFingerprint(u128);

/// The claims of a verified token.
#[derive(Debug, Clone)]
pub(crate) struct CachedClaims {
    pub(crate) claims: Arc<Claims>,
    /// The keys that it was checked with, where they can be replaced.
    #[cfg_attr(not(feature = "discovery"), expect(dead_code, reason = "they cannot be replaced"))]
    pub(crate) keys: Option<Arc<IssuerKeys>>,
}

impl VerifiedTokenCache {
    pub(crate) fn new() -> Self {
        let mut key = [0; 16];
        let key = getrandom::fill(&mut key).is_ok().then_some(key);
        let shard = || Mutex::new(Cache::new(MAX_TOKENS / SHARDS));
        let shards = std::iter::repeat_with(shard).take(SHARDS).collect();
        Self { key, shards, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// Counts a token that was answered from here, or not.
    pub(crate) fn count(&self, is_hit: bool) {
        let count = if is_hit { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted.
    pub(crate) fn counted(&self) -> TokenCacheUse {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        TokenCacheUse { hits: read(&self.hits), misses: read(&self.misses) }
    }

    /// The fingerprint of `token`; `None` if it is not to be cached.
    pub(crate) fn fingerprint(&self, token: &AccessToken) -> Option<TokenFingerprint> {
        let text = token.expose().as_bytes();
        let key = self.key.as_ref().filter(|_| text.len() <= MAX_TOKEN_LEN)?;
        let mut hasher = SipHasher24::new_with_key(key);
        hasher.write(text);
        Some(TokenFingerprint(hasher.finish128().as_u128()))
    }

    /// The claims of the token, if it was verified before and has not expired at `now`.
    pub(crate) fn find(
        &self,
        TokenFingerprint(name): TokenFingerprint,
        now: NumericDate,
    ) -> Option<CachedClaims> {
        let shard = self.shard(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        shard.find(&name, now)
    }

    /// Caches claims that were verified at `now`.
    pub(crate) fn insert(
        &self,
        TokenFingerprint(name): TokenFingerprint,
        known: CachedClaims,
        now: NumericDate,
    ) {
        let until = known.claims.expires_at();
        if until > now
            && let Some(shard) = self.shard(name)
        {
            shard.lock().unwrap_or_else(PoisonError::into_inner).insert(name, known, now, until);
        }
    }

    /// Forgets all that was verified with `keys`.
    #[cfg(feature = "discovery")]
    pub(crate) fn forget(&self, keys: &Arc<IssuerKeys>) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.forget(|known| known.keys.as_ref().is_some_and(|its| Arc::ptr_eq(its, keys)));
        }
    }

    fn shard(&self, name: u128) -> Option<&Mutex<Cache<u128, CachedClaims>>> {
        self.shards.get((name % SHARDS as u128) as usize)
    }
}

impl fmt::Debug for VerifiedTokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedTokenCache(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_distinct_and_differ_between_processes() {
        let (one, other) = (VerifiedTokenCache::new(), VerifiedTokenCache::new());
        let fingerprint = |cache: &VerifiedTokenCache, text: &str| {
            cache.fingerprint(&text.parse().unwrap()).unwrap().0
        };
        assert_eq!(fingerprint(&one, "a.b.c"), fingerprint(&one, "a.b.c"));
        assert_ne!(fingerprint(&one, "a.b.c"), fingerprint(&one, "a.b.d"));
        assert_ne!(fingerprint(&one, "a.b.c"), fingerprint(&other, "a.b.c"));
    }

    #[test]
    fn the_longest_tokens_are_not_cached() {
        let cache = VerifiedTokenCache::new();
        assert!(cache.fingerprint(&"a".repeat(MAX_TOKEN_LEN).parse().unwrap()).is_some());
        assert!(cache.fingerprint(&"a".repeat(MAX_TOKEN_LEN + 1).parse().unwrap()).is_none());
    }

    #[test]
    fn it_shows_nothing() {
        assert_eq!(format!("{:?}", VerifiedTokenCache::new()), "VerifiedTokenCache(..)");
    }
}
