//! Name and secret.

use std::time::Duration;

use auth_core::oauth::encode;
use axum::body::Body;
use http::{Request, StatusCode};

use super::{
    PASSWORD, add_code, assert_signed_in, assert_wrong, disable, sessions, set_password, sign_in,
};
use crate::common::{World, authorize};

#[tokio::test]
async fn a_user_signs_in_with_a_password_or_a_code() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let code = add_code(&world, "alice").await;
    for (secret, method) in [(PASSWORD, "password"), (code.expose(), "code")] {
        let mut browser = world.browser();
        assert_signed_in(&sign_in(&mut browser, "alice", secret).await);
        assert!(browser.get("/account").await.body.contains("alice"));
        assert_eq!(
            sessions(&world, "alice").await.first().unwrap().begun.method.to_string(),
            method
        );
        world.clock.advance(Duration::from_mins(2));
    }
    // The name may have spaces around it, the code any form, and the password the signs of another
    // keyboard.
    let code = add_code(&world, "alice").await.expose().to_lowercase().replace('-', " ");
    let mut browser = world.browser();
    assert_signed_in(&sign_in(&mut browser, " alice ", &code).await);
}

#[tokio::test]
async fn a_user_who_signs_in_for_a_program_goes_on_to_the_consent_page() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&[])).await;
    assert!(page.body.contains("Public Client"), "{page:?}");
    let form = page.form("/sign-in");
    let wrong = browser.submit(form.clone(), &[("user", "alice"), ("secret", "no")]).await;
    assert_wrong(&browser, &wrong);
    assert!(wrong.body.contains("Public Client"), "the page says again who asks");
    let again = wrong.form("/sign-in");
    assert_eq!(again.fields.iter().find(|it| it.0 == "user").unwrap().1, "alice");
    let answer = browser.submit(again, &[("secret", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), authorize(&[]));
    assert_eq!(browser.get(&answer.location()).await.form("/authorize").action, "/authorize");
}

#[tokio::test]
async fn a_form_of_another_browser_of_another_site_or_without_a_token_signs_no_one_in() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    let mut mallory = world.browser();
    let theirs = mallory.get("/sign-in").await.form("/sign-in");
    let mut browser = world.browser();
    let ours = browser.get("/sign-in").await.form("/sign-in");
    let right = [("user", "alice"), ("secret", PASSWORD)];
    let token = |form: &crate::common::HtmlForm| {
        form.fields.iter().find(|it| it.0 == "csrf").unwrap().1.clone()
    };
    let foreign = token(&theirs);
    for csrf in ["", "x", &foreign] {
        let answer = browser.submit(ours.clone(), &[&right[..], &[("csrf", csrf)]].concat()).await;
        assert_eq!(answer.status, StatusCode::OK, "{csrf}");
        assert!(!browser.cookies.contains_key("bartizan_session"), "{csrf}");
    }
    let csrf = token(&ours);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let fields = [&right[..], &[("csrf", csrf.as_str()), ("request", "/account")]].concat();
        let request = Request::post("/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        browser.send(request.body(Body::from(encode(fields))).unwrap()).await;
        assert!(!browser.cookies.contains_key("bartizan_session"), "{name}: {value}");
    }
    // A browser that keeps no cookies.
    let fields = [&right[..], &[("csrf", csrf.as_str()), ("request", "/account")]].concat();
    let answer = world.post("/sign-in", &fields).await;
    assert!(
        answer
            .headers
            .get_all("set-cookie")
            .iter()
            .all(|cookie| { !cookie.to_str().unwrap().contains("session=") })
    );
    // One that was open for too long.
    world.clock.advance(Duration::from_secs(601));
    let late = browser.submit(ours.clone(), &right).await;
    assert!(late.body.contains("open for too long"), "{late:?}");
    // The page has a fresh form.
    assert_signed_in(&browser.submit(late.form("/sign-in"), &right).await);
}

#[tokio::test]
async fn nothing_says_which_users_there_are() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    set_password(&world, "bob").await;
    disable(&world, "bob").await;
    let mut bodies = Vec::new();
    for (name, secret) in [
        ("alice", "not the password"),
        ("bob", PASSWORD),
        ("bob", "not the password"),
        ("carol", "not the password"),
        ("github|4711", "not the password"),
    ] {
        let mut browser = world.browser();
        let before = world.server.passwords_checked();
        let answer = sign_in(&mut browser, name, secret).await;
        assert_wrong(&browser, &answer);
        assert_eq!(world.server.passwords_checked(), before + 1, "{name}: one Argon2id each");
        let token = answer.form("/sign-in").fields.into_iter().find(|it| it.0 == "csrf").unwrap().1;
        bodies.push(answer.body.replace(&token, "CSRF").replace(name, "NAME"));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:#?}");
    // The form of a code costs no one an Argon2id.
    for name in ["alice", "bob", "carol"] {
        let mut browser = world.browser();
        let before = world.server.passwords_checked();
        let answer = sign_in(&mut browser, name, "WDJB-MJHT-BCDF").await;
        assert_wrong(&browser, &answer);
        assert_eq!(world.server.passwords_checked(), before, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_form_or_leads_elsewhere_is_refused() {
    let world = World::new().await;
    set_password(&world, "alice").await;
    for request in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/account/../..//evil.example",
        "/account?next=//evil.example",
        "client_id=public#@evil.example",
        "client_id=a\r\nlocation: https://evil.example",
    ] {
        let mut browser = world.browser();
        let form = browser.get("/sign-in").await.form("/sign-in");
        let fields = [("user", "alice"), ("secret", PASSWORD), ("request", request)];
        let answer = browser.submit(form, &fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{request}: {answer:?}");
        assert!(answer.headers.get("location").is_none(), "{request}");
        assert!(!browser.cookies.contains_key("bartizan_session"), "{request}");
    }
    let mut browser = world.browser();
    for body in ["user=%zz", "user=a&user=b", &format!("user={}", "a".repeat(40_000))] {
        let answer = browser.post("/sign-in", body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let json = Request::post("/sign-in").header("content-type", "application/json");
    let answer = browser.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_code_is_good_once_for_its_user_and_for_its_time() {
    let world = World::new().await;
    let code = add_code(&world, "alice").await;
    let mut browser = world.browser();
    let answer = sign_in(&mut browser, "bob", code.expose()).await;
    assert_wrong(&browser, &answer);
    assert_signed_in(&sign_in(&mut browser, "alice", code.expose()).await);
    let mut other = world.browser();
    let answer = sign_in(&mut other, "alice", code.expose()).await;
    assert_wrong(&other, &answer);
    let code = add_code(&world, "alice").await;
    world.clock.advance(Duration::from_mins(15));
    let answer = sign_in(&mut other, "alice", code.expose()).await;
    assert_wrong(&other, &answer);
    let code = add_code(&world, "alice").await;
    disable(&world, "alice").await;
    let answer = sign_in(&mut other, "alice", code.expose()).await;
    assert_wrong(&other, &answer);
}

#[tokio::test]
async fn where_passwords_are_off_there_is_no_form_for_them() {
    let world = World::with(|config| config.passwords = false).await;
    let code = add_code(&world, "alice").await;
    let mut browser = world.browser();
    let page = browser.get("/sign-in").await;
    assert!(!page.body.contains("name=\"secret\""));
    let fields = [("user", "alice"), ("secret", code.expose()), ("request", "/account")];
    let answer = browser.post("/sign-in", encode(fields)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
