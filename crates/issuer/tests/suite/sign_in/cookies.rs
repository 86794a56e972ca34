//! Cookies and sessions.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};

use super::{PASSWORD, assert_signed_in, disable, enable, sessions, set_password, sign_in};
use crate::common::World;

const SESSION: &str = "bartizan_session";

#[tokio::test]
async fn cookies_have_every_attribute() {
    for (issuer, path, prefix, attributes) in [
        ("http://localhost:8000", "", "", "Path=/"),
        ("https://as.example", "", "__Host-", "Path=/; Secure"),
        ("https://as.example/auth", "/auth", "__Secure-", "Path=/auth; Secure"),
    ] {
        let world = World::with(|config| config.issuer = issuer.parse().unwrap()).await;
        set_password(&world, "alice").await;
        let mut browser = world.browser();
        let page = browser.get(&format!("{path}/sign-in")).await;
        let form = page.form(&format!("{path}/sign-in"));
        let fields = [("user", "alice"), ("secret", PASSWORD)];
        let answer = browser.submit(form, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{issuer}: {answer:?}");
        let all = page.headers.get_all("set-cookie").iter();
        let all: Vec<_> = all.chain(answer.headers.get_all("set-cookie")).collect();
        assert_eq!(all.len(), 3, "{all:?}");
        for cookie in all {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with(&format!("{prefix}bartizan_")), "{cookie}");
            let needed = attributes.split("; ").chain(["HttpOnly", "SameSite=Lax"]);
            for attribute in needed {
                assert!(cookie.split("; ").any(|it| it == attribute), "{cookie}: {attribute}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_planted_is_worth_nothing_after_signing_in() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let planted = "A".repeat(43);
    let mut browser = world.browser();
    browser.cookies.insert(SESSION.into(), planted.clone());
    assert_signed_in(&sign_in(&mut browser, "alice", PASSWORD).await);
    let first = browser.cookies[SESSION].clone();
    assert_ne!(first, planted);
    // Signing in once more ends the session before.
    let mut mallory = world.browser();
    mallory.cookies.insert(SESSION.into(), first.clone());
    assert!(mallory.get("/account").await.body.contains("alice"));
    let link = super::add_link(&world, "alice").await;
    let page = browser.get(&format!("/sign-in/link?token={}", link.expose())).await;
    assert_signed_in(&browser.submit(page.form("/sign-in/link"), &[]).await);
    assert_ne!(browser.cookies[SESSION], first);
    assert_eq!(mallory.get("/account").await.forms().len(), 1, "the sign-in page");
    assert_eq!(sessions(&world, "alice").await.len(), 1);
}

#[tokio::test]
async fn two_cookies_of_one_name_are_none() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    assert!(alice.get("/account").await.body.contains("/account/password"));
    let token = alice.cookies[SESSION].clone();
    alice.cookies.insert("a".into(), format!("b; {SESSION}={token}"));
    assert!(!alice.get("/account").await.body.contains("/account/password"));
}

#[tokio::test]
async fn a_session_ends_with_its_time_by_disuse_and_with_its_user() {
    let world = World::new().await;
    let is_signed_in = async |browser: &mut crate::common::Browser| {
        browser.get("/account").await.body.contains("/account/password")
    };
    let mut idle = world.signed_in("alice").await;
    let mut used = world.signed_in("alice").await;
    for _ in 0..7 {
        assert!(is_signed_in(&mut used).await);
        world.clock.advance(Duration::from_hours(23));
    }
    assert!(!is_signed_in(&mut idle).await);
    assert!(is_signed_in(&mut used).await);
    world.clock.advance(Duration::from_hours(8));
    assert!(!is_signed_in(&mut used).await);
    let mut bob = world.signed_in("bob").await;
    assert!(is_signed_in(&mut bob).await);
    let mut same_cookie = bob.clone();
    disable(&world, "bob").await;
    assert!(!is_signed_in(&mut bob).await);
    // Who is enabled again signs in again.
    enable(&world, "bob").await;
    assert!(!is_signed_in(&mut same_cookie).await);
    assert!(is_signed_in(&mut world.signed_in("bob").await).await);
}

#[tokio::test]
async fn a_form_of_another_site_signs_no_one_out() {
    let world = World::new().await;
    // A browser sends no cookie of ours with it, and would keep what the answer sets.
    let answer = world.post("/sign-out", &[("csrf", "x")]).await;
    let set = answer.headers.get_all("set-cookie").iter();
    assert!(set.into_iter().all(|it| !it.to_str().unwrap().starts_with(SESSION)), "{answer:?}");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_needs_a_form_of_it() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let token = alice.cookies[SESSION].clone();
    let refused = alice.post("/sign-out", "csrf=x".into()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let page = alice.get("/account").await;
    let out = alice.submit(page.form("/sign-out"), &[]).await;
    assert_eq!(out.status, StatusCode::OK);
    assert!(!alice.cookies.contains_key(SESSION));
    alice.cookies.insert(SESSION.into(), token);
    assert!(!alice.get("/account").await.body.contains("/account/password"));
    // From a consent page, on to the same request as another user.
    let mut bob = world.signed_in("bob").await;
    let path = crate::common::authorize(&[]);
    let consent = bob.get(&path).await;
    let out = bob.submit(consent.form("/sign-out"), &[]).await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, &*path));
    assert!(!bob.cookies.contains_key(SESSION));
}

/// Browsers send no cookie with a form of another site, and keep the one that its answer sets.
#[tokio::test]
async fn a_form_of_another_site_gives_the_browser_no_name() {
    let world = World::new().await;
    for (site, sets) in [("cross-site", false), ("same-origin", true)] {
        let request = Request::post("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site);
        let answer = world.send(request.body(Body::from("user=a&secret=b")).unwrap()).await;
        assert_eq!(answer.headers.contains_key(header::SET_COOKIE), sets, "{site}: {answer:?}");
    }
}
