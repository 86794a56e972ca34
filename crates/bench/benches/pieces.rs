//! What each piece of a request's way costs, by itself: `just bench`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on must stop")]

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_core::{
    AccessToken, Action, Algorithm, Ceiling, Issuer, KeySet, NumericDate, Policy, PolicyDocument,
    Principal, Query, TokenVerifier, TrustedIssuer, UnverifiedToken,
};
use bartizan::{Issuers, action_of};
use directory::{AnyDirectory, CacheSettings, CachedDirectory, Directory, Edit, NewUser, Stamp};
use divan::{Bencher, counter::BytesCount};
use serde_json::json;
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};

fn main() {
    divan::main();
}

const ALGORITHMS: [Algorithm; 4] = Algorithm::ALL;

fn token(key: &TestKey) -> AccessToken {
    Forge::valid(key).sign(key).parse().unwrap()
}

fn trusted(key: &TestKey) -> TrustedIssuer {
    TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]))
}

fn now() -> NumericDate {
    NumericDate::from_secs(NOW).unwrap()
}

/// A token taken apart, and not believed.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let token = token(TestKey::shared(Algorithm::Hs256));
    bencher.bench_local(|| UnverifiedToken::parse(black_box(&token)).is_ok());
}

/// All checks of a token that was not seen before.
#[divan::bench(args = ALGORITHMS)]
fn verify_first(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = TestKey::shared(algorithm);
    let (token, now) = (token(key), now());
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(trusted(key));
    bencher.bench_local(|| verifier.verify(black_box(&token), now).unwrap());
}

/// The same of one that was.
#[divan::bench(args = ALGORITHMS)]
fn verify_again(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = TestKey::shared(algorithm);
    let token = token(key);
    let issuers =
        Issuers::new(RESOURCE.parse().unwrap(), ManualClock::at(NOW), [trusted(key).into()]);
    let issuers = issuers.unwrap();
    bencher.bench_local(|| ready(issuers.verify(black_box(&token))).is_ok());
}

/// A refusal before the signature is looked at.
#[divan::bench(args = ALGORITHMS)]
fn refuse_expired(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = TestKey::shared(algorithm);
    let token: AccessToken = Forge::valid(key).claim("exp", NOW - 60).sign(key).parse().unwrap();
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(trusted(key));
    let now = now();
    bencher.bench_local(|| verifier.verify(black_box(&token), now).is_err());
}

/// A decision of a policy with so many rules.
#[divan::bench(args = [10, 10_000])]
fn decide(bencher: Bencher<'_, '_>, rules: usize) {
    let tools: serde_json::Map<_, _> =
        (0..rules).map(|number| (format!("tool_{number}"), json!("Admin.Write"))).collect();
    let document: PolicyDocument = serde_json::from_value(json!({
        "scopes": { "Admin.Write": "Change anything" },
        "roles": { "admin": ["Admin.Write"] },
        "tools": tools,
    }))
    .unwrap();
    let policy = Policy::try_from(document).unwrap();
    let key = TestKey::shared(Algorithm::Hs256);
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(trusted(key));
    let claims = verifier.verify(&token(key), now()).unwrap();
    let ceiling = Ceiling::Roles(Arc::new(["admin".parse().unwrap()].into()));
    let principal = Arc::new(Principal::new(&claims, ceiling));
    bencher
        .with_inputs(|| Action::CallTool("tool_7".into()))
        .bench_local_values(|action| policy.decide(&Query::new(Some(&principal), &action)));
}

/// A user looked up among so many in memory.
#[divan::bench(args = [10, 100_000])]
fn look_up(bencher: Bencher<'_, '_>, users: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let issuer: Issuer = ISSUER.parse().unwrap();
    let live = runtime.block_on(async {
        let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
        let add = |number| {
            Edit::Add(NewUser {
                issuer: issuer.clone(),
                subject: format!("user-{number}").parse().unwrap(),
                display_name: "User Userson".into(),
                roles: ["admin".parse().unwrap()].into(),
            })
        };
        let _ =
            store.apply((0..users).map(add).collect(), &Stamp::new("pieces", now())).await.unwrap();
        let clock = ManualClock::at(NOW);
        let settings = CacheSettings { max_in_memory: users, max_age: Duration::MAX, clock };
        CachedDirectory::load(store, settings).await.unwrap()
    });
    let subject = "user-7".parse().unwrap();
    bencher.bench_local(|| ready(live.find(black_box(&issuer), &subject)).unwrap().is_some());
}

/// A body read strictly, with arguments of so many bytes.
#[divan::bench(args = [0, 1024, 64 * 1024, 1024 * 1024])]
fn body_gate(bencher: Bencher<'_, '_>, size: usize) {
    let words: Vec<_> = (0..size / 64).map(|number| format!("{number:061}")).collect();
    let params = json!({ "name": "get_time", "arguments": { "words": words } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let body = body.to_string().into_bytes();
    bencher
        .counter(BytesCount::new(body.len()))
        .bench_local(|| action_of(black_box(&body)).is_ok());
}

/// What a future gives that has nothing to wait for.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("what is there is answered at once"),
    }
}
