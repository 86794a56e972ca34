//! What an observer is told of changes, and what happens while it cannot record them.

use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, StatusCode};
use issuer::PeerAddress;
use serde_json::json;

use crate::{
    common::{
        World,
        authenticator::{codes_on, key_on, totp},
        authorize,
    },
    notes::Notes,
};

const PASSWORD: &str = "violet kettle sings at noon";

/// What was done by whom since the last time, without the objects, which are random.
fn kinds(notes: &Notes) -> Vec<String> {
    let kind = |line: String| line.split(" | ").next().unwrap_or_default().to_owned();
    notes.take().into_iter().map(kind).collect()
}

#[tokio::test]
async fn users_who_change_their_account_are_reported() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut alice = world.signed_in("alice").await;
    assert_eq!(notes.take(), ["user alice: sign-in | alice | link"]);
    let page = alice.get("/account").await;
    let new = [("new_password", PASSWORD), ("repeated_password", PASSWORD)];
    alice.submit(page.form("/account/password"), &new).await;
    assert_eq!(notes.take(), ["user alice: password set | alice | -"]);

    let mut other = world.browser();
    let form = other.get("/sign-in").await.form("/sign-in");
    other.submit(form.clone(), &[("user", "alice"), ("secret", "wrong")]).await;
    assert_eq!(notes.take(), [""; 0], "an attempt changes nothing");
    other.submit(form, &[("user", "alice"), ("secret", PASSWORD)]).await;
    assert_eq!(notes.take(), ["user alice: sign-in | alice | password"]);

    let page = alice.get("/account").await;
    alice.submit(page.form("/account/sessions/end"), &[]).await;
    let page = alice.get("/account").await;
    let page = alice.submit(page.form("/account/second-factor"), &[]).await;
    assert_eq!(notes.take(), ["user alice: sessions end | alice | one"], "nothing is set up yet");
    let key = key_on(&page);
    let form = page.form("/account/second-factor/confirm");
    let codes = alice.submit(form, &[("code", &totp(&world, &key, 0))]).await;
    assert_eq!(codes_on(&codes).len(), 10);
    let page = alice.get("/account").await;
    let form = page.form("/account/recovery-codes");
    alice.submit(form, &[("code", &totp(&world, &key, 1))]).await;
    world.clock.advance(Duration::from_mins(1));
    let page = alice.get("/account").await;
    let form = page.form("/account/second-factor/off");
    alice.submit(form, &[("code", &totp(&world, &key, 1))]).await;
    let page = alice.get("/account").await;
    alice.submit(page.form("/sign-out"), &[]).await;
    let wanted = ["second-factor set", "recovery-codes new", "second-factor off", "sign-out"];
    let found = notes.take();
    assert!(found.iter().all(|line| !line.contains(&key)), "{found:?}");
    assert_eq!(found, wanted.map(|kind| format!("user alice: {kind} | alice | -")));
}

#[tokio::test]
async fn a_change_is_reported_wherever_its_caller_goes_away() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let before = world.store.clients(false).await.unwrap().len();
    let body = json!({ "redirect_uris": ["https://app.example/cb"] }).to_string();
    let mut answered = 0;
    for polls in 1..40 {
        let request = Request::post("/register")
            .header("content-type", "application/json")
            .extension(PeerAddress([192, 0, 2, polls].into()));
        let mut asking = Box::pin(world.send(request.body(body.clone().into()).unwrap()));
        for _ in 0..polls {
            if asking.as_mut().now_or_never().is_some() {
                answered += 1;
                break;
            }
            // What the database has been sent by now it does.
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        // Its caller goes away.
        drop(asking);
    }
    assert!(answered > 0, "no request was polled to its end");
    world.server.wait_for_changes().await;
    let made = world.store.clients(false).await.unwrap().len() - before;
    assert_eq!(notes.take().len(), made);
    assert_eq!(made, 39, "what has begun goes on");
}

#[tokio::test]
async fn grants_and_tokens_are_reported_without_the_tokens() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut alice = world.signed_in("alice").await;
    notes.take();
    let asked = authorize(&[("scope", "User.Read")]);
    let code = alice.allow(&asked).await.code();
    let tokens = world.exchange(&code).await.json();
    let text = |name: &str| tokens[name].as_str().unwrap();
    let renewed = world.refresh(text("refresh_token")).await.json();
    let found = notes.take();
    let lines = found.join("\n");
    for secret in [&code, text("access_token"), text("refresh_token")] {
        assert!(!lines.contains(secret), "{lines}");
    }
    assert_eq!(found.len(), 3, "{lines}");
    let place = testkit::RESOURCE;
    assert!(found[0].starts_with("user alice: access allow | "), "{lines}");
    assert!(found[0].ends_with(&format!(" | public at {place}: User.Read")), "{lines}");
    for issued in &found[1..] {
        assert!(issued.starts_with("client public: token issue | "), "{lines}");
        assert!(issued.ends_with(&format!(" | alice at {place}: User.Read")), "{lines}");
    }
    // An access token, and then its grant.
    for name in ["access_token", "refresh_token"] {
        let token = renewed[name].as_str().unwrap();
        world.post("/revoke", &[("client_id", "public"), ("token", token)]).await;
    }
    assert_eq!(kinds(&notes), ["client public: token revoke", "client public: grant end"]);
    // A code that is used twice, a decision to decline, and a user who ends what was allowed.
    let code = alice.allow(&asked).await.code();
    world.exchange(&code).await;
    assert_eq!(kinds(&notes), ["user alice: access allow", "client public: token issue"]);
    world.exchange(&code).await;
    let ended = notes.take();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(ended[0].ends_with(" | a code was used twice"), "{ended:?}");
    alice.decide(&asked, &[("decision", "deny")]).await;
    assert_eq!(notes.take(), ["user alice: access decline | public | -"]);
    let code = alice.allow(&asked).await.code();
    world.exchange(&code).await;
    let page = alice.get("/account").await;
    alice.submit(page.form("/account/connections/end"), &[]).await;
    let wanted =
        ["user alice: access allow", "client public: token issue", "user alice: grant end"];
    assert_eq!(kinds(&notes), wanted);
    let body = json!({ "client_name": "New", "redirect_uris": ["http://127.0.0.1/x"] });
    let id = world.post_json("/register", &body).await.json()["client_id"].clone();
    let id = id.as_str().unwrap();
    assert_eq!(notes.take(), [format!("anyone: client register | {id} | New")]);
}

#[tokio::test]
async fn devices_that_users_decide_about_are_reported() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut alice = world.signed_in("alice").await;
    notes.take();
    for (decision, wanted) in [("deny", "device decline"), ("allow", "device allow")] {
        let fields = [("client_id", "public"), ("scope", "User.Read")];
        let device = world.post("/device_authorization", &fields).await.json();
        let page = alice.get("/device").await;
        let code = device["user_code"].as_str().unwrap();
        let page = alice.submit(page.form("/device"), &[("user_code", code)]).await;
        alice.submit(page.form("/device/decision"), &[("decision", decision)]).await;
        assert_eq!(kinds(&notes), [format!("user alice: {wanted}")]);
    }
}

#[tokio::test]
async fn sessions_that_end_with_another_change_are_reported() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut other = world.signed_in("alice").await;
    let mut alice = world.signed_in("alice").await;
    notes.take();
    let page = alice.get("/account").await;
    let new = [("new_password", PASSWORD), ("repeated_password", PASSWORD)];
    alice.submit(page.form("/account/password"), &new).await;
    let ended = "user alice: sessions end | alice | all others";
    assert_eq!(notes.take(), [ended, "user alice: password set | alice | -"]);
    // With one session there is none to end.
    let page = alice.get("/account").await;
    alice.submit(page.form("/account/password"), &new).await;
    assert_eq!(notes.take(), ["user alice: password set | alice | -"]);
    let form = other.get("/sign-in").await.form("/sign-in");
    other.submit(form, &[("user", "alice"), ("secret", PASSWORD)]).await;
    let page = alice.get("/account").await;
    let page = alice.submit(page.form("/account/second-factor"), &[]).await;
    let code = totp(&world, &key_on(&page), 0);
    notes.take();
    alice.submit(page.form("/account/second-factor/confirm"), &[("code", &code)]).await;
    assert_eq!(notes.take(), [ended, "user alice: second-factor set | alice | -"]);
}

#[tokio::test]
async fn what_is_revoked_twice_is_reported_once() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut alice = world.signed_in("alice").await;
    let code = alice.allow(&authorize(&[])).await.code();
    let tokens = world.exchange(&code).await.json();
    notes.take();
    for (name, wanted) in [("access_token", "token revoke"), ("refresh_token", "grant end")] {
        let token = tokens[name].as_str().unwrap();
        for wanted in [&[format!("client public: {wanted}")][..], &[]] {
            world.post("/revoke", &[("client_id", "public"), ("token", token)]).await;
            assert_eq!(kinds(&notes), wanted, "{name}");
        }
    }
}

#[tokio::test]
async fn a_grant_that_ends_because_a_user_has_too_many_is_reported() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut alice = world.signed_in("alice").await;
    let asked = authorize(&[("scope", "User.Read")]);
    for _ in 0..500 {
        alice.allow(&asked).await;
    }
    assert!(notes.take().iter().all(|line| !line.contains("grant end")));
    alice.allow(&asked).await;
    let found = notes.take();
    assert!(found[0].starts_with("user alice: grant end | "), "{found:?}");
    assert!(found[0].ends_with(" | too many of the user"), "{found:?}");
    assert!(found[1].starts_with("user alice: access allow | "), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[tokio::test]
async fn nothing_is_changed_while_it_could_not_be_recorded() {
    let world = World::new().await;
    let notes = Notes::of(&world.server);
    let mut alice = world.signed_in("alice").await;
    let code = alice.allow(&authorize(&[])).await.code();
    let consent = alice.get(&authorize(&[])).await.form("/authorize");
    let account = alice.get("/account").await;
    notes.take();
    notes.set_full(true);
    let new = [("new_password", PASSWORD), ("repeated_password", PASSWORD)];
    let refused = [
        alice.submit(account.form("/account/password"), &new).await,
        alice.submit(account.form("/sign-out"), &[]).await,
        alice.submit(consent, &[("decision", "allow")]).await,
        world.exchange(&code).await,
        world.post_json("/register", &json!({ "redirect_uris": ["http://127.0.0.1/x"] })).await,
    ];
    for answer in refused {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    }
    assert_eq!(notes.take(), [""; 0]);
    // What changes nothing is answered.
    assert_eq!(alice.get("/account").await.status, StatusCode::OK);
    notes.set_full(false);
    // The session, the form and the code are as they were.
    alice.submit(account.form("/account/password"), &new).await;
    assert!(world.exchange(&code).await.json()["access_token"].is_string());
    let wanted = ["user alice: password set", "client public: token issue"];
    assert_eq!(kinds(&notes), wanted);
}
