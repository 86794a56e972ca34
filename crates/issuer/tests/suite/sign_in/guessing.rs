//! Guessing, from one address and from many.

use std::time::Duration;

use auth_core::oauth::encode;
use axum::body::Body;
use http::{Request, StatusCode};
use issuer::PeerAddress;

use super::{PASSWORD, add_code, add_link, assert_signed_in, assert_wrong, set_password, sign_in};
use crate::common::{Answer, Browser, World};

/// The same as [`sign_in`], from an address of its own.
async fn from(world: &World, address: u8, name: &str, secret: &str) -> (Browser, Answer) {
    let mut browser = world.browser();
    let form = browser.get("/sign-in").await.form("/sign-in");
    let csrf = &form.fields.iter().find(|it| it.0 == "csrf").unwrap().1;
    let fields =
        [("csrf", csrf.as_str()), ("request", "/account"), ("user", name), ("secret", secret)];
    let request = Request::post("/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", format!("bartizan_browser={}", browser.cookies["bartizan_browser"]))
        .extension(PeerAddress([198, 51, 100, address].into()));
    let answer = world.send(request.body(Body::from(encode(fields))).unwrap()).await;
    (browser, answer)
}

#[tokio::test]
async fn passwords_of_one_user_are_guessed_a_few_times_from_all_addresses_together() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    // Alice has signed in here before.
    let mut known = world.browser();
    assert_signed_in(&sign_in(&mut known, "alice", PASSWORD).await);
    known.cookies.remove("bartizan_session");
    let before = world.server.passwords_checked();
    for address in 1..=20 {
        let (browser, answer) = from(&world, address, "alice", "a guess that is wrong").await;
        assert_wrong(&browser, &answer);
    }
    assert_eq!(world.server.passwords_checked(), before + 10);
    // The right one is not accepted from elsewhere now, and the answer is the same.
    let (browser, answer) = from(&world, 30, "alice", PASSWORD).await;
    assert_wrong(&browser, &answer);
    // But in the browser that she has used, and everywhere with a code or a link.
    assert_signed_in(&sign_in(&mut known, "alice", PASSWORD).await);
    let code = add_code(&world, "alice").await;
    assert_eq!(from(&world, 31, "alice", code.expose()).await.1.status, StatusCode::SEE_OTHER);
    let link = add_link(&world, "alice").await;
    let mut new = world.browser();
    let page = new.get(&format!("/sign-in/link?token={}", link.expose())).await;
    assert_signed_in(&new.submit(page.form("/sign-in/link"), &[]).await);
    // Another user is not kept out, and alice is not for longer than a quarter of an hour.
    set_password(&world, "bob").await;
    assert_eq!(from(&world, 32, "bob", PASSWORD).await.1.status, StatusCode::SEE_OTHER);
    world.clock.advance(Duration::from_mins(15));
    assert_eq!(from(&world, 33, "alice", PASSWORD).await.1.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_known_browser_is_known_for_its_user_alone_and_has_a_budget() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    set_password(&world, "bob").await;
    let mut mallory = world.browser();
    assert_signed_in(&sign_in(&mut mallory, "bob", PASSWORD).await);
    mallory.cookies.remove("bartizan_session");
    let before = world.server.passwords_checked();
    for _ in 0..12 {
        sign_in(&mut mallory, "bob", "a guess that is wrong").await;
    }
    assert_eq!(world.server.passwords_checked(), before + 10);
    // For alice it is like any other: her budget is counted.
    let before = world.server.passwords_checked();
    for _ in 0..12 {
        sign_in(&mut mallory, "alice", "a guess that is wrong").await;
    }
    assert_eq!(world.server.passwords_checked(), before + 10);
}

#[tokio::test]
async fn an_address_that_fails_often_waits_whatever_names_it_tries() {
    let world = World::new().await;
    for n in 0..30 {
        world.clock.advance(Duration::from_secs(1));
        let (browser, answer) = from(&world, 1, &format!("user{n}"), "WDJB-MJHT-BCDF").await;
        assert_wrong(&browser, &answer);
    }
    let (_, answer) = from(&world, 1, "user31", "WDJB-MJHT-BCDF").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=300).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    let (browser, answer) = from(&world, 2, "user31", "WDJB-MJHT-BCDF").await;
    assert_wrong(&browser, &answer);
    world.clock.advance(Duration::from_mins(5));
    let (browser, answer) = from(&world, 1, "user31", "WDJB-MJHT-BCDF").await;
    assert_wrong(&browser, &answer);
}

#[tokio::test]
async fn codes_of_one_user_are_guessed_a_few_hundred_times() {
    let world = World::new().await;
    let code = add_code(&world, "alice").await;
    for n in 0..300_u16 {
        if n.is_multiple_of(40) {
            world.clock.advance(Duration::from_secs(1));
        }
        let address = u8::try_from(n / 25).unwrap();
        let (browser, answer) = from(&world, address, "alice", "WDJB-MJHT-BCDF").await;
        assert_wrong(&browser, &answer);
    }
    world.clock.advance(Duration::from_secs(1));
    let (browser, answer) = from(&world, 200, "alice", code.expose()).await;
    assert_wrong(&browser, &answer);
}

#[tokio::test]
async fn a_node_judges_a_bounded_number_in_a_second() {
    let world = World::new().await;
    for address in 0..50 {
        let (browser, answer) = from(&world, address, "alice", "WDJB-MJHT-BCDF").await;
        assert_wrong(&browser, &answer);
    }
    let (_, answer) = from(&world, 100, "alice", "WDJB-MJHT-BCDF").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
}
