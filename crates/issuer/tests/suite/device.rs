//! The device grant: its endpoint, its pages, and what a device gets.

use std::time::Duration;

use axum::body::Body;
use directory::{Directory, Edit, UserStatus};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use testkit::RESOURCE;

use crate::{
    common::{Answer, Browser, World, authorize, server::SECRET},
    programs::{add_client, name, other_node, stamp},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &World, other: &[(&str, &str)]) -> Answer {
    let form: Vec<_> = [("client_id", "public")].into_iter().chain(other.iter().copied()).collect();
    world.post("/device_authorization", &form).await
}

async fn poll(world: &World, device: &Value) -> Answer {
    poll_as(world, device, &[("client_id", "public")]).await
}

async fn poll_as(world: &World, device: &Value, other: &[(&str, &str)]) -> Answer {
    let code = device["device_code"].as_str().unwrap();
    let own = [("grant_type", GRANT), ("device_code", code)];
    let form: Vec<_> = own.into_iter().chain(other.iter().copied()).collect();
    world.post("/token", &form).await
}

/// Enters a code; the confirm page, if it is right.
async fn enter(browser: &mut Browser, code: &str) -> Answer {
    let page = browser.get("/device").await;
    browser.submit(page.form("/device"), &[("user_code", code)]).await
}

/// Enters the code of a device, and decides.
async fn decide(browser: &mut Browser, device: &Value, decision: &str) -> Answer {
    let page = enter(browser, device["user_code"].as_str().unwrap()).await;
    browser.submit(page.form("/device/decision"), &[("decision", decision)]).await
}

#[tokio::test]
async fn a_device_gets_tokens_once_its_user_approves() {
    let world = World::new().await;
    let answer = begin(&world, &[("scope", "User.Read unknown offline_access")]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let device = answer.json();
    assert_eq!((&device["interval"], &device["expires_in"]), (&json!(5), &json!(600)));
    let uri = device["verification_uri"].as_str().unwrap();
    let complete = device["verification_uri_complete"].as_str().unwrap();
    assert_eq!(uri, format!("{}/device", testkit::ISSUER));
    assert_eq!(complete, format!("{uri}?user_code={}", device["user_code"].as_str().unwrap()));
    assert_eq!(poll(&world, &device).await.error(), "authorization_pending");

    let mut alice = world.signed_in("alice").await;
    let page = alice.get(complete.strip_prefix(testkit::ISSUER).unwrap()).await;
    let confirm = alice.submit(page.form("/device"), &[]).await;
    assert!(confirm.body.contains("Public Client") && confirm.body.contains("User.Read"));
    assert!(!confirm.body.contains("User.Write") && !confirm.body.contains("unknown"));
    let done = alice.submit(confirm.form("/device/decision"), &[("decision", "allow")]).await;
    assert_eq!(done.status, StatusCode::OK);

    let tokens = poll(&world, &device).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    assert_eq!(tokens.json()["scope"], "User.Read");
    let refreshed = world.refresh(tokens.json()["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_eq!(poll(&world, &device).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_decision_about_a_device_is_remembered_with_those_before() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let _ = alice.allow(&authorize(&[("scope", "User.Write")])).await.code();
    let device = begin(&world, &[("scope", "User.Read Admin.Write")]).await.json();
    let page = enter(&mut alice, device["user_code"].as_str().unwrap()).await;
    let form = page.form("/device/decision");
    let done = alice.submit(form, &[("decision", "allow"), ("scope:Admin.Write", "")]).await;
    assert_eq!(done.status, StatusCode::OK);
    let form = alice.get(&authorize(&[("scope", "User.Read User.Write")])).await;
    let buttons = form.form("/authorize").buttons;
    assert!(buttons.contains(&("decision".into(), "continue".into())), "{buttons:?}");
    let device = begin(&world, &[]).await.json();
    let page = enter(&mut alice, device["user_code"].as_str().unwrap()).await;
    assert_eq!(page.form("/device/decision").unticked, ["scope:Admin.Write"]);
}

#[tokio::test]
async fn a_device_that_asks_too_often_slows_down_for_good() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let wait = |secs| world.clock.advance(Duration::from_secs(secs));
    assert_eq!(poll(&world, &device).await.error(), "authorization_pending");
    wait(4);
    assert_eq!(poll(&world, &device).await.error(), "slow_down");
    wait(9);
    assert_eq!(poll(&other_node(&world), &device).await.error(), "slow_down");
    wait(15);
    assert_eq!(poll(&world, &device).await.error(), "authorization_pending");
    wait(14);
    assert_eq!(poll(&world, &device).await.error(), "slow_down");
    // What the user decided is not held back.
    let mut alice = world.signed_in("alice").await;
    decide(&mut alice, &device, "allow").await;
    assert_eq!(poll(&world, &device).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_device_is_declined_or_runs_out_of_time() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let mut alice = world.signed_in("alice").await;
    assert_eq!(decide(&mut alice, &device, "deny").await.status, StatusCode::OK);
    assert_eq!(poll(&world, &device).await.error(), "access_denied");

    let device = begin(&world, &[]).await.json();
    let page = enter(&mut alice, device["user_code"].as_str().unwrap()).await;
    world.clock.advance(Duration::from_mins(10));
    let late = alice.submit(page.form("/device/decision"), &[("decision", "allow")]).await;
    assert!(late.forms().iter().all(|form| form.action != "/device/decision"));
    assert_eq!(poll(&world, &device).await.error(), "expired_token");
}

#[tokio::test]
async fn a_code_of_another_client_is_unknown_and_stays() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let mut alice = world.signed_in("alice").await;
    decide(&mut alice, &device, "allow").await;
    assert_eq!(poll_as(&world, &device, &[("client_id", "web")]).await.error(), "invalid_grant");
    let confidential = [("client_id", "confidential"), ("client_secret", SECRET)];
    assert_eq!(poll_as(&world, &device, &confidential).await.error(), "invalid_grant");
    let other = [("client_id", "public"), ("resource", "https://other.example/mcp")];
    assert_eq!(poll_as(&world, &device, &other).await.error(), "invalid_target");
    let own = [("client_id", "public"), ("resource", RESOURCE)];
    assert_eq!(poll_as(&world, &device, &own).await.status, StatusCode::OK);
    let unknown = json!({ "device_code": "a".repeat(43) });
    assert_eq!(poll(&world, &unknown).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_device_code_is_exchanged_and_decided_once_on_whichever_node() {
    let world = World::new().await;
    let node = other_node(&world);
    let device = begin(&world, &[]).await.json();
    let code = device["user_code"].as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    let mut bob = node.signed_in("bob").await;
    let (hers, his) = (enter(&mut alice, code).await, enter(&mut bob, code).await);
    let first = alice.submit(hers.form("/device/decision"), &[("decision", "allow")]).await;
    assert_eq!(first.status, StatusCode::OK);
    let again = alice.submit(hers.form("/device/decision"), &[("decision", "allow")]).await;
    let second = bob.submit(his.form("/device/decision"), &[("decision", "deny")]).await;
    for late in [again, second] {
        assert!(late.forms().iter().any(|form| form.action == "/device"), "{late:?}");
    }
    let (one, other) = tokio::join!(poll(&world, &device), poll(&node, &device));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn guessing_of_user_codes_has_a_bound_across_sessions_and_addresses() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let mut attempts = 0;
    // Each session is of another browser, and each may be at another address.
    'sessions: for _ in 0..4 {
        let mut alice = world.signed_in("alice").await;
        for _ in 0..11 {
            let answer = enter(&mut alice, "BBBB-BBBB").await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                assert!(!answer.header("retry-after").is_empty());
                continue 'sessions;
            }
            attempts += 1;
        }
    }
    // The one that the bound of the session refused counts for the user, too.
    assert_eq!(attempts, 19);
    let mut alice = world.signed_in("alice").await;
    let right = enter(&mut alice, device["user_code"].as_str().unwrap()).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    // Another user is not kept out, and the bound ends.
    let mut bob = world.signed_in("bob").await;
    let right = enter(&mut bob, device["user_code"].as_str().unwrap()).await;
    assert!(right.forms().iter().any(|form| form.action == "/device/decision"));
    world.clock.advance(Duration::from_mins(16));
    let mut alice = world.signed_in("alice").await;
    assert_eq!(enter(&mut alice, "BBBB-BBBB").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_of_ones_own_gives_no_more_attempts_to_guess_another() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let mut guessed = 0;
    for _ in 0..4 {
        let own = begin(&world, &[]).await.json();
        enter(&mut alice, own["user_code"].as_str().unwrap()).await;
        for _ in 0..5 {
            let answer = enter(&mut alice, "BBBB-BBBB").await;
            guessed += usize::from(answer.status != StatusCode::TOO_MANY_REQUESTS);
        }
    }
    // Its window begins with the one that was right.
    assert_eq!(guessed, 9);
}

#[tokio::test]
async fn a_get_looks_no_code_up_and_changes_nothing() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let code = device["user_code"].as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    for _ in 0..50 {
        let page = alice.get(&format!("/device?user_code={code}")).await;
        assert!(page.body.contains(code) && !page.body.contains("Public Client"));
    }
    assert_eq!(poll(&world, &device).await.error(), "authorization_pending");
    assert_eq!(decide(&mut alice, &device, "allow").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_needs_a_session_and_forms_of_its_own() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let code = device["user_code"].as_str().unwrap();
    let mut nobody = world.browser();
    let page = nobody.get(&format!("/device?user_code={code}")).await;
    let form = page.form("/sign-in");
    assert!(form.fields.contains(&("request".into(), format!("/device?user_code={code}"))));
    assert!(page.forms().iter().all(|form| form.action != "/device"));

    let mut alice = world.signed_in("alice").await;
    let mut bob = world.signed_in("bob").await;
    let page = enter(&mut alice, code).await;
    let confirm = page.form("/device/decision");
    let encode = |fields: &[(&str, &str)]| auth_core::oauth::encode(fields.iter().copied());
    // Without a token, with that of another browser, and with that of the page before.
    let before = alice.get("/device").await.form("/device");
    let of_before = before.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    for token in ["", "x.1.y", &of_before] {
        let body = encode(&[("csrf", token), ("decision", "allow"), ("user_code", code)]);
        let refused = alice.post("/device/decision", body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{token}");
        let body =
            encode(&[("csrf", if token == of_before { "" } else { token }), ("user_code", code)]);
        assert_eq!(alice.post("/device", body).await.status, StatusCode::FORBIDDEN);
    }
    let foreign = bob.submit(confirm.clone(), &[("decision", "allow")]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(poll(&world, &device).await.error(), "authorization_pending");
    // The code in the form decides nothing: the token is for the one that was shown.
    let other = begin(&world, &[]).await.json();
    let other_code = other["user_code"].as_str().unwrap();
    let done = alice.submit(confirm, &[("decision", "allow"), ("user_code", other_code)]).await;
    assert_eq!(done.status, StatusCode::OK);
    assert_eq!(poll(&world, &other).await.error(), "authorization_pending");
    assert_eq!(poll(&world, &device).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_decision_about_a_device_of_another_origin_is_refused() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let mut alice = world.signed_in("alice").await;
    let page = enter(&mut alice, device["user_code"].as_str().unwrap()).await;
    let form = page.form("/device/decision");
    let pairs = form.fields.iter().map(|(name, value)| (&**name, &**value));
    let body = auth_core::oauth::encode(pairs.chain([("decision", "allow")]));
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = Request::post("/device/decision")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = alice.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(poll(&world, &device).await.error(), "authorization_pending");
    assert_eq!(alice.post("/device/decision", body).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(poll(&world, &device).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_of_a_device_is_within_the_roles_of_its_user_now() {
    let world = World::new().await;
    let device = begin(&world, &[]).await.json();
    let mut bob = world.signed_in("bob").await;
    decide(&mut bob, &device, "allow").await;
    assert_eq!(poll(&world, &device).await.json()["scope"], "User.Read");

    let device = begin(&world, &[]).await.json();
    decide(&mut bob, &device, "allow").await;
    let disable = Edit::SetStatus(name("bob"), UserStatus::Disabled);
    let _ = world.store.users().edit(disable, &stamp()).await.unwrap();
    assert_eq!(poll(&world, &device).await.error(), "invalid_grant");
}

#[tokio::test]
async fn which_clients_may_begin() {
    let world = World::new().await;
    let tv = json!({
        "client_name": "TV", "token_endpoint_auth_method": "none", "redirect_uris": [],
        "response_types": [], "grant_types": [GRANT, "refresh_token"],
    });
    let registered = world.post_json("/register", &tv).await.json();
    let id = registered["client_id"].as_str().unwrap();
    let device = world.post("/device_authorization", &[("client_id", id)]).await.json();
    let mut alice = world.signed_in("alice").await;
    decide(&mut alice, &device, "allow").await;
    let tokens = poll_as(&world, &device, &[("client_id", id)]).await.json();
    assert!(tokens["access_token"].is_string() && tokens["refresh_token"].is_string());

    let job = json!({ "grant_types": ["client_credentials"] });
    add_client(&world, "job", &job).await;
    let secret = ("client_secret", SECRET);
    for (what, form, error) in [
        ("codes only", vec![("client_id", "public")], None),
        ("a secret", vec![("client_id", "confidential"), secret], None),
        ("no secret", vec![("client_id", "confidential")], Some("invalid_client")),
        ("unknown", vec![("client_id", "unknown")], Some("invalid_client")),
        ("no user", vec![("client_id", "job"), secret], Some("unauthorized_client")),
        (
            "resource",
            vec![("client_id", "public"), ("resource", "https://a.example/")],
            Some("invalid_target"),
        ),
        ("scope", vec![("client_id", "public"), ("scope", "a  b")], Some("invalid_scope")),
    ] {
        let answer = world.post("/device_authorization", &form).await;
        match error {
            None => assert_eq!(answer.status, StatusCode::OK, "{what}: {answer:?}"),
            Some(error) => assert_eq!(answer.error(), error, "{what}"),
        }
    }
}

#[tokio::test]
async fn an_address_begins_so_often_in_a_minute() {
    let world = World::new().await;
    for _ in 0..20 {
        assert_eq!(begin(&world, &[]).await.status, StatusCode::OK);
    }
    let answer = begin(&world, &[]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.header("retry-after").is_empty());
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(begin(&world, &[]).await.status, StatusCode::OK);
}
