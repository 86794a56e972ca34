//! What the authenticator gets to see of a request, and the inner service does not.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use auth_core::{Ceiling, Principal};
use bartizan::{Authenticate, AuthenticateError, Guard, PeerAddress, Presented};
use http::Request;
use testkit::{Forge, NOW, RESOURCE, TestKey};
use tower::ServiceExt;

use super::*;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Notes what is presented, and accepts what the inner authenticator accepts.
#[derive(Debug)]
struct Noting {
    inner: TokenAuthenticator<Arc<ManualClock>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Authenticate for Noting {
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        let Presented { proof, method, uri, peer, is_recheck, .. } = presented;
        let seen = format!("{proof:?} {method} {uri} {peer:?} {is_recheck}");
        self.seen.lock().unwrap().push(seen);
        self.inner.authenticate(presented).await
    }
}

/// Sends a call with these proofs to a guard, and gives the status, what the authenticator saw, and
/// the names of the headers that reached the inner service.
async fn send(proofs: &[&'static str], token: &str) -> (u16, Vec<String>, Vec<String>) {
    let seen = Arc::default();
    let authenticate = Noting { inner: authenticator(), seen: Arc::clone(&seen) };
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy(), [], authenticate).unwrap();
    let reached = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&reached);
    let inner = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let its = request.headers().keys().map(ToString::to_string);
        names.lock().unwrap().extend(its);
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    });
    let mut request = Request::post("/mcp?x=1")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"))
        .extension(PeerAddress(PEER));
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    let request = request.body(Full::<Bytes>::from(call("a"))).unwrap();
    let status = guard.protect(inner).oneshot(request).await.unwrap().status().as_u16();
    let (seen, reached) = (seen.lock().unwrap().clone(), reached.lock().unwrap().clone());
    (status, seen, reached)
}

#[tokio::test]
async fn the_authenticator_sees_proof_method_uri_and_peer() {
    let (status, seen, reached) = send(&["a.b.c"], &token("A")).await;
    assert_eq!(status, 200);
    assert_eq!(seen, ["Some(\"a.b.c\") POST /mcp?x=1 Some(192.0.2.7) false"]);
    assert_eq!(reached, ["host", "accept"], "neither token nor proof goes further");
    let (status, seen, _) = send(&[], &token("A")).await;
    assert_eq!((status, seen.len()), (200, 1));
    assert!(seen[0].starts_with("None "), "{seen:?}");
}

#[tokio::test]
async fn two_proofs_are_a_malformed_request() {
    let (status, seen, reached) = send(&["a.b.c", "a.b.c"], &token("A")).await;
    assert_eq!((status, seen.len(), reached.len()), (400, 0, 0));
}

/// Nothing verifies a proof: a token that is bound to one is refused with it and without it.
#[tokio::test]
async fn a_bound_token_is_refused_whatever_proof_comes_with_it() {
    let key = TestKey::shared(Algorithm::Hs256);
    let bound = Forge::valid(key).claim("scope", "A").claim("cnf", json!({ "jkt": "x" })).sign(key);
    for proofs in [&[][..], &["a.b.c"]] {
        let (status, seen, reached) = send(proofs, &bound).await;
        assert_eq!((status, seen.len(), reached.len()), (401, 1, 0));
    }
}

#[tokio::test]
async fn a_shared_authenticator_is_one_too() {
    let shared = Arc::new(authenticator());
    let token = token("A").parse().unwrap();
    let principal = Authenticate::authenticate(&shared, Presented::bare(&token)).await.unwrap();
    assert_eq!(principal.ceiling(), &Ceiling::IssuerDecides);
    assert!(principal.expires_at().as_secs() > NOW);
}
