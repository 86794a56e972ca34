//! The second step.

use std::time::Duration;

use auth_core::Clock;
use directory::{Directory, Edit, Stamp};
use http::StatusCode;

use super::{
    PASSWORD, add_code, assert_signed_in, codes_on, key_on, sessions, set_password, sign_in, totp,
    user,
};
use crate::common::{Answer, Browser, World};

const SECOND: &str = "/sign-in/second";
const CONFIRM: &str = "/account/second-factor/confirm";

/// Sets a second factor up on the account page: its key, and the recovery codes.
async fn set_up(world: &World, browser: &mut Browser) -> (String, Vec<String>) {
    let page = browser.get("/account").await;
    let page = browser.submit(page.form("/account/second-factor"), &[]).await;
    let key = key_on(&page);
    let wrong = browser.submit(page.form(CONFIRM), &[("code", "000000")]).await;
    assert_eq!(key_on(&wrong), key, "the same key, to try again");
    let codes = browser.submit(wrong.form(CONFIRM), &[("code", &totp(world, &key, 0))]).await;
    let codes = codes_on(&codes);
    assert_eq!(codes.len(), 10);
    (key, codes)
}

async fn second(browser: &mut Browser, page: &Answer, code: &str) -> Answer {
    browser.submit(page.form(SECOND), &[("code", code)]).await
}

#[tokio::test]
async fn a_user_with_a_second_factor_needs_a_code_each_of_which_is_good_once() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut browser = world.browser();
    assert_signed_in(&sign_in(&mut browser, "alice", PASSWORD).await);
    let (key, codes) = set_up(&world, &mut browser).await;

    let mut other = world.browser();
    let page = sign_in(&mut other, "alice", PASSWORD).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!other.cookies.contains_key("bartizan_session"));
    // The code that confirmed it was used.
    let wrong = second(&mut other, &page, &totp(&world, &key, 0)).await;
    assert!(!other.cookies.contains_key("bartizan_session"));
    let answer = second(&mut other, &wrong, &totp(&world, &key, 1)).await;
    assert_signed_in(&answer);
    assert_eq!(sessions(&world, "alice").await.len(), 2);

    // A one-time code takes the place of the password, not of the second step.
    world.clock.advance(Duration::from_mins(2));
    let code = add_code(&world, "alice").await;
    let mut third = world.browser();
    let page = sign_in(&mut third, "alice", code.expose()).await;
    assert!(!third.cookies.contains_key("bartizan_session"));
    let answer = second(&mut third, &page, &codes[0]).await;
    assert_signed_in(&answer);
    let mut fourth = world.browser();
    let page = sign_in(&mut fourth, "alice", PASSWORD).await;
    let again = second(&mut fourth, &page, &codes[0]).await;
    assert_eq!(again.status, StatusCode::OK, "a recovery code is good once");
    assert!(!fourth.cookies.contains_key("bartizan_session"));
    let form = again
        .forms()
        .into_iter()
        .find(|form| form.fields.iter().any(|(name, _)| name == "recovery"));
    let answer = fourth.submit(form.unwrap(), &[("recovery", &codes[1].to_lowercase())]).await;
    assert_signed_in(&answer);
    assert!(fourth.get("/account").await.body.contains('8'), "eight are left");
}

#[tokio::test]
async fn the_form_of_the_second_step_is_of_one_browser_and_a_short_time() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut alice = world.browser();
    assert_signed_in(&sign_in(&mut alice, "alice", PASSWORD).await);
    let (key, _) = set_up(&world, &mut alice).await;
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "alice", PASSWORD).await;
    let mut mallory = world.browser();
    let theirs = mallory.get("/sign-in").await.form("/sign-in");
    let csrf = &theirs.fields.iter().find(|it| it.0 == "csrf").unwrap().1;
    let code = totp(&world, &key, 1);
    let answer = mallory.submit(page.form(SECOND), &[("code", &code), ("csrf", csrf)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for (name, value) in [("step", "x"), ("step", ""), ("csrf", "x")] {
        let answer = browser.submit(page.form(SECOND), &[("code", &code), (name, value)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}={value}");
    }
    world.clock.advance(Duration::from_secs(601));
    let answer = second(&mut browser, &page, &totp(&world, &key, 0)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(sessions(&world, "alice").await.len(), 1);
}

#[tokio::test]
async fn the_form_of_the_second_step_ends_with_the_password() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut alice = world.browser();
    assert_signed_in(&sign_in(&mut alice, "alice", PASSWORD).await);
    let (key, _) = set_up(&world, &mut alice).await;
    let mut browser = world.browser();
    let page = sign_in(&mut browser, "alice", PASSWORD).await;
    let (name, now) = (user(&world, "alice"), world.clock.now());
    assert!(world.store.set_password(&name, Some("$argon2id$another"), now).await.unwrap());
    let answer = second(&mut browser, &page, &totp(&world, &key, 1)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!browser.cookies.contains_key("bartizan_session"));
}

#[tokio::test]
async fn setting_a_second_factor_up_ends_the_other_sessions() {
    let world = World::new().await;
    let mut other = world.signed_in("alice").await;
    let mut alice = world.signed_in("alice").await;
    set_up(&world, &mut alice).await;
    assert_eq!(sessions(&world, "alice").await.len(), 1);
    assert!(alice.get("/account").await.forms().len() > 1);
    assert_eq!(other.get("/account").await.forms().len(), 1, "the sign-in page");
}

#[tokio::test]
async fn a_key_that_another_browser_began_is_not_confirmed() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let mut other = world.signed_in("alice").await;
    let page = alice.get("/account").await;
    let mine = alice.submit(page.form("/account/second-factor"), &[]).await;
    let page = other.get("/account").await;
    let theirs = other.submit(page.form("/account/second-factor"), &[]).await;
    let code = totp(&world, &key_on(&theirs), 0);
    let answer = alice.submit(mine.form(CONFIRM), &[("code", &code)]).await;
    assert!(codes_on(&answer).is_empty() && !answer.body.contains(&key_on(&theirs)[..4]));
    let factor = world.store.second_factor(&user(&world, "alice")).await.unwrap().unwrap();
    assert!(!factor.is_confirmed);
    assert_eq!(codes_on(&other.submit(theirs.form(CONFIRM), &[("code", &code)]).await).len(), 10);
}

#[tokio::test]
async fn codes_of_the_second_step_are_guessed_a_few_times() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut alice = world.browser();
    assert_signed_in(&sign_in(&mut alice, "alice", PASSWORD).await);
    let (key, _) = set_up(&world, &mut alice).await;
    world.clock.advance(Duration::from_mins(1));
    let mut mallory = world.browser();
    let mut page = sign_in(&mut mallory, "alice", PASSWORD).await;
    let right = totp(&world, &key, 0);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..10 {
        page = second(&mut mallory, &page, wrong).await;
        assert_eq!(page.status, StatusCode::OK);
    }
    let answer = second(&mut mallory, &page, &right).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!mallory.cookies.contains_key("bartizan_session"));
    // Alice has a budget of her own where she has signed in before.
    alice.cookies.remove("bartizan_session");
    let page = sign_in(&mut alice, "alice", PASSWORD).await;
    assert_signed_in(&second(&mut alice, &page, &right).await);
}

#[tokio::test]
async fn a_user_whose_role_needs_a_second_factor_sets_one_up_to_sign_in() {
    let world =
        World::with(|config| config.second_factor_roles = vec!["admin".parse().unwrap()]).await;
    for name in ["alice", "bob"] {
        set_password(&world, name).await;
    }
    // Bob is a guest.
    assert_signed_in(&sign_in(&mut world.browser(), "bob", PASSWORD).await);
    let mut browser = world.browser();
    let page = browser.get(&crate::common::authorize(&[])).await;
    let fields = [("user", "alice"), ("secret", PASSWORD)];
    let page = browser.submit(page.form("/sign-in"), &fields).await;
    let key = key_on(&page);
    assert!(!browser.cookies.contains_key("bartizan_session"));
    assert!(sessions(&world, "alice").await.is_empty());
    let form = page.form(CONFIRM);
    let wrong = browser.submit(form.clone(), &[("code", "12")]).await;
    assert!(!browser.cookies.contains_key("bartizan_session"));
    let done = browser.submit(wrong.form(CONFIRM), &[("code", &totp(&world, &key, 0))]).await;
    assert_eq!(codes_on(&done).len(), 10);
    assert!(browser.cookies.contains_key("bartizan_session"));
    let next = crate::common::authorize(&[]).replace('&', "&#38;");
    assert!(done.body.contains(&next) || done.body.contains("/authorize?"), "{done:?}");
    assert_eq!(sessions(&world, "alice").await[0].begun.method.to_string(), "password+totp");
    // It cannot be turned off, and the form cannot be used again.
    let account = browser.get("/account").await;
    assert!(!account.body.contains("/account/second-factor/off"));
    let csrf = account.form("/sign-out").fields.into_iter().find(|it| it.0 == "csrf").unwrap().1;
    let body = auth_core::oauth::encode([("csrf", &*csrf), ("code", &*totp(&world, &key, 1))]);
    let off = browser.post("/account/second-factor/off", body).await;
    assert_eq!(off.status, StatusCode::NOT_FOUND);
    let again = browser.submit(form, &[("code", &totp(&world, &key, 1))]).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_without_the_second_factor_that_a_new_role_needs_is_not_enough() {
    let world =
        World::with(|config| config.second_factor_roles = vec!["admin".parse().unwrap()]).await;
    set_password(&world, "bob").await;
    let mut bob = world.browser();
    assert_signed_in(&sign_in(&mut bob, "bob", PASSWORD).await);
    let path = crate::common::authorize(&[]);
    let consent = bob.get(&path).await.form("/authorize");
    let edit = Edit::Grant(user(&world, "bob"), "admin".parse().unwrap(), None);
    let stamp = Stamp::new("test", world.clock.now());
    let _outcome = world.store.users().edit(edit, &stamp).await.unwrap();
    let refused = bob.submit(consent, &[("decision", "allow")]).await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, &*path));
    for path in [&*path, "/account", "/device"] {
        let page = bob.get(path).await;
        let fields = [("user", "bob"), ("secret", PASSWORD)];
        let page = bob.submit(page.form("/sign-in"), &fields).await;
        assert!(!key_on(&page).is_empty());
    }
}
