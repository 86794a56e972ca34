//! Where calls wait while their clients get the answers that a server asked for.
//!
//! What a client gives back (`requestState`) is a name with an owner tag
//! ([`OwnerTagKey`]). It opens nothing for another owner, nothing in another request, and nothing
//! twice (MCP 2026-07-28, multi round-trip requests, server requirements 4 and 5).

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Owner, OwnerTagKey, quota::Holder};
use serde_json::Value;

const PURPOSE: &str = "input state";

/// Bounds on what is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkingLimits {
    /// Calls in all.
    pub calls: usize,
    /// Calls of one user, through all their clients.
    pub calls_of_one: usize,
    /// How long a client may take for its answers. Then the call is cancelled.
    pub time: Duration,
}

impl Default for ParkingLimits {
    fn default() -> Self {
        Self { calls: 1_000, calls_of_one: 16, time: Duration::from_mins(5) }
    }
}

/// The parked calls of one node. Clones share them.
#[derive(Debug)]
pub struct Parking<T> {
    inner: Arc<Inner<T>>,
    upstream: Arc<str>,
}

impl<T> Clone for Parking<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), upstream: Arc::clone(&self.upstream) }
    }
}

#[derive(Debug)]
struct Inner<T> {
    key: OwnerTagKey,
    /// The node, as others know it.
    node: String,
    /// Distinguishes this process from an earlier one with the same key.
    process: String,
    hasher: RandomState,
    limits: ParkingLimits,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    next: u64,
    parked: HashMap<u64, Parked<T>>,
}

#[derive(Debug)]
struct Parked<T> {
    holder: Holder,
    request: Fingerprint,
    what: T,
}

/// What a request asks for: its upstream, its method and its parameters, whatever their order. Two
/// requests with one fingerprint are the same for a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// Why a state opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TakeError {
    /// It is not one of this owner, or was changed.
    #[error("`requestState` is not valid")]
    Invalid,
    /// Another node has the call.
    #[error("the call waits at another node of this server")]
    OtherNode,
    /// It has been used, or has expired.
    #[error("the call does not wait any more")]
    Gone,
    /// The request is not the one that was asked.
    #[error("`requestState` belongs to another request")]
    OtherRequest,
}

impl<T: Send + 'static> Parking<T> {
    /// An empty one. `key` seals what clients give back; nodes of one server share it. `node` is
    /// the name of this node.
    #[must_use]
    pub fn new(key: OwnerTagKey, node: &str, limits: ParkingLimits) -> Self {
        let hasher = RandomState::new();
        let process = format!("{:016x}", hasher.hash_one(node));
        let state = Mutex::new(State { next: 0, parked: HashMap::new() });
        let node = node.to_owned();
        let inner = Arc::new(Inner { key, node, process, hasher, limits, state });
        Self { inner, upstream: "".into() }
    }

    /// The same, for the calls of one upstream: what is parked there opens nothing elsewhere.
    #[must_use]
    pub fn of(&self, upstream: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), upstream: upstream.into() }
    }

    /// The fingerprint of a request. `params` are JSON, without what a client may change between
    /// two rounds (`_meta`, `inputResponses`, `requestState`).
    pub(crate) fn fingerprint(&self, method: &str, params: Option<&str>) -> Fingerprint {
        // Objects are sorted here. What cannot be read is compared as text.
        let params = params.unwrap_or("{}");
        let sorted = serde_json::from_str::<Value>(params).map(|params| params.to_string());
        let params = sorted.as_deref().unwrap_or(params);
        Fingerprint(self.inner.hasher.hash_one((&*self.upstream, method, params)))
    }

    /// Parks a call: gives the state with which its owner can go on with it. After the time it is
    /// dropped. Gives it back if there are too many.
    pub(crate) fn park(&self, owner: &Owner, request: Fingerprint, what: T) -> Result<String, T> {
        let Inner { key, node, process, limits, .. } = &*self.inner;
        let mut state = self.state();
        let holder = Holder::from(owner);
        let of_user = || state.parked.values().filter(|parked| parked.holder == holder).count();
        if state.parked.len() >= limits.calls || of_user() >= limits.calls_of_one {
            return Err(what);
        }
        state.next += 1;
        let number = state.next;
        state.parked.insert(number, Parked { holder, request, what });
        drop(state);
        let (parking, time) = (Arc::downgrade(&self.inner), limits.time);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            let Some(inner) = parking.upgrade() else { return };
            let expired = inner.state().parked.remove(&number);
            drop(expired);
        });
        Ok(key.tag(PURPOSE, &format!("{process}/{number}/{node}"), owner))
    }

    /// Takes a call out, if `state` is of this owner and this request.
    pub(crate) fn take(
        &self,
        state: &str,
        owner: &Owner,
        request: Fingerprint,
    ) -> Result<T, TakeError> {
        let Inner { key, node, process, .. } = &*self.inner;
        let name = key.verify(PURPOSE, state, owner).ok_or(TakeError::Invalid)?;
        let mut parts = name.splitn(3, '/');
        let (of_process, number, of_node) = (parts.next(), parts.next(), parts.next());
        if of_node != Some(node) {
            return Err(TakeError::OtherNode);
        }
        let number: Option<u64> = number.and_then(|number| number.parse().ok());
        let number = number.filter(|_| of_process == Some(process)).ok_or(TakeError::Gone)?;
        let mut state = self.state();
        let parked = state.parked.get(&number).ok_or(TakeError::Gone)?;
        if parked.request != request {
            return Err(TakeError::OtherRequest);
        }
        state.parked.remove(&number).map(|parked| parked.what).ok_or(TakeError::Gone)
    }

    /// How many calls wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().parked.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.inner.state()
    }
}

impl<T> Inner<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // A panic leaves nothing half done that could open for another owner.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(subject: &str) -> Owner {
        Owner::Principal {
            issuer: "i".parse().unwrap(),
            subject: subject.parse().unwrap(),
            client_id: None,
        }
    }

    fn parking(node: &str) -> Parking<&'static str> {
        let limits = ParkingLimits { calls: 3, calls_of_one: 2, ..ParkingLimits::default() };
        Parking::new(OwnerTagKey::from_secret(&[7; 32]).unwrap(), node, limits)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_goes_on_for_its_owner_in_its_request_once() {
        let parking = parking("a/b");
        let request = parking.fingerprint("tools/call", Some(r#"{"name":"t"}"#));
        let other = parking.fingerprint("tools/call", Some(r#"{"name":"u"}"#));
        let alice = owner("alice");
        let state = parking.park(&alice, request, "call").unwrap();
        assert_eq!(parking.take(&state, &owner("bob"), request), Err(TakeError::Invalid));
        assert_eq!(parking.take(&state, &Owner::Anonymous, request), Err(TakeError::Invalid));
        assert_eq!(parking.take(&state, &alice, other), Err(TakeError::OtherRequest));
        let changed = state.replacen("/1/", "/2/", 1);
        assert_eq!(parking.take(&changed, &alice, request), Err(TakeError::Invalid));
        assert_eq!(parking.take(&state, &alice, request), Ok("call"));
        assert_eq!(parking.take(&state, &alice, request), Err(TakeError::Gone));
        assert!(parking.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_a_time_only() {
        let parking = parking("n");
        let request = parking.fingerprint("m", None);
        let state = parking.park(&Owner::Anonymous, request, "call").unwrap();
        tokio::time::sleep(Duration::from_mins(5) - Duration::from_secs(1)).await;
        assert_eq!(parking.len(), 1);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(parking.is_empty());
        assert_eq!(parking.take(&state, &Owner::Anonymous, request), Err(TakeError::Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn other_nodes_and_earlier_processes_do_not_have_it() {
        let here = parking("n");
        let request = here.fingerprint("m", None);
        let state = here.park(&Owner::Anonymous, request, "call").unwrap();
        let elsewhere = parking("m");
        assert_eq!(elsewhere.take(&state, &Owner::Anonymous, request), Err(TakeError::OtherNode));
        let restarted = parking("n");
        let _ = restarted.park(&Owner::Anonymous, request, "another").unwrap();
        assert_eq!(restarted.take(&state, &Owner::Anonymous, request), Err(TakeError::Gone));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_is_bounded_for_one_and_for_all() {
        let parking = parking("n");
        let request = parking.fingerprint("m", None);
        let park = |subject| parking.park(&owner(subject), request, "call");
        assert!(park("alice").is_ok() && park("alice").is_ok());
        assert_eq!(park("alice"), Err("call"));
        let Owner::Principal { issuer, subject, .. } = owner("alice") else { unreachable!() };
        let client_id = Some("another".parse().unwrap());
        let through_another = Owner::Principal { issuer, subject, client_id };
        assert_eq!(parking.park(&through_another, request, "call"), Err("call"));
        assert!(park("bob").is_ok());
        assert_eq!(park("bob"), Err("call"));
    }

    #[test]
    fn what_a_request_asks_for() {
        let parking = parking("n");
        let print = |method, params| parking.fingerprint(method, params);
        let one = print("m", Some(r#"{"a":1,"b":{"c":2,"d":3}}"#));
        assert_eq!(print("m", Some(r#"{ "b": {"d":3,"c":2}, "a": 1 }"#)), one);
        assert_ne!(print("m", Some(r#"{"a":1,"b":{"c":2,"d":4}}"#)), one);
        assert_ne!(print("n", Some(r#"{"a":1,"b":{"c":2,"d":3}}"#)), one);
        assert_eq!(print("m", None), print("m", Some("{}")));
        assert_ne!(parking.of("other").fingerprint("m", None), print("m", None));
        assert_eq!(parking.of("").fingerprint("m", None), print("m", None));
    }
}
