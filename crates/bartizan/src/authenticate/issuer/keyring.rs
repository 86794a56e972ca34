//! The keys of an issuer who is elsewhere: fetched, renewed ahead of time, and kept for a while
//! when it cannot be reached.
//!
//! 1. A set lives as long as its answer's `Cache-Control: max-age` says, but at least a minute and
//!    at most a day; ten minutes if it does not say. It is renewed when four fifths of that are
//!    over; the old keys serve meanwhile.
//! 2. A new set takes the place of the old one: a key that is not in it any more counts no more. A
//!    key that cannot be used is left out, and the others count.
//! 3. A set that could not be renewed serves on for a bounded time: a day, if nothing else was set.
//!    Then there are no keys, and tokens of this issuer are refused.
//! 4. A token that needs a key which is not there, or which another has taken the place of, may
//!    cause a fetch, at most one in 10 s, shared by all who wait for it. A set that has not changed
//!    stays the one it was: what was checked with it need not be checked again.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Issuer, IssuerKeys, Jwks, KeySet, NumericDate};
use http::{HeaderMap, header};

use super::{
    AddressError, FetchError, FetchFault, IssuerClient, Location,
    client::at,
    discovery::Endpoint,
    flight::{Flight, Landing, landed},
};

/// How long to wait before asking again, whatever came of it.
const PAUSE: Duration = Duration::from_secs(10);
/// How long to wait before asking again while there are keys that serve.
const CALM_PAUSE: Duration = Duration::from_mins(1);
/// How long a set lives that does not say so.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(10);
const MIN_LIFETIME: Duration = Duration::from_mins(1);
const MAX_LIFETIME: Duration = Duration::from_hours(24);
/// How long a set serves that could not be renewed.
const DEFAULT_OUTAGE: Duration = Duration::from_hours(24);

/// The keys of one issuer.
#[derive(Clone)]
pub struct Keyring(Arc<Ring>);

struct Ring {
    client: IssuerClient,
    endpoint: Endpoint,
    none: Arc<IssuerKeys>,
    outage: Duration,
    state: Mutex<State>,
    flight: Flight<()>,
}

#[derive(Clone)]
struct State {
    keys: Arc<IssuerKeys>,
    fetched: Option<NumericDate>,
    lifetime: Duration,
    failing: Option<Failing>,
}

/// An issuer whose keys could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failing {
    pub(crate) since: NumericDate,
    pub(crate) error: FetchError,
}

impl Keyring {
    /// The keys of `issuer`, which are fetched from `location` when they are needed first. An error
    /// if they should be discovered and the issuer is no address that may be asked.
    pub fn new(
        client: &IssuerClient,
        issuer: &Issuer,
        location: Location,
    ) -> Result<Self, AddressError> {
        Self::with_outage(client, issuer, location, DEFAULT_OUTAGE)
    }

    /// The same, with a bound of its own on how long a set serves that could not be renewed.
    pub fn with_outage(
        client: &IssuerClient,
        issuer: &Issuer,
        location: Location,
        outage: Duration,
    ) -> Result<Self, AddressError> {
        let none = Arc::new(IssuerKeys::new(issuer.clone(), KeySet::default()));
        Ok(Self(Arc::new(Ring {
            client: client.clone(),
            endpoint: Endpoint::new(client.clone(), issuer, location, "jwks_uri")?,
            state: Mutex::new(State {
                keys: Arc::clone(&none),
                fetched: None,
                lifetime: DEFAULT_LIFETIME,
                failing: None,
            }),
            none,
            outage,
            flight: Flight::new(),
        })))
    }

    /// Begins with what `other` has, if that is of the same issuer and place: its keys, their age,
    /// and since when they cannot be fetched. A token that was verified with them still is.
    pub(crate) fn begin_with(&self, other: &Self) {
        let is_same = self.0.none.issuer() == other.0.none.issuer()
            && self.0.endpoint.is_placed_as(&other.0.endpoint);
        if is_same && !Arc::ptr_eq(&self.0, &other.0) {
            let known = other.0.state().clone();
            *self.0.state() = known;
        }
    }

    /// The keys that serve now, which may be none. Renewing them begins if it is time, and is not
    /// waited for.
    pub(crate) fn keys(&self) -> Arc<IssuerKeys> {
        self.renew_if_due();
        self.0.current()
    }

    /// The keys once more, for a token whose key is not in `seen`: newer ones that have come since,
    /// or that come now. `None` if there are none.
    pub(crate) async fn newer_than(&self, seen: &Arc<IssuerKeys>) -> Option<Arc<IssuerKeys>> {
        let newer = || Some(self.0.current()).filter(|keys| !Arc::ptr_eq(keys, seen));
        if let Some(keys) = newer() {
            return Some(keys);
        }
        if let Some(landing) = self.begin(PAUSE) {
            landed(landing).await;
        }
        newer()
    }

    /// Begins to renew the keys if it is time.
    pub(crate) fn renew_if_due(&self) -> Option<Landing<()>> {
        let now = self.0.client.clock.now();
        let pause = {
            let state = self.0.state();
            match state.fetched {
                _ if state.keys.keys().is_empty() => Some(PAUSE),
                _ if state.failing.is_some() => Some(CALM_PAUSE),
                Some(fetched) if fetched > now => Some(PAUSE),
                Some(fetched) => (now.since(fetched) >= state.lifetime * 4 / 5).then_some(PAUSE),
                None => Some(PAUSE),
            }
        };
        self.begin(pause?)
    }

    /// Since when keys cannot be fetched, and why; `None` while all is well.
    pub(crate) fn failing(&self) -> Option<Failing> {
        self.0.state().failing.clone()
    }

    /// When keys were fetched last, if they have been.
    pub(crate) fn fetched(&self) -> Option<NumericDate> {
        self.0.state().fetched
    }

    /// Whether there are keys that serve.
    pub(crate) fn is_usable(&self) -> bool {
        !self.0.current().keys().is_empty()
    }

    fn begin(&self, pause: Duration) -> Option<Landing<()>> {
        let ring = Arc::clone(&self.0);
        let now = self.0.client.clock.now();
        self.0.flight.begin(now, pause, || async move { ring.renew().await })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Keyring({:?}, {} keys)",
            self.0.none.issuer(),
            self.0.current().keys().iter().count()
        )
    }
}

impl Ring {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<IssuerKeys> {
        let now = self.client.clock.now();
        let state = self.state();
        let may_serve = |fetched| now.since(fetched) < state.lifetime + self.outage;
        let keys = if state.fetched.is_some_and(may_serve) { &state.keys } else { &self.none };
        Arc::clone(keys)
    }

    async fn renew(&self) {
        let fetched = self.fetch().await;
        let now = self.client.clock.now();
        let issuer = self.none.issuer().as_str();
        let mut state = self.state();
        let fault = match fetched {
            Ok(Fetched { keys, lifetime, fault }) => {
                if !state.keys.keys().is_same_as(&keys) {
                    state.keys = Arc::new(IssuerKeys::new(self.none.issuer().clone(), keys));
                }
                (state.fetched, state.lifetime) = (Some(now), lifetime);
                fault
            }
            Err(error) => {
                self.endpoint.invalidate();
                Some(error)
            }
        };
        let count = state.keys.keys().iter().count();
        state.failing = match (fault, state.failing.take()) {
            (None, None) => {
                tracing::debug!(issuer, count, "The keys of the issuer were fetched");
                None
            }
            (None, Some(_)) => {
                tracing::info!(issuer, count, "The keys of the issuer are there again");
                None
            }
            // Logged once, and again when it is another fault.
            (Some(error), Some(failing)) if failing.error == error => {
                tracing::debug!(issuer, %error, "The keys of the issuer still cannot be fetched");
                Some(failing)
            }
            (Some(error), before) => {
                tracing::warn!(issuer, %error, "The keys of the issuer cannot be fetched");
                Some(Failing { since: before.map_or(now, |before| before.since), error })
            }
        };
    }

    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let to = self.endpoint.address(Duration::ZERO).await?;
        let answer = self.client.get(&to).await?;
        let malformed = || at(&to.address, FetchFault::Malformed("a JWK Set (RFC 7517 section 5)"));
        let text = std::str::from_utf8(&answer.body).map_err(|_| malformed())?;
        let set = Jwks::parse(text).map_err(|_| malformed())?;
        for (place, fault) in &set.unusable {
            tracing::debug!(address = %to.address, place, %fault, "A key of the issuer's set is not used");
        }
        let fault = set.keys.is_empty().then(|| at(&to.address, FetchFault::NoKeys));
        let keys = set.keys.into_iter().collect();
        Ok(Fetched { keys, lifetime: lifetime(&answer.headers), fault })
    }
}

/// A set that was fetched; a set without keys is one, and a fault as well.
struct Fetched {
    keys: KeySet,
    lifetime: Duration,
    fault: Option<FetchError>,
}

/// For how long the answer with these headers is good (RFC 9111 §5.2.2.1, §5.1).
fn lifetime(headers: &HeaderMap) -> Duration {
    let texts = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|v| v.to_str().ok());
    let max_age = texts.flat_map(|text| text.split(',')).find_map(|directive| {
        let (name, secs) = directive.trim().split_once('=')?;
        if !name.eq_ignore_ascii_case("max-age") {
            return None;
        }
        secs.trim_matches('"').parse().ok()
    });
    let Some(max_age) = max_age else { return DEFAULT_LIFETIME };
    let age = headers.get(header::AGE).and_then(|age| age.to_str().ok()?.parse().ok());
    let lifetime =
        Duration::from_secs(max_age).saturating_sub(Duration::from_secs(age.unwrap_or(0)));
    lifetime.clamp(MIN_LIFETIME, MAX_LIFETIME)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_set_lives_as_long_as_it_says_within_bounds() {
        let read = |cache: &str, age: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_str(cache).unwrap());
            headers.insert(header::AGE, HeaderValue::from_str(age).unwrap());
            lifetime(&headers).as_secs()
        };
        assert_eq!(lifetime(&HeaderMap::new()), DEFAULT_LIFETIME);
        assert_eq!(read("public, max-age=3600", "0"), 3600);
        assert_eq!(read("Max-Age=\"3600\", must-revalidate", "600"), 3000);
        assert_eq!(read("max-age=0", "0"), 60);
        assert_eq!(read("max-age=600", "100000"), 60);
        assert_eq!(read("max-age=31536000", "0"), 24 * 3600);
        assert_eq!(read("max-age=18446744073709551615", "0"), 24 * 3600);
        for odd in ["no-store", "max-age=-1", "max-age", "s-maxage=5", "max-age=x"] {
            assert_eq!(read(odd, "x"), DEFAULT_LIFETIME.as_secs(), "{odd}");
        }
    }
}
