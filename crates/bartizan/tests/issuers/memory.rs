//! What is answered from memory is what a new check would have answered.

use std::time::Duration;

use auth_core::{Clock, IssuerKeys, KeyLookupError, KeySet, TrustedIssuer, VerifyError};
use bartizan::{Issuers, Keyring, Location, TokenCacheUse, Trust};
use proptest::prelude::*;
use testkit::{ManualClock, NOW, Reply, TestIssuer, TestKey, jwks};

use crate::support::{
    HOUR, at_keys, client, clock, ed_dsa, entry, es256, issuers, judge, name, token,
};

#[tokio::test]
async fn a_token_seen_before_is_void_as_soon_as_its_key_is_taken_back() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    let issuers = at_keys(&clock, &issuer);
    let text = token(&issuer.issuer(), es256()).sign(es256());
    assert_eq!(issuers.status()[0].keys_fetched, None);
    assert!(judge(&issuers, &text).await.is_ok());
    assert!(judge(&issuers, &text).await.is_ok());
    assert_eq!(issuers.token_cache_use(), TokenCacheUse { hits: 1, misses: 1 });
    assert_eq!(issuers.status()[0].keys_fetched, Some(clock.now()));
    issuer.serve_keys(&[ed_dsa()]);
    clock.advance(HOUR);
    issuers.renew_due().await;
    let unknown = VerifyError::Key(KeyLookupError::UnknownKey);
    assert_eq!(judge(&issuers, &text).await, Err(unknown));
    issuer.serve_keys(&[es256()]);
    clock.advance(HOUR);
    issuers.renew_due().await;
    assert!(judge(&issuers, &text).await.is_ok(), "and it is judged anew when the key is back");
}

#[tokio::test]
async fn a_token_seen_before_is_void_as_soon_as_given_keys_are_replaced() {
    let given = "https://given.example";
    let set = |key: &TestKey| KeySet::from_iter([key.verifying()]);
    let keys = |key: &TestKey| IssuerKeys::new(name(given), set(key));
    let issuers = issuers(&clock(), [TrustedIssuer::new(name(given), set(es256())).into()]);
    let text = token(given, es256()).sign(es256());
    for _ in 0..2 {
        assert!(judge(&issuers, &text).await.is_ok());
    }
    assert!(issuers.replace_keys(keys(ed_dsa())));
    let unknown = VerifyError::Key(KeyLookupError::UnknownKey);
    for _ in 0..2 {
        assert_eq!(judge(&issuers, &text).await, Err(unknown));
    }
    for _ in 0..2 {
        assert!(issuers.replace_keys(keys(es256())));
        assert!(judge(&issuers, &text).await.is_ok(), "judged anew with the key that serves now");
    }
}

#[tokio::test]
async fn a_token_seen_before_ends_to_the_second_with_its_time_and_does_not_begin_before_it() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    let issuers = at_keys(&clock, &issuer);
    let short = token(&issuer.issuer(), es256()).claim("exp", NOW + 60).sign(es256());
    for (time, verdict) in [
        (0, Ok(())),
        (59, Ok(())),
        // The leeway is a new check's to allow.
        (60, Ok(())),
        (89, Ok(())),
        (90, Err(VerifyError::Expired)),
        (-30, Ok(())),
        (-31, Err(VerifyError::NotYetValid)),
        (10, Ok(())),
    ] {
        clock.set(NOW + time);
        assert_eq!(judge(&issuers, &short).await.map(drop), verdict, "{time}");
    }
}

/// What happens to a server in the course of time.
#[derive(Debug, Clone)]
enum Event {
    /// Somebody calls with the token of that number.
    Call(usize),
    Time(i64),
    /// The issuer has these keys from now on: none, one, the other, both.
    Keys(usize),
    Renew,
    /// The issuer cannot be reached, or can be again.
    Outage(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let steps = vec![-90_000, -3600, -31, -1, 1, 29, 31, 59, 300, 3600, 90_000];
    prop_oneof![
        6 => (0..TOKENS).prop_map(Event::Call),
        2 => prop::sample::select(steps).prop_map(Event::Time),
        1 => (0..4_usize).prop_map(Event::Keys),
        1 => Just(Event::Renew),
        1 => any::<bool>().prop_map(Event::Outage),
    ]
}

const TOKENS: usize = 10;

/// Good ones of two keys, with long and short lives, now and later; and bad ones.
fn tokens(issuer: &str) -> [String; TOKENS] {
    let [one, other]: [&TestKey; 2] = [es256(), ed_dsa()];
    let good = |key| token(issuer, key);
    [
        good(one).sign(one),
        good(other).sign(other),
        good(one).claim("exp", NOW + 61).sign(one),
        good(other).claim("exp", NOW + 3700).sign(other),
        good(one).claim("nbf", NOW + 300).sign(one),
        good(one).claim("iat", NOW + 3600).claim("nbf", NOW).sign(one),
        good(one).without_header("kid").sign(one),
        good(one).sign(other),
        good(one).claim("aud", "http://elsewhere.example").sign(one),
        good(other).claim("iss", "http://elsewhere.example").sign(other),
    ]
}

struct World {
    issuer: TestIssuer,
    clock: std::sync::Arc<ManualClock>,
    keyring: Keyring,
    keys: usize,
    out: bool,
}

impl World {
    async fn new() -> Self {
        let (issuer, clock) = (TestIssuer::start().await, clock());
        let location = Location::At(issuer.url("/keys").parse().unwrap());
        let keyring = Keyring::new(&client(&clock), &name(&issuer.issuer()), location).unwrap();
        let world = Self { issuer, clock, keyring, keys: 3, out: false };
        world.serve();
        world
    }

    /// A verifier that has seen nothing yet, with the keys that all share.
    fn fresh(&self) -> Issuers {
        let trust = Trust::new(entry(&self.issuer.issuer())).keyring(self.keyring.clone());
        issuers(&self.clock, [trust])
    }

    fn serve(&self) {
        let keys: &[&TestKey] = match self.keys {
            0 => &[],
            1 => &[es256()],
            2 => &[ed_dsa()],
            _ => &[es256(), ed_dsa()],
        };
        let reply = if self.out { Reply::text("").status(500) } else { Reply::json(&jwks(keys)) };
        self.issuer.serve("/keys", reply);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_memory_answers_as_a_new_check_does(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            let remembering = world.fresh();
            let tokens = tokens(&world.issuer.issuer());
            for event in events {
                match event {
                    Event::Call(number) => {
                        let expected = judge(&world.fresh(), &tokens[number]).await;
                        let seen = judge(&remembering, &tokens[number]).await;
                        prop_assert_eq!(seen, expected, "token {} at {:?}", number, world.clock.now());
                    }
                    Event::Time(secs) => {
                        let now = world.clock.now().as_secs() + secs;
                        world.clock.set(now.max(NOW - 100_000));
                    }
                    Event::Renew => remembering.renew_due().await,
                    Event::Keys(keys) => {
                        world.keys = keys;
                        world.serve();
                    }
                    Event::Outage(out) => {
                        world.out = out;
                        world.serve();
                    }
                }
            }
            tokio::time::sleep(Duration::ZERO).await;
            Ok(())
        })?;
    }
}
