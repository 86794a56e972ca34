//! A provider that is down, slow, or not what it says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{StatusCode, header};
use issuer::{Change, ChangeObserver};
use testkit::{NOW, Reply};

use crate::world::World;

#[tokio::test]
async fn a_provider_that_is_down_is_named_and_another_way_is_open() {
    let mut world = World::new().await;
    world.idp.stop().await;
    let answer = world.browser().choose("idp", "/account").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("does not answer"), "{}", answer.body);
    assert!(answer.body.contains("href=\"/account\""), "{}", answer.body);
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_again_at_once() {
    let world = World::new().await;
    let path = "/realms/a/.well-known/openid-configuration";
    world.idp.serve(path, Reply::text("x").status(503));
    for _ in 0..5 {
        let answer = world.browser().choose("idp", "/account").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(world.idp.count(path), 1);
    world.serve_metadata(|_| {});
    world.clock.set(NOW + 10);
    assert_eq!(world.browser().choose("idp", "/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_known_of_a_provider_serves_while_it_cannot_be_asked() {
    let world = World::new().await;
    world.sign_in(&mut world.browser(), "idp", |it| it).await;
    let path = "/realms/a/.well-known/openid-configuration";
    world.idp.serve(path, Reply::text("x").status(503));
    world.idp.serve("/keys", Reply::text("x").status(503));
    world.clock.set(NOW + 4 * 3600);
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    world.clock.set(NOW + 26 * 3600);
    let answer = world.browser().choose("idp", "/account").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_slow_provider_is_given_up() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.idp.serve("/token", Reply::text("{}").delay(Duration::from_secs(30)));
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!browser.is_signed_in());
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_other_addresses_is_not_used() {
    for change in [
        |it: &mut serde_json::Value| it["issuer"] = "https://evil.example".into(),
        |it: &mut serde_json::Value| it["authorization_endpoint"] = "http://evil.example/".into(),
        |it: &mut serde_json::Value| it["authorization_endpoint"] = "javascript:alert(1)".into(),
        |it: &mut serde_json::Value| it["token_endpoint"] = "http://10.0.0.1/".into(),
        |it: &mut serde_json::Value| it["token_endpoint"] = "https://10.0.0.1/".into(),
        |it: &mut serde_json::Value| it["jwks_uri"] = "https://169.254.169.254/latest".into(),
        |it: &mut serde_json::Value| it["jwks_uri"] = serde_json::Value::Null,
        |it: &mut serde_json::Value| it["userinfo_endpoint"] = "file:///etc/passwd".into(),
    ] {
        let world = World::new().await;
        world.serve_metadata(change);
        let answer = world.browser().choose("idp", "/account").await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", answer.body);
    }
}

#[tokio::test]
async fn thirty_two_sign_ins_wait_for_a_provider_at_most() {
    let world = World::new().await;
    let mut waiting = Vec::new();
    for _ in 0..33 {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        waiting.push((browser, begun));
    }
    world.idp.serve("/token", Reply::text("{}").delay(Duration::from_secs(2)));
    let tasks = waiting.into_iter().map(|(mut browser, begun)| {
        tokio::spawn(async move { browser.come_back("idp", &begun).await.status })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(task.await.unwrap() == StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(refused, 1);
    assert_eq!(world.exchanges(), 32);
}

/// An audit log that can be full.
#[derive(Default)]
struct Log {
    is_full: AtomicBool,
}

impl ChangeObserver for Log {
    fn can_record(&self) -> bool {
        !self.is_full.load(Ordering::Relaxed)
    }

    fn observe(&self, change: &Change<'_>) {
        assert!(self.can_record(), "{change:?}");
    }
}

#[tokio::test]
async fn nobody_comes_back_to_a_session_while_it_could_not_be_recorded() {
    let world = World::new().await;
    let log = Arc::<Log>::default();
    world.servers[0].observe_with(Arc::clone(&log) as _);
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    log.is_full.store(true, Ordering::Relaxed);
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(!browser.is_signed_in());
    assert_eq!((world.exchanges(), world.user("idp|248289761001").await), (0, None));
    // The sign-in was not used up.
    log.is_full.store(false, Ordering::Relaxed);
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert!(browser.is_signed_in());
}
