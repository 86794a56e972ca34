//! Keys that are fetched: good ones, bad ones, and none.

use std::{sync::Arc, time::Duration};

use auth_core::{Algorithm, KeyLookupError, NumericDate, VerifyError};
use bartizan::{Address, FetchFault, Issuers, Keyring, Location, Trust};
use serde_json::json;
use testkit::{ManualClock, NOW, Reply, TestIssuer, TestKey, jwks};

use crate::support::{
    HOUR, at_keys, client, clock, discovering, ed_dsa, entry, es256, fetching, issuers, judge,
    name, token,
};

const UNKNOWN: VerifyError = VerifyError::Key(KeyLookupError::UnknownKey);

/// What is wrong with the keys of the one issuer.
fn fault(issuers: &Issuers) -> Option<FetchFault> {
    issuers.status().remove(0).failing.map(|(_, error)| error.fault)
}

#[tokio::test]
async fn a_token_is_judged_with_the_keys_of_its_issuer() {
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[es256(), ed_dsa()]);
    let issuers = discovering(&clock(), &issuer);
    assert!(!issuers.status()[0].is_usable);
    for key in [es256(), ed_dsa()] {
        let good = token(&issuer.issuer(), key);
        let claims = judge(&issuers, &good.sign(key)).await.unwrap();
        assert_eq!(claims.issuer().as_str(), issuer.issuer());
        let stranger = TestKey::generate(key.algorithm());
        assert_eq!(judge(&issuers, &good.sign(&stranger)).await, Err(VerifyError::Signature));
    }
    assert_eq!(issuer.count("/keys"), 1);
    assert!(issuers.status()[0].is_usable && issuers.status()[0].failing.is_none());
}

#[tokio::test]
async fn a_hundred_first_requests_cause_one_fetch() {
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[es256()]);
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])).delay(Duration::from_millis(200)));
    let issuers = discovering(&clock(), &issuer);
    let text = token(&issuer.issuer(), es256()).sign(es256());
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (issuers, text) = (issuers.clone(), text.clone());
            tokio::spawn(async move { judge(&issuers, &text).await.is_ok() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    assert_eq!((issuer.count("/keys"), issuer.asked().len()), (1, 2));
}

#[tokio::test]
async fn whoever_goes_away_does_not_take_the_fetch_along() {
    let issuer = TestIssuer::start().await;
    let slow = Reply::json(&jwks(&[es256()])).delay(Duration::from_millis(100));
    issuer.serve("/keys", slow);
    let issuers = at_keys(&clock(), &issuer);
    let text = token(&issuer.issuer(), es256()).sign(es256());
    let first = judge(&issuers, &text);
    assert!(tokio::time::timeout(Duration::from_millis(20), first).await.is_err());
    assert!(judge(&issuers, &text).await.is_ok());
    assert_eq!(issuer.count("/keys"), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_seen_and_a_flood_of_unknown_ones_causes_one_fetch_in_10_s()
{
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let issuers = at_keys(&clock, &issuer);
    let new = token(&issuer.issuer(), ed_dsa()).sign(ed_dsa());
    assert!(judge(&issuers, &token(&issuer.issuer(), es256()).sign(es256())).await.is_ok());
    assert_eq!(issuer.count("/keys"), 1);

    for kid in 0..50 {
        let forged = token(&issuer.issuer(), es256()).header("kid", format!("kid-{kid}"));
        assert_eq!(judge(&issuers, &forged.sign(es256())).await, Err(UNKNOWN));
    }
    assert_eq!(issuer.count("/keys"), 1, "within 10 s of the first");

    issuer.serve("/keys", Reply::json(&jwks(&[es256(), ed_dsa()])));
    clock.advance(Duration::from_secs(9));
    assert_eq!(judge(&issuers, &new).await, Err(UNKNOWN));
    clock.advance(Duration::from_secs(1));
    assert!(judge(&issuers, &new).await.is_ok());
    for kid in 0..50 {
        let forged = token(&issuer.issuer(), es256()).header("kid", format!("kid-{kid}"));
        assert_eq!(judge(&issuers, &forged.sign(es256())).await, Err(UNKNOWN));
    }
    assert_eq!(issuer.count("/keys"), 2);
}

#[tokio::test]
async fn a_fault_that_no_key_mends_causes_no_fetch() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let issuers = at_keys(&clock, &issuer);
    assert!(judge(&issuers, &token(&issuer.issuer(), es256()).sign(es256())).await.is_ok());
    clock.advance(Duration::from_mins(1));
    let good = || token(&issuer.issuer(), es256());
    for bad in [
        good().claim("exp", NOW - 3600),
        good().claim("aud", "https://other.example"),
        good().claim("iss", "https://other.example").header("kid", "unknown"),
        good().header("typ", "JWT").header("kid", "unknown"),
    ] {
        assert!(judge(&issuers, &bad.sign(es256())).await.is_err());
    }
    assert_eq!(issuer.count("/keys"), 1);
}

#[tokio::test]
async fn a_new_key_under_an_old_kid_is_fetched_and_bad_signatures_cause_one_fetch_in_10_s() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let (old, new) = (TestKey::generate(Algorithm::Es256), TestKey::generate(Algorithm::Es256));
    // LemonLDAP::NG keeps the id when the key is renewed.
    let serve = |key: &TestKey| {
        let mut set = jwks(&[key]);
        set["keys"][0]["kid"] = json!("kept");
        issuer.serve("/keys", Reply::json(&set));
    };
    serve(&old);
    let issuers = at_keys(&clock, &issuer);
    let signed = |key: &TestKey| token(&issuer.issuer(), key).header("kid", "kept").sign(key);
    assert!(judge(&issuers, &signed(&old)).await.is_ok());
    serve(&new);
    assert_eq!(judge(&issuers, &signed(&new)).await, Err(VerifyError::Signature));
    assert_eq!(issuer.count("/keys"), 1, "within 10 s of the first");
    clock.advance(Duration::from_secs(10));
    assert!(judge(&issuers, &signed(&new)).await.is_ok());
    assert_eq!(judge(&issuers, &signed(&old)).await, Err(VerifyError::Signature));

    for round in 3..6 {
        clock.advance(Duration::from_secs(10));
        for _ in 0..50 {
            let forged = signed(&TestKey::generate(Algorithm::Es256));
            assert_eq!(judge(&issuers, &forged).await, Err(VerifyError::Signature));
        }
        assert_eq!(issuer.count("/keys"), round);
    }
    // Of another kind, under the same id.
    serve(ed_dsa());
    clock.advance(Duration::from_secs(10));
    assert!(judge(&issuers, &signed(ed_dsa())).await.is_ok());
}

#[tokio::test]
async fn a_set_that_has_not_changed_stays_the_one_it_was() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256(), ed_dsa()])));
    let keyring = Keyring::new(
        &client(&clock),
        &name(&issuer.issuer()),
        Location::At(issuer.url("/keys").parse().unwrap()),
    );
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).keyring(keyring.unwrap())]);
    let good = token(&issuer.issuer(), es256()).sign(es256()).parse().unwrap();
    let first = issuers.verify(&good).await.unwrap();
    clock.advance(Duration::from_secs(10));
    let forged = token(&issuer.issuer(), es256()).sign(&TestKey::generate(Algorithm::Es256));
    assert_eq!(judge(&issuers, &forged).await, Err(VerifyError::Signature));
    assert_eq!(issuer.count("/keys"), 2);
    let again = issuers.verify(&good).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "what was checked with it is remembered");
    // Another order is another set: of two keys under one id the first counts.
    issuer.serve("/keys", Reply::json(&jwks(&[ed_dsa(), es256()])));
    clock.advance(Duration::from_secs(10));
    assert_eq!(judge(&issuers, &forged).await, Err(VerifyError::Signature));
    let anew = issuers.verify(&good).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &anew));
}

#[tokio::test]
async fn a_token_without_kid_finds_the_key_that_took_the_place_of_the_old_one() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let (old, new) = (TestKey::generate(Algorithm::Es256), TestKey::generate(Algorithm::Es256));
    issuer.serve("/keys", Reply::json(&jwks(&[&old])));
    let issuers = at_keys(&clock, &issuer);
    let bare = |key: &TestKey| token(&issuer.issuer(), key).without_header("kid").sign(key);
    assert!(judge(&issuers, &bare(&old)).await.is_ok());
    issuer.serve("/keys", Reply::json(&jwks(&[&new])));
    assert_eq!(judge(&issuers, &bare(&new)).await, Err(VerifyError::Signature));
    clock.advance(Duration::from_secs(10));
    assert!(judge(&issuers, &bare(&new)).await.is_ok());
    assert_eq!(judge(&issuers, &bare(&old)).await, Err(VerifyError::Signature));
    // A key of another kind in its place.
    issuer.serve("/keys", Reply::json(&jwks(&[ed_dsa()])));
    clock.advance(Duration::from_secs(10));
    assert!(judge(&issuers, &bare(ed_dsa())).await.is_ok());
}

#[tokio::test]
async fn keys_are_renewed_ahead_of_time_while_the_old_ones_serve_and_a_removed_one_counts_no_more()
{
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let serve = |keys: &[&TestKey]| {
        let reply = Reply::json(&jwks(keys)).header("cache-control", "public, max-age=3600");
        issuer.serve("/keys", reply.delay(Duration::from_millis(50)));
    };
    serve(&[es256(), ed_dsa()]);
    let issuers = at_keys(&clock, &issuer);
    let (kept, removed) = (
        token(&issuer.issuer(), es256()).sign(es256()),
        token(&issuer.issuer(), ed_dsa()).sign(ed_dsa()),
    );
    assert!(judge(&issuers, &kept).await.is_ok());
    serve(&[es256()]);
    clock.advance(Duration::from_secs(2879));
    issuers.renew_due().await;
    assert!(judge(&issuers, &removed).await.is_ok());
    assert_eq!(issuer.count("/keys"), 1, "not yet");

    clock.advance(Duration::from_secs(1));
    assert!(judge(&issuers, &removed).await.is_ok(), "the old keys serve while new ones come");
    issuers.renew_due().await;
    assert_eq!(judge(&issuers, &removed).await, Err(UNKNOWN));
    assert!(judge(&issuers, &kept).await.is_ok());
    assert_eq!(issuer.count("/keys"), 2);
}

#[tokio::test]
async fn keys_that_were_fetched_serve_on_with_settings_that_were_read_again() {
    let (mut issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let before = at_keys(&clock, &issuer);
    let good = token(&issuer.issuer(), es256()).sign(es256());
    assert!(judge(&before, &good).await.is_ok());
    let (same, apart) = (at_keys(&clock, &issuer), discovering(&clock, &issuer));
    issuer.stop().await;
    for issuers in [&same, &apart] {
        issuers.begin_with(&before);
    }
    assert!(judge(&same, &good).await.is_ok(), "the issuer cannot be asked now");
    assert_eq!(same.status(), before.status());
    // Keys of another place are not those that the settings mean.
    assert!(judge(&apart, &good).await.is_err());
}

#[tokio::test]
async fn a_set_without_keys_takes_all_of_them_back() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let issuers = at_keys(&clock, &issuer);
    let good = token(&issuer.issuer(), es256()).sign(es256());
    assert!(judge(&issuers, &good).await.is_ok());
    issuer.serve("/keys", Reply::json(&json!({ "keys": [] })));
    clock.advance(HOUR);
    issuers.renew_due().await;
    assert_eq!(judge(&issuers, &good).await, Err(UNKNOWN));
    assert_eq!(fault(&issuers), Some(FetchFault::NoKeys));
    assert!(!issuers.status()[0].is_usable);
}

#[tokio::test]
async fn known_keys_serve_through_an_outage_of_an_hour_and_not_of_two_days() {
    let (mut issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    let issuers = discovering(&clock, &issuer);
    let good = token(&issuer.issuer(), es256()).sign(es256());
    let unknown = token(&issuer.issuer(), ed_dsa()).sign(ed_dsa());
    assert!(judge(&issuers, &good).await.is_ok());
    issuer.stop().await;

    for _ in 0..6 {
        clock.advance(HOUR / 6);
        issuers.renew_due().await;
        assert!(judge(&issuers, &good).await.is_ok());
        assert_eq!(judge(&issuers, &unknown).await, Err(UNKNOWN));
    }
    let status = issuers.status().remove(0);
    assert!(status.is_usable);
    let (since, error) = status.failing.unwrap();
    assert_eq!(since, NumericDate::from_secs(NOW + 600).unwrap());
    assert!(matches!(error.fault, FetchFault::Unreachable(_)), "{error}");

    // Ten minutes of its own, and a day: not a second longer.
    clock.set(NOW + 600 + 24 * 3600 - 1);
    assert!(judge(&issuers, &good).await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(judge(&issuers, &good).await, Err(UNKNOWN));
    let status = issuers.status().remove(0);
    assert!(!status.is_usable && status.failing.unwrap().0 == since);
}

#[tokio::test]
async fn the_bound_of_an_outage_is_a_setting() {
    let (mut issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let location = Location::At(issuer.url("/keys").parse().unwrap());
    let (client, id) = (client(&clock), name(&issuer.issuer()));
    let keyring = Keyring::with_outage(&client, &id, location, HOUR).unwrap();
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).keyring(keyring)]);
    let good = token(&issuer.issuer(), es256()).sign(es256());
    assert!(judge(&issuers, &good).await.is_ok());
    issuer.stop().await;
    clock.advance(HOUR + Duration::from_secs(599));
    assert!(judge(&issuers, &good).await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(judge(&issuers, &good).await, Err(UNKNOWN));
}

#[tokio::test]
async fn an_issuer_that_comes_back_is_asked_again_and_all_is_well() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::text("").status(500));
    let issuers = at_keys(&clock, &issuer);
    let good = token(&issuer.issuer(), es256()).sign(es256());
    assert_eq!(judge(&issuers, &good).await, Err(UNKNOWN));
    assert_eq!(fault(&issuers), Some(FetchFault::Status(500)));
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    for _ in 0..20 {
        assert_eq!(judge(&issuers, &good).await, Err(UNKNOWN), "not so soon after a failure");
        issuers.renew_due().await;
    }
    assert_eq!(issuer.count("/keys"), 1);
    clock.advance(Duration::from_secs(10));
    assert!(judge(&issuers, &good).await.is_ok());
    assert_eq!(fault(&issuers), None);
}

#[tokio::test]
async fn answers_that_are_no_key_set_are_of_no_use_and_old_keys_serve_on() {
    let redirected = Reply::text("").status(302).header("location", "/other");
    let huge = json!({ "keys": jwks(&[ed_dsa()])["keys"], "filler": "x".repeat(256 * 1024) });
    let not_a_set = FetchFault::Malformed("a JWK Set (RFC 7517 section 5)");
    for (reply, expected) in [
        (Reply::text("").status(500), FetchFault::Status(500)),
        (Reply::json(&jwks(&[ed_dsa()])).status(404), FetchFault::Status(404)),
        (Reply::json(&jwks(&[ed_dsa()])).status(203), FetchFault::Status(203)),
        (redirected, FetchFault::Status(302)),
        (Reply::json(&huge), FetchFault::TooLong),
        (Reply::text("<html>"), not_a_set.clone()),
        (Reply::text([0xFF, 0xFE]), not_a_set.clone()),
        (Reply::json(&json!([])), not_a_set.clone()),
        (Reply::json(&json!({ "keys": {} })), not_a_set.clone()),
        (Reply::text(""), not_a_set),
    ] {
        let (issuer, clock) = (TestIssuer::start().await, clock());
        issuer.serve("/other", Reply::json(&jwks(&[ed_dsa()])));
        issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
        let issuers = at_keys(&clock, &issuer);
        let old = token(&issuer.issuer(), es256()).sign(es256());
        let new = token(&issuer.issuer(), ed_dsa()).sign(ed_dsa());
        assert!(judge(&issuers, &old).await.is_ok());
        issuer.serve("/keys", reply);
        clock.advance(Duration::from_mins(1));
        assert_eq!(judge(&issuers, &new).await, Err(UNKNOWN), "{expected}");
        assert!(judge(&issuers, &old).await.is_ok(), "{expected}");
        assert_eq!(fault(&issuers), Some(expected));
        assert_eq!(issuer.count("/other"), 0, "no redirect is followed");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_dawdles_is_not_waited_for() {
    let issuer = TestIssuer::start().await;
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])).delay(Duration::from_mins(1)));
    let issuers = at_keys(&clock(), &issuer);
    let good = token(&issuer.issuer(), es256()).sign(es256());
    let began = tokio::time::Instant::now();
    assert_eq!(judge(&issuers, &good).await, Err(UNKNOWN));
    assert!(began.elapsed() < Duration::from_secs(6));
    assert_eq!(fault(&issuers), Some(FetchFault::Timeout));
}

#[tokio::test]
async fn one_bad_key_does_not_spoil_a_set_and_only_64_are_read() {
    let issuer = TestIssuer::start().await;
    let good = jwks(&[es256()])["keys"][0].clone();
    let bad = json!([
        1,
        { "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short" },
        { "kty": "oct", "k": "c2VjcmV0", "kid": "secret" },
        { "kty": "PQC", "kid": "unheard-of" },
        { "kty": "EC", "crv": "P-256", "x": "!", "y": "!", "kid": "no base64url" },
    ]);
    let mut keys = bad.as_array().unwrap().clone();
    keys.push(good);
    keys.extend(vec![json!({}); 58]);
    keys.push(jwks(&[ed_dsa()])["keys"][0].clone());
    assert_eq!(keys.len(), 65);
    issuer.serve("/keys", Reply::json(&json!({ "keys": keys })));
    let issuers = at_keys(&clock(), &issuer);
    assert!(judge(&issuers, &token(&issuer.issuer(), es256()).sign(es256())).await.is_ok());
    let last = token(&issuer.issuer(), ed_dsa()).sign(ed_dsa());
    assert_eq!(judge(&issuers, &last).await, Err(UNKNOWN));
}

#[tokio::test]
async fn two_issuers_with_the_same_kid_are_not_mixed_up() {
    let (one, two, clock) = (TestIssuer::start().await, TestIssuer::start().await, clock());
    let stranger = TestKey::generate(Algorithm::Es256);
    let kid = es256().signing().id().unwrap().as_str().to_owned();
    let mut same = jwks(&[&stranger]);
    same["keys"][0]["kid"] = json!(kid);
    one.serve("/keys", Reply::json(&jwks(&[es256()])));
    two.serve("/keys", Reply::json(&same));
    let trust = |issuer: &TestIssuer| {
        let location = Location::At(issuer.url("/keys").parse().unwrap());
        fetching(&clock, &issuer.issuer(), location)
    };
    let issuers = issuers(&clock, [trust(&one), trust(&two)]);
    for (issuer, own, other) in [(&one, es256(), &stranger), (&two, &stranger, es256())] {
        let forge = token(&issuer.issuer(), own).header("kid", kid.as_str());
        assert!(judge(&issuers, &forge.sign(own)).await.is_ok());
        assert_eq!(judge(&issuers, &forge.sign(other)).await, Err(VerifyError::Signature));
    }
}

#[tokio::test]
async fn an_outage_of_one_issuer_is_no_outage_of_another() {
    let (mut down, up, clock) = (TestIssuer::start().await, TestIssuer::start().await, clock());
    down.stop().await;
    up.serve_keys(&[es256()]);
    let trust = |issuer: &TestIssuer| fetching(&clock, &issuer.issuer(), Location::Discover);
    let issuers = issuers(&clock, [trust(&down), trust(&up)]);
    assert_eq!(judge(&issuers, &token(&down.issuer(), es256()).sign(es256())).await, Err(UNKNOWN));
    assert!(judge(&issuers, &token(&up.issuer(), es256()).sign(es256())).await.is_ok());
    let usable: Vec<_> = issuers.status().into_iter().map(|status| status.is_usable).collect();
    assert_eq!(usable, [false, true]);
}

#[tokio::test]
async fn keys_are_there_before_anybody_asks_and_nothing_is_fetched_after_the_stop() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let issuers = at_keys(&clock, &issuer);
    let keeper = issuers.clone();
    let keeping = tokio::spawn(async move { keeper.keep_fresh().await });
    while !issuers.status()[0].is_usable {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    keeping.abort();
    assert!(keeping.await.unwrap_err().is_cancelled());
    assert_eq!(issuer.count("/keys"), 1);
}

#[tokio::test]
async fn an_hour_back_on_the_clock_stops_nothing() {
    let (issuer, clock): (_, Arc<ManualClock>) = (TestIssuer::start().await, clock());
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let issuers = at_keys(&clock, &issuer);
    let old = token(&issuer.issuer(), es256()).claim("iat", 1).claim("nbf", 1);
    assert!(judge(&issuers, &old.sign(es256())).await.is_ok());
    clock.set(NOW - 3600);
    issuers.renew_due().await;
    assert_eq!(issuer.count("/keys"), 2, "an age that cannot be told is none");
    assert!(judge(&issuers, &old.sign(es256())).await.is_ok());
}

#[test]
fn plain_http_to_elsewhere_is_refused_from_the_start() {
    assert!("http://login.example/keys".parse::<Address>().is_err());
    let client = client(&clock());
    for issuer in ["http://login.example", "login.example", "https://login.example/?tenant=a"] {
        assert!(Keyring::new(&client, &name(issuer), Location::Discover).is_err(), "{issuer}");
    }
}
