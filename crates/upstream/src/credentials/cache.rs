//! Tokens that are used again until shortly before their end.
//!
//! 1. Of several calls that need a new token at once, one fetches it and the others wait.
//! 2. After a failure no token is fetched for a second, so that calls do not flood an endpoint
//!    which is in trouble.
//! 3. The number of tokens is bounded. What is used least recently is forgotten first.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Owner, ScopeSet};
use quick_cache::sync::Cache;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use super::{error::CredentialError, token::UpstreamToken};
use crate::CallContext;

/// How many callers and sets of scopes have a token at once, for one server.
const MAX_TOKENS: usize = 10_000;
/// For how long no token is fetched after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// One token, and how it is fetched again.
#[derive(Default)]
pub(super) struct Slot {
    token: Mutex<Option<UpstreamToken>>,
    /// When fetching has failed. Held while a token is fetched.
    failed: AsyncMutex<Option<Instant>>,
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
        let mut failed = self.failed.lock().await;
        if let Some(token) = self.fresh() {
            return Ok(token);
        }
        if failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(CredentialError::RecentlyFailed);
        }
        match fetch().await {
            Ok(token) => {
                *failed = None;
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                *failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    fn fresh(&self) -> Option<UpstreamToken> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        token.as_ref().filter(|token| token.is_fresh()).cloned()
    }

    /// Forgets the token.
    pub(super) fn forget(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A token for each caller and set of scopes.
pub(super) struct TokenCache(Cache<(Owner, ScopeSet), Arc<Slot>>);

impl TokenCache {
    pub(super) fn new() -> Self {
        Self(Cache::new(MAX_TOKENS))
    }

    /// The place of the token for a caller and the scopes of its action.
    pub(super) fn slot(&self, caller: &CallContext) -> Arc<Slot> {
        let key = (caller.owner().clone(), caller.scopes().clone());
        if let Some(slot) = self.0.get(&key) {
            return slot;
        }
        // Of two calls that come here at once, one fetches in vain: what it gets is valid.
        let slot = Arc::new(Slot::default());
        self.0.insert(key, Arc::clone(&slot));
        slot
    }

    /// Forgets the token of a caller and the scopes of its action.
    pub(super) fn forget(&self, caller: &CallContext) {
        self.0.remove(&(caller.owner().clone(), caller.scopes().clone()));
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
