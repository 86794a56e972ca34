//! Sign-in links.

use std::time::Duration;

use http::StatusCode;

use super::{add_link, assert_signed_in, disable, sessions};
use crate::common::World;

#[tokio::test]
async fn opening_a_link_changes_nothing_and_its_button_signs_in_once() {
    let world = World::new().await;
    let link = add_link(&world, "alice").await;
    let path = format!("/sign-in/link?token={}", link.expose());
    // A program that scans mail.
    for _ in 0..3 {
        let mut scanner = world.browser();
        assert!(scanner.get(&path).await.body.contains("alice"), "the page says who it is for");
    }
    assert!(sessions(&world, "alice").await.is_empty());
    let mut browser = world.browser();
    let form = browser.get(&path).await.form("/sign-in/link");
    // Not without its token, nor in another browser.
    let refused = browser.submit(form.clone(), &[("csrf", "x")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = world.browser().submit(form.clone(), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_signed_in(&browser.submit(form.clone(), &[]).await);
    assert_eq!(sessions(&world, "alice").await[0].begun.method.to_string(), "link");
    let mut other = world.browser();
    assert_eq!(other.get(&path).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.submit(form, &[]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_link_that_has_ended_or_is_of_a_user_who_may_not_act_is_refused() {
    let world = World::new().await;
    let old = add_link(&world, "alice").await;
    let of_bob = add_link(&world, "bob").await;
    let mut browser = world.browser();
    let path =
        |link: &issuer::sign_in::SignInLink| format!("/sign-in/link?token={}", link.expose());
    let form = browser.get(&path(&of_bob)).await.form("/sign-in/link");
    disable(&world, "bob").await;
    assert_eq!(browser.submit(form, &[]).await.status, StatusCode::BAD_REQUEST);
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(browser.get(&path(&old)).await.status, StatusCode::BAD_REQUEST);
    for bad in ["", "?token=", "?token=a", "?a=b", "?token=%41"] {
        let answer = browser.get(&format!("/sign-in/link{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn an_address_that_tries_links_often_waits() {
    let world = World::new().await;
    let link = add_link(&world, "alice").await;
    let wrong = issuer::sign_in::SignInLink::from_random([9; 32]);
    let mut browser = world.browser();
    let page = browser.get(&format!("/sign-in/link?token={}", link.expose())).await;
    let form = page.form("/sign-in/link");
    for n in 0..30 {
        world.clock.advance(Duration::from_secs(1));
        let answer = browser.submit(form.clone(), &[("link", wrong.expose())]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{n}");
    }
    let answer = browser.submit(form.clone(), &[]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(sessions(&world, "alice").await.is_empty());
    world.clock.advance(Duration::from_mins(5));
    assert_signed_in(&browser.submit(form, &[]).await);
}
