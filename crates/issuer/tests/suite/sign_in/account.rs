//! The account page.

use std::time::Duration;

use auth_core::oauth::SecretDigest;
use directory::authorization::NewSession;
use http::StatusCode;

use super::{
    PASSWORD, assert_signed_in, assert_wrong, codes_on, key_on, sessions, set_password, sign_in,
    totp, user,
};
use crate::common::{Browser, World};

const NEW: &str = "a lamp walks over the hill";
const CHANGE: &str = "/account/password";

async fn change(browser: &mut Browser, fields: &[(&str, &str)]) -> crate::common::Answer {
    let page = browser.get("/account").await;
    browser.submit(page.form(CHANGE), fields).await
}

#[tokio::test]
async fn every_form_of_the_account_page_is_of_one_session() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let mut bob = world.signed_in("bob").await;
    let of_bob = bob.get("/account").await.form("/sign-out");
    let of_bob = of_bob.fields.into_iter().find(|it| it.0 == "csrf").unwrap().1;
    for path in [
        "/account/connections/end",
        "/account/connections/end-all",
        "/account/sessions/end",
        "/account/sessions/end-others",
        "/account/password",
        "/account/second-factor",
        "/account/second-factor/confirm",
        "/account/second-factor/off",
        "/account/recovery-codes",
    ] {
        let mut nobody = world.browser();
        nobody.get("/account").await;
        for csrf in ["", "x", &of_bob] {
            let body = auth_core::oauth::encode([("csrf", csrf), ("new_password", NEW)]);
            let answer = alice.post(path, body.clone()).await;
            assert!(answer.body.contains("open for too long"), "{path}: {answer:?}");
            let answer = nobody.post(path, body).await;
            assert!(answer.body.contains("name=\"secret\""), "{path}: {answer:?}");
        }
        assert_eq!(alice.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert!(world.store.password(&user(&world, "alice")).await.unwrap().is_none());
    assert!(world.store.second_factor(&user(&world, "alice")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_form_of_the_session_before_is_refused_in_the_same_browser() {
    let world = World::new().await;
    let mut browser = world.signed_in("alice").await;
    let of_alice = browser.get("/account").await.form(CHANGE);
    browser.begin_session(&world, "bob").await;
    let new = [("new_password", NEW), ("repeated_password", NEW)];
    let answer = browser.submit(of_alice, &new).await;
    assert!(answer.body.contains("open for too long"), "{answer:?}");
    for subject in ["alice", "bob"] {
        assert!(world.store.password(&user(&world, subject)).await.unwrap().is_none());
    }
    assert!(change(&mut browser, &new).await.body.contains("class=\"success\""));
}

#[tokio::test]
async fn connections_are_shown_and_end_with_their_tokens() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    let of_bob = world.tokens("bob").await;
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let mut alice = world.signed_in("alice").await;
    let mut bob = world.signed_in("bob").await;
    let page = alice.get("/account").await;
    assert!(page.body.contains("Public Client") && page.body.contains("User.Read"));
    let form = page.form("/account/connections/end");
    // Bob cannot end what is alice's.
    let id = form.fields.iter().find(|it| it.0 == "id").unwrap().1.clone();
    let theirs = bob.get("/account").await.form("/account/connections/end");
    bob.submit(theirs, &[("id", &id)]).await;
    let kept = world.refresh(&refresh).await.json();
    let refresh = kept["refresh_token"].as_str().unwrap().to_owned();
    let page = alice.submit(form, &[]).await;
    assert!(!page.body.contains("Public Client"), "{page:?}");
    assert_eq!(world.refresh(&refresh).await.error(), "invalid_grant");
    let revoked = directory::Directory::revoked_tokens(world.store.users()).await.unwrap();
    assert_eq!(revoked.len(), 2);
    let kept = world.refresh(of_bob["refresh_token"].as_str().unwrap()).await;
    assert_eq!(kept.status, StatusCode::OK);
}

#[tokio::test]
async fn the_account_page_says_when_a_connection_was_last_used() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    let shown = async || {
        let page = world.signed_in("alice").await.get("/account").await.body;
        let row = page.split("<dt>Last used</dt>").nth(1).unwrap();
        let row = row.split("</dd>").next().unwrap();
        row.split_once('>').unwrap().1.split_once('>').unwrap().1.replace("</time>", "")
    };
    assert_eq!(shown().await, "just now");
    world.clock.advance(Duration::from_hours(3));
    assert_eq!(shown().await, "3 hours ago");
    let refreshed = world.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_eq!(shown().await, "just now");
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(shown().await, "2 minutes ago");
}

#[tokio::test]
async fn all_connections_end_at_once() {
    let world = World::new().await;
    let first = world.tokens("alice").await["refresh_token"].as_str().unwrap().to_owned();
    let second = world.tokens("alice").await["refresh_token"].as_str().unwrap().to_owned();
    let mut alice = world.signed_in("alice").await;
    let page = alice.get("/account").await;
    alice.submit(page.form("/account/connections/end-all"), &[]).await;
    for token in [first, second] {
        assert_eq!(world.refresh(&token).await.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn browser_sessions_end_one_by_one_or_all_others() {
    let world = World::new().await;
    let mut browsers = Vec::new();
    for _ in 0..4 {
        browsers.push(world.signed_in("alice").await);
    }
    let mut bob = world.signed_in("bob").await;
    let (first, others) = browsers.split_first_mut().unwrap();
    let page = first.get("/account").await;
    let form = page.form("/account/sessions/end");
    let id = form.fields.iter().find(|it| it.0 == "id").unwrap().1.clone();
    let theirs = bob.get("/account").await.form("/sign-out");
    let csrf = &theirs.fields.iter().find(|it| it.0 == "csrf").unwrap().1;
    let body = auth_core::oauth::encode([("csrf", csrf.as_str()), ("id", &id)]);
    bob.post("/account/sessions/end", body).await;
    assert_eq!(sessions(&world, "alice").await.len(), 4);
    let page = first.submit(form, &[]).await;
    assert_eq!(sessions(&world, "alice").await.len(), 3);
    first.submit(page.form("/account/sessions/end-others"), &[]).await;
    assert_eq!(sessions(&world, "alice").await.len(), 1);
    // This one ends by signing out.
    let this = sessions(&world, "alice").await.first().unwrap().begun.id.clone();
    let form = first.get("/account").await.form("/sign-out");
    let csrf = &form.fields.iter().find(|it| it.0 == "csrf").unwrap().1;
    let body = auth_core::oauth::encode([("csrf", csrf.as_str()), ("id", &this)]);
    first.post("/account/sessions/end", body).await;
    assert!(first.get("/account").await.body.contains(CHANGE));
    for other in others {
        assert!(!other.get("/account").await.body.contains(CHANGE));
    }
    assert_eq!(sessions(&world, "bob").await.len(), 1);
}

#[tokio::test]
async fn a_password_is_changed_with_the_one_before_and_ends_other_sessions() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut other = world.signed_in("alice").await;
    let mut alice = world.signed_in("alice").await;
    world.clock.advance(Duration::from_mins(6));
    let new = [("new_password", NEW), ("repeated_password", NEW)];
    let with = |current| [&new[..], &[("current_password", current)]].concat();
    for fields in [with("not the password"), with("")] {
        change(&mut alice, &fields).await;
        assert_wrong(&world.browser(), &sign_in(&mut world.browser(), "alice", NEW).await);
    }
    assert_eq!(sessions(&world, "alice").await.len(), 2);
    let page = change(&mut alice, &with(PASSWORD)).await;
    assert!(page.body.contains("class=\"success\""), "{page:?}");
    assert!(!other.get("/account").await.body.contains(CHANGE));
    assert!(alice.get("/account").await.body.contains(CHANGE));
    assert_wrong(&world.browser(), &sign_in(&mut world.browser(), "alice", PASSWORD).await);
    assert_signed_in(&sign_in(&mut world.browser(), "alice", NEW).await);
}

#[tokio::test]
async fn the_current_password_is_guessed_a_few_times() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut alice = world.signed_in("alice").await;
    world.clock.advance(Duration::from_mins(6));
    let new = [("new_password", NEW), ("repeated_password", NEW)];
    for _ in 0..10 {
        change(&mut alice, &[&new[..], &[("current_password", "a guess")]].concat()).await;
    }
    let answer = change(&mut alice, &[&new[..], &[("current_password", PASSWORD)]].concat()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn just_after_signing_in_another_way_a_password_is_set_without_the_one_before() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut alice = world.signed_in("alice").await;
    let page = alice.get("/account").await;
    assert!(!page.body.contains("current_password"));
    let new = [("new_password", NEW), ("repeated_password", NEW)];
    let page = change(&mut alice, &new).await;
    assert!(page.body.contains("class=\"success\""), "{page:?}");
    // A first password later than that needs a fresh sign-in.
    let mut bob = world.signed_in("bob").await;
    world.clock.advance(Duration::from_mins(6));
    let page = change(&mut bob, &new).await;
    assert!(page.body.contains("name=\"secret\""), "the sign-in page");
    assert!(world.store.password(&user(&world, "bob")).await.unwrap().is_none());
}

#[tokio::test]
async fn passwords_that_are_short_easy_or_differ_are_refused() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for (new, repeated) in [
        ("short", "short"),
        ("passwordpassword", "passwordpassword"),
        ("alicealicealice!", "alicealicealice!"),
        ("WDJB-MJHT-BCDF", "WDJB-MJHT-BCDF"),
        (NEW, "another one, by mistake"),
    ] {
        let fields = [("new_password", new), ("repeated_password", repeated)];
        let page = change(&mut alice, &fields).await;
        assert!(page.body.contains("role=\"alert\""), "{new}: {page:?}");
        assert!(world.store.password(&user(&world, "alice")).await.unwrap().is_none(), "{new}");
        assert!(!page.body.contains(new) || new == "short", "{new}");
    }
}

#[tokio::test]
async fn a_second_factor_is_set_up_fresh_and_turned_off_with_a_code() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    world.clock.advance(Duration::from_mins(6));
    let page = alice.get("/account").await;
    let page = alice.submit(page.form("/account/second-factor"), &[]).await;
    assert!(page.body.contains("name=\"secret\""), "the sign-in page");
    let mut alice = world.signed_in("alice").await;
    let page = alice.get("/account").await;
    let page = alice.submit(page.form("/account/second-factor"), &[]).await;
    let key = key_on(&page);
    let form = page.form("/account/second-factor/confirm");
    assert_eq!(sessions(&world, "alice").await.len(), 2);
    let codes = alice.submit(form.clone(), &[("code", &totp(&world, &key, 0))]).await;
    let codes = codes_on(&codes);
    // Sessions from before did not need it. This one goes on.
    assert_eq!(sessions(&world, "alice").await.len(), 1);
    // It is not replaced by another.
    let account = alice.get("/account").await;
    assert!(!account.forms().iter().any(|form| form.action == "/account/second-factor"));
    alice.submit(form, &[("code", &totp(&world, &key, 1))]).await;
    let off = account.form("/account/second-factor/off");
    let page = alice.submit(off.clone(), &[("code", "000000")]).await;
    assert!(page.body.contains("role=\"alert\""), "{page:?}");
    let renew = account.form("/account/recovery-codes");
    let renewed = codes_on(&alice.submit(renew, &[("code", &totp(&world, &key, 1))]).await);
    assert_eq!(renewed.len(), 10);
    let page = alice.submit(off.clone(), &[("code", &codes[0])]).await;
    assert!(page.body.contains("role=\"alert\""), "codes before are none: {page:?}");
    assert!(world.store.second_factor(&user(&world, "alice")).await.unwrap().is_some());
    let name = user(&world, "alice");
    let other = NewSession {
        digest: SecretDigest::from_bytes([1; 32]),
        id: "other".into(),
        user: name.clone(),
        method: "link+totp".parse().unwrap(),
        user_agent: String::new(),
        created_at: auth_core::Clock::now(&*world.clock),
        expires_at: auth_core::Clock::now(&*world.clock).plus(Duration::from_hours(1)),
    };
    assert!(world.store.begin_browser_session(&other).await.unwrap());
    assert_eq!(sessions(&world, "alice").await.len(), 2);
    alice.submit(off, &[("code", &renewed[0])]).await;
    assert!(world.store.second_factor(&name).await.unwrap().is_none());
    assert_eq!(sessions(&world, "alice").await.len(), 1);
    assert!(alice.get("/account").await.body.contains(CHANGE));
}
