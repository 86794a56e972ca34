//! Public keys of clients at a `jwks_uri`, fetched and remembered (RFC 7517 §5, RFC 7591 §2).
//!
//! 1. A set is fetched by the server's outbound client, which asks public addresses alone and
//!    follows no redirect: the client names the address. It has [`FETCH_TIME`] and [`MAX_BYTES`].
//! 2. It is remembered for as long as its `Cache-Control` says ([`freshness`]). A fault is
//!    remembered for [`PAUSE`].
//! 3. An assertion that no remembered key verifies has the set fetched anew, unless it was fetched
//!    within [`PAUSE`]: a client may rotate its keys at any time.
//! 4. One that cannot be had again, or not now because too much is being fetched, stays as it was
//!    for up to [`OUTAGE`].
//! 5. One fetch at a time for each address, [`MAX_FETCHES`] in all, and [`FETCHES_PER_MINUTE`] for
//!    each address that asks.

use std::{sync::Arc, time::Duration};

use auth_core::{Jwks, KeySet, NumericDate};
use http::{HeaderValue, StatusCode, header};
use outbound::{OutboundClient, OutboundError, Request};
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, Semaphore};

use super::{fetch::Fetch, freshness::freshness};
use crate::limit::AddressLimit;

/// How long a fetch may take.
const FETCH_TIME: Duration = Duration::from_secs(3);
/// The longest key set, in bytes: 64 keys of RSA with 4096 bits.
const MAX_BYTES: usize = 64 * 1024;
/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_secs(10);
/// How long keys are used that cannot be had again.
const OUTAGE: Duration = Duration::from_hours(24);
/// How many sets are fetched at once.
const MAX_FETCHES: usize = 32;
/// How many sets are fetched for one address in a minute.
const FETCHES_PER_MINUTE: u32 = 30;
/// How many sets are remembered.
const REMEMBERED: usize = 512;

/// The key sets that are remembered.
#[derive(Debug)]
pub(crate) struct KeySets {
    slots: Cache<String, Arc<Mutex<Option<Remembered>>>>,
    fetches: Semaphore,
    by_address: AddressLimit,
}

/// What came of the last fetch.
#[derive(Debug, Clone)]
struct Remembered {
    outcome: Result<Arc<KeySet>, KeySetFault>,
    /// When the keys came.
    fetched_at: NumericDate,
    /// When they were last asked for.
    asked_at: NumericDate,
    fresh_until: NumericDate,
}

/// Why there are no keys.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum KeySetFault {
    /// They are not to be used.
    #[error("{0}")]
    Refused(String),
    /// They are not there now.
    #[error("{0}")]
    Unreachable(String),
}

impl Default for KeySets {
    fn default() -> Self {
        Self {
            slots: Cache::new(REMEMBERED),
            fetches: Semaphore::new(MAX_FETCHES),
            by_address: AddressLimit::default(),
        }
    }
}

impl KeySets {
    /// The keys at `url`, fetched unless they are remembered, or, for a caller whom the keys `seen`
    /// do not help, fetched anew (rule 3).
    pub(super) async fn get(
        &self,
        way: Fetch<'_>,
        url: &str,
        seen: Option<&Arc<KeySet>>,
    ) -> Result<Arc<KeySet>, KeySetFault> {
        let Ok(slot) = self.slots.get_or_insert_with(url, || Ok::<_, ()>(Arc::default())) else {
            return Err(busy());
        };
        let mut remembered = slot.lock().await;
        let now = way.now;
        if let Some(last) = remembered.as_ref().filter(|last| last.serves(seen, now)) {
            return last.outcome.clone();
        }
        let is_allowed = self.by_address.count(way.asker, FETCHES_PER_MINUTE, now).is_ok();
        let permit = self.fetches.try_acquire().ok().filter(|_| is_allowed);
        let Some(_permit) = permit else {
            let last = remembered.as_ref().filter(|last| last.outlives_an_outage(now));
            return last.map_or_else(|| Err(busy()), |last| last.outcome.clone());
        };
        let next = fetch(way, url).await;
        let next = match (next.outcome.as_ref(), remembered.take()) {
            (Err(KeySetFault::Unreachable(_)), Some(last)) if last.outlives_an_outage(now) => {
                let fresh_until = next.fresh_until;
                Remembered { fresh_until, asked_at: now, ..last }
            }
            _ => next,
        };
        let outcome = next.outcome.clone();
        *remembered = Some(next);
        outcome
    }
}

impl Remembered {
    fn serves(&self, seen: Option<&Arc<KeySet>>, now: NumericDate) -> bool {
        let is_seen = match (seen, &self.outcome) {
            (Some(seen), Ok(keys)) => Arc::ptr_eq(seen, keys),
            _ => false,
        };
        // A clock that was set back must not make it last.
        let was_just_asked = self.asked_at <= now && now.since(self.asked_at) < PAUSE;
        if is_seen { was_just_asked } else { now < self.fresh_until }
    }

    fn outlives_an_outage(&self, now: NumericDate) -> bool {
        self.outcome.is_ok() && now.since(self.fetched_at) < OUTAGE
    }
}

fn busy() -> KeySetFault {
    KeySetFault::Unreachable("too many key sets are being fetched".to_owned())
}

async fn fetch(way: Fetch<'_>, url: &str) -> Remembered {
    let fetched = tokio::time::timeout(FETCH_TIME, read(way.outbound, url)).await;
    let fetched = fetched.unwrap_or_else(|_| {
        let words = format!("the keys did not come within {} seconds", FETCH_TIME.as_secs());
        Err(KeySetFault::Unreachable(words))
    });
    let fresh = fetched.as_ref().map_or(PAUSE, |(_, fresh)| *fresh);
    let outcome = fetched.map(|(keys, _)| Arc::new(keys));
    let now = way.now;
    Remembered { outcome, fetched_at: now, asked_at: now, fresh_until: now.plus(fresh) }
}

/// The keys, and for how long they may be remembered.
async fn read(outbound: &OutboundClient, url: &str) -> Result<(KeySet, Duration), KeySetFault> {
    let refused = |words: &str| KeySetFault::Refused(words.to_owned());
    let address = outbound.check(url).map_err(|fault| not_fetched(&fault))?;
    let accept = HeaderValue::from_static("application/jwk-set+json, application/json");
    let request = Request::get(address).header(header::ACCEPT, accept);
    let mut response = outbound.stream(request).await.map_err(|fault| not_fetched(&fault))?;
    let status = response.status;
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(KeySetFault::Unreachable(format!("the host of the keys answers {status}")));
    }
    if status != StatusCode::OK {
        return Err(refused(&format!("the host of the keys answers {status}")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| not_fetched(&fault))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(refused("the key set is too long"));
        }
    }
    let text = str::from_utf8(&body).map_err(|_| refused("the key set is not JSON"))?;
    let keys = Jwks::parse(text).map_err(|_| refused("it is not a JSON Web Key Set"))?;
    let keys: KeySet = keys.keys.into_iter().collect();
    if keys.is_empty() {
        return Err(refused("the key set has no key that can be used"));
    }
    Ok((keys, freshness(&response.headers)))
}

fn not_fetched(fault: &OutboundError) -> KeySetFault {
    let words = format!("the keys cannot be fetched: {fault}");
    if fault.is_unreachable() || matches!(fault, OutboundError::Setup(_)) {
        KeySetFault::Unreachable(words)
    } else {
        KeySetFault::Refused(words)
    }
}
