//! `/authorize`: which page, and what a decision does.

use std::time::Duration;

use axum::body::Body;
use directory::authorization::GrantFilter;
use http::{Request, StatusCode};
use serde_json::json;

use crate::common::{Answer, REDIRECT, World, authorize};

/// How many grants to the client `public` there are, those whose code was not exchanged too; they
/// are ended.
async fn grants(world: &World) -> u64 {
    let client_id = Some("public".parse().unwrap());
    let filter = GrantFilter { client_id, ..Default::default() };
    let now = auth_core::Clock::now(&*world.clock);
    world.store.end_grants(&filter, now).await.unwrap().grants
}

/// A request of a program that wants JSON.
async fn asked_by_a_program(world: &World, path: &str) -> Answer {
    let request = Request::get(path).header("accept", "application/json");
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn an_unknown_client_is_400_and_says_which_and_what_to_delete() {
    let world = World::new().await;
    let path = authorize(&[("client_id", "gone<b>")]);
    for _ in 0..2 {
        let page = world.get(&path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.body.contains("gone&lt;b&gt;") || page.body.contains("gone&#60;b&#62;"));
        assert!(page.headers.get("set-cookie").is_none());
        assert!(page.headers.get("location").is_none());
    }
    let json = asked_by_a_program(&world, &path).await;
    assert_eq!((json.status, &*json.error()), (StatusCode::BAD_REQUEST, "invalid_client"));
    assert!(json.headers.get("set-cookie").is_none());
}

/// What a client that is gone called itself is a claim, and a text from outside.
#[tokio::test]
async fn a_removed_client_is_named_with_what_to_delete_and_nothing_changes() {
    let world = World::new().await;
    let now = auth_core::Clock::now(&*world.clock);
    let name = "Team <b>chat</b>\u{202e}";
    let body = json!({
        "client_name": name, "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none",
    });
    let id = world.post_json("/register", &body).await.json()["client_id"].clone();
    let id = id.as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    let path = authorize(&[("client_id", id)]);
    let code = alice.allow(&path).await.code();
    let tokens = world.exchange_with(&code, &[("client_id", id)]).await;
    assert_eq!(tokens.status, StatusCode::OK);
    let _ = world.store.remove_client(&id.parse().unwrap(), now).await.unwrap().unwrap();

    let filter = GrantFilter { with_ended: true, ..GrantFilter::default() };
    let before = format!("{:?}", world.store.grants(&filter).await.unwrap());
    let cookies = alice.cookies.clone();
    for page in [world.get(&path).await, alice.get(&path).await] {
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        let claim =
            "The program that calls itself <bdi>Team &#60;b&#62;chat&#60;/b&#62;</bdi> uses";
        assert!(page.body.contains(claim), "{}", page.body);
        let place = "asks to send you back to <bdi>127.0.0.1</bdi>, a program on this computer.";
        assert!(page.body.contains(place), "{}", page.body);
        assert!(page.body.contains("remove this server and add it again, or delete what the"));
        assert!(page.body.contains(id), "{}", page.body);
        for name in ["set-cookie", "location"] {
            assert!(page.headers.get(name).is_none(), "{name}");
        }
    }
    assert_eq!(alice.cookies, cookies);
    assert_eq!(format!("{:?}", world.store.grants(&filter).await.unwrap()), before);
    assert_eq!(world.store.client(&id.parse().unwrap()).await.unwrap(), None);
    let json = asked_by_a_program(&world, &path).await;
    assert_eq!((json.status, &*json.error()), (StatusCode::BAD_REQUEST, "invalid_client"));
}

#[tokio::test]
async fn a_client_that_was_never_known_is_described_by_where_it_wants_the_browser_to_go() {
    let world = World::new().await;
    for (uri, place) in [
        (REDIRECT, "send you back to <bdi>127.0.0.1</bdi>, a program on this computer."),
        ("https://chat.example/cb", "send you back to <bdi>chat.example</bdi>."),
        ("cursor://callback", "the app that opens <bdi>cursor</bdi> links on this device."),
    ] {
        let page = world.get(&authorize(&[("client_id", "gone"), ("redirect_uri", uri)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.body.contains("The program uses a registration"), "{}", page.body);
        assert!(page.body.contains(place), "{}", page.body);
    }
    for uri in ["", "javascript:alert(1)"] {
        let page = world.get(&authorize(&[("client_id", "gone"), ("redirect_uri", uri)])).await;
        assert!(!page.body.contains("send you back") && !page.body.contains("javascript"));
    }
}

#[tokio::test]
async fn a_known_client_is_named_when_its_request_is_wrong() {
    let world = World::new().await;
    for (uri, words) in [
        ("https://evil.example/callback", "wants you to be sent to an address"),
        ("javascript:alert(1)", "sent a request that this server cannot answer"),
    ] {
        let page = world.get(&authorize(&[("redirect_uri", uri)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        let claim = format!("The program that calls itself <bdi>Public Client</bdi> {words}");
        assert!(page.body.contains(&claim), "{}", page.body);
    }
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_registered_is_never_redirected_to() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for uri in [
        "http://127.0.0.1:49152/callback/",
        "http://127.0.0.1:49152/Callback",
        "http://127.0.0.1:49152/callback?x=y",
        "http://127.0.0.1:49152/callback#x",
        "http://alice@127.0.0.1:49152/callback",
        "http://127.0.0.1:49152/%2e%2e/callback",
        "http://[::1]:49152/callback",
        "http://127.0.0.1.evil.example/callback",
        "https://evil.example/callback",
        "javascript:alert(1)",
        "/callback",
    ] {
        let page = alice.get(&authorize(&[("redirect_uri", uri)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{uri}");
        assert!(page.headers.get("location").is_none(), "{uri}");
        let json = asked_by_a_program(&world, &authorize(&[("redirect_uri", uri)])).await;
        assert_eq!((json.status, &*json.error()), (StatusCode::BAD_REQUEST, "invalid_request"));
    }
    let uri = "https://app.example:8443/callback";
    let path = authorize(&[("client_id", "confidential"), ("redirect_uri", uri)]);
    assert_eq!(alice.get(&path).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn every_other_error_goes_back_to_the_client() {
    let world = World::new().await;
    for (name, value, error) in [
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("resource", "https://other.example", "invalid_target"),
        ("scope", "a  b", "invalid_scope"),
        ("request", "e30.e30.", "request_not_supported"),
        ("prompt", "none", "login_required"),
    ] {
        let answer = world.get(&authorize(&[(name, value)])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}");
        let location = answer.location();
        assert!(location.starts_with(&format!("{REDIRECT}?error={error}&")), "{location}");
        assert!(location.contains("&state=a%2B%2F%3Db&iss=http%3A%2F%2Flocalhost%3A8000"));
        assert!(!location.contains('+'), "spaces are %20: {location}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let mut alice = world.signed_in("alice").await;
    let answer = alice.get(&authorize(&[("prompt", "none")])).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("consent_required"));
}

/// RFC 9700 §4.11.2: everybody can register a website, and our address must not lead there.
#[tokio::test]
async fn an_error_goes_to_a_website_of_a_stranger_by_a_link_alone() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let of = |client| ("client_id", client);
    let at = |uri| ("redirect_uri", uri);
    for (name, value) in [("resource", "https://other.example"), ("prompt", "none")] {
        let path = authorize(&[of("web"), at("https://web.example/callback"), (name, value)]);
        for page in [world.get(&path).await, alice.get(&path).await] {
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(page.headers.get("location").is_none(), "{name}");
            assert!(!page.body.contains("http-equiv"), "{name}");
            assert!(page.body.contains("<bdi>web.example</bdi>"), "{}", page.body);
            let link = page.body.split("href=\"https://web.example/callback?").nth(1).unwrap();
            let link = link.split('"').next().unwrap();
            assert!(link.starts_with("error="), "{link}");
            assert!(link.contains("state=a%2B%2F%3Db") && link.contains("iss=http%3A%2F%2F"));
        }
        let answer = asked_by_a_program(&world, &path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}");
        let path =
            authorize(&[of("confidential"), at("https://app.example/callback"), (name, value)]);
        assert_eq!(world.get(&path).await.status, StatusCode::SEE_OTHER, "{name}");
    }
}

/// Our address must not open a program of a stranger's choice either, such as `cursor://`.
#[tokio::test]
async fn an_error_goes_to_a_private_use_scheme_of_a_stranger_by_a_link_alone() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for (name, value) in [("resource", "https://other.example"), ("prompt", "none")] {
        let to = ("redirect_uri", "web.example:/callback");
        let path = authorize(&[("client_id", "web"), to, (name, value)]);
        for page in [world.get(&path).await, alice.get(&path).await] {
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(page.headers.get("location").is_none(), "{name}");
            assert!(!page.body.contains("http-equiv"), "{name}");
            assert!(page.body.contains("<bdi>web.example</bdi>"), "{}", page.body);
            let link = page.body.split("href=\"web.example:/callback?").nth(1).unwrap();
            let link = link.split('"').next().unwrap();
            assert!(link.starts_with("error=") && link.contains("state=a%2B%2F%3Db"), "{link}");
        }
        assert_eq!(asked_by_a_program(&world, &path).await.status, StatusCode::SEE_OTHER, "{name}");
    }
    // With a decision of the user, the page leads on by itself.
    let path = authorize(&[("client_id", "web"), ("redirect_uri", "web.example:/callback")]);
    for (decision, parameter) in [("deny", "error"), ("allow", "code")] {
        let answer = alice.decide(&path, &[("decision", decision)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.location().starts_with("web.example:/callback?"), "{answer:?}");
        assert!(answer.parameter(parameter).is_some(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_get_has_no_side_effect_and_may_be_repeated() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for _ in 0..2 {
        let page = alice.get(&authorize(&[])).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(policy.contains("form-action 'self' http://127.0.0.1:49152"), "{policy}");
    }
    assert_eq!(grants(&world).await, 0);
    let head = Request::head(authorize(&[])).body(Body::empty()).unwrap();
    assert_eq!(world.send(head).await.status, StatusCode::OK);
}

#[tokio::test]
async fn allowing_sends_a_code_with_state_and_issuer() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let answer = alice.allow(&authorize(&[])).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let location = answer.location();
    assert!(location.starts_with(&format!("{REDIRECT}?code=")), "{location}");
    assert!(location.ends_with("&state=a%2B%2F%3Db&iss=http%3A%2F%2Flocalhost%3A8000"));
    let code = answer.code();
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    assert!(code.bytes().all(is_unreserved), "{code}");
    assert_eq!(world.exchange(&code).await.status, StatusCode::OK);
    let listed = world.store.grants(&GrantFilter::default()).await.unwrap();
    assert_eq!(listed[0].given.client_name.as_deref(), Some("Public Client"));
    assert_eq!(grants(&world).await, 1);
    // Without a state, there is none in the answer.
    let answer = alice.allow(&authorize(&[("state", "")])).await;
    assert_eq!(answer.parameter("state"), None);
}

#[tokio::test]
async fn scopes_are_offered_within_what_is_asked_known_and_allowed() {
    let world = World::new().await;
    for (user, asked, expected) in [
        ("alice", "", "Admin.Write User.Read User.Write"),
        ("alice", "User.Read", "User.Read"),
        ("alice", "User.Read claudeai offline_access", "User.Read"),
        ("alice", "claudeai", "Admin.Write User.Read User.Write"),
        ("alice", "offline_access", "Admin.Write User.Read User.Write"),
        ("bob", "", "User.Read"),
        ("bob", "User.Read Admin.Write", "User.Read"),
        ("bob", "Admin.Write", ""),
    ] {
        let mut browser = world.signed_in(user).await;
        let code = browser.allow(&authorize(&[("scope", asked)])).await.code();
        let tokens = world.exchange(&code).await.json();
        assert_eq!(tokens["scope"], expected, "{user}: {asked}");
        // Each begins without what was allowed before.
        for user in ["alice", "bob"] {
            let issuer = world.server.config().issuer.clone();
            let name = directory::UserName { issuer, subject: user.parse().unwrap() };
            world.store.forget_consents(&name, &"public".parse().unwrap()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_page_says_what_each_scope_opens() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let page = alice.get(&authorize(&[])).await.body;
    for text in ["get_time", "rename", "shut_down", "server://info", "greet"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains("Read your own data"));
    assert!(!page.contains("whoami"), "any signed-in user may");
    let page = alice.get(&authorize(&[("scope", "User.Read")])).await.body;
    assert!(page.contains("get_time") && !page.contains("rename") && !page.contains("shut_down"));
}

#[tokio::test]
async fn what_is_not_ticked_is_not_granted() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let unticked = [("decision", "allow"), ("scope:Admin.Write", ""), ("scope:User.Write", "")];
    let code = alice.decide(&authorize(&[]), &unticked).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "User.Read");

    let code = alice.decide(&authorize(&[]), &[("decision", "read_only")]).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "User.Read");

    // A box that was not on the page gives nothing.
    let more = [("decision", "allow"), ("scope:Admin.Write", "on")];
    let code = alice.decide(&authorize(&[("scope", "User.Read")]), &more).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "User.Read");
}

#[tokio::test]
async fn what_was_allowed_before_is_one_click_and_what_was_left_out_is_not() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let asked = authorize(&[("scope", "User.Read User.Write")]);
    let first = alice.get(&asked).await.form("/authorize");
    assert!(!first.buttons.contains(&("decision".into(), "continue".into())));
    let narrower = [("decision", "allow"), ("scope:User.Write", "")];
    let _ = alice.submit(first, &narrower).await.code();

    // The same again: the page proposes what was chosen, and says why it is shown.
    let page = alice.get(&asked).await;
    let form = page.form("/authorize");
    assert_eq!(form.unticked, ["scope:User.Write"]);
    assert!(!form.buttons.contains(&("decision".into(), "continue".into())));
    assert!(page.body.contains("did not allow"));
    let code = alice.submit(form, &[("decision", "allow")]).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "User.Read");

    // What is within: one click, with `prompt=consent` too.
    let within = authorize(&[("scope", "User.Read"), ("prompt", "consent")]);
    let form = alice.get(&within).await.form("/authorize");
    assert!(form.buttons.contains(&("decision".into(), "continue".into())));
    let code = alice.submit(form, &[("decision", "continue")]).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "User.Read");
}

#[tokio::test]
async fn what_was_not_asked_about_stays_remembered() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let both = authorize(&[("scope", "User.Read User.Write")]);
    let _ = alice.allow(&both).await.code();
    let one = authorize(&[("scope", "User.Read")]);
    let _ = alice.decide(&one, &[("decision", "continue")]).await.code();
    let form = alice.get(&both).await.form("/authorize");
    assert!(form.buttons.contains(&("decision".into(), "continue".into())));
    // What was asked about and is not ticked is left out.
    let _ = alice.decide(&one, &[("decision", "allow"), ("scope:User.Read", "")]).await.code();
    assert_eq!(alice.get(&both).await.form("/authorize").unticked, ["scope:User.Read"]);
}

#[tokio::test]
async fn what_was_never_asked_for_is_ticked_and_the_page_says_that_it_is_new() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let less = authorize(&[("scope", "User.Read")]);
    let page = alice.get(&less).await;
    assert!(!page.body.contains("asks for more"));
    let _ = alice.submit(page.form("/authorize"), &[("decision", "allow")]).await.code();

    // After a 403 the client asks for what was missing, and "Allow" gives it.
    let more = authorize(&[("scope", "User.Read Admin.Write")]);
    let page = alice.get(&more).await;
    assert!(page.body.contains("asks for more") && !page.body.contains("did not allow"));
    assert!(page.body.contains("for this before: <bdi>Admin.Write</bdi>."));
    let form = page.form("/authorize");
    assert_eq!(form.unticked, Vec::<String>::new());
    assert!(!form.buttons.contains(&("decision".into(), "continue".into())));
    let code = alice.submit(form, &[("decision", "allow")]).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "Admin.Write User.Read");
    let form = alice.get(&more).await.form("/authorize");
    assert!(form.buttons.contains(&("decision".into(), "continue".into())));
}

#[tokio::test]
async fn what_was_left_out_is_not_ticked_until_it_is_allowed() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let two = authorize(&[("scope", "User.Read User.Write")]);
    let read = [("decision", "allow"), ("scope:User.Write", "")];
    let _ = alice.decide(&two, &read).await.code();

    // Left out and new at once: the page says both, and "Allow" gives what is new alone.
    let three = authorize(&[]);
    let page = alice.get(&three).await;
    assert!(page.body.contains("did not allow <bdi>User.Write</bdi> before."), "{}", page.body);
    assert!(page.body.contains("for this before: <bdi>Admin.Write</bdi>."));
    let form = page.form("/authorize");
    assert_eq!(form.unticked, ["scope:User.Write"]);
    let code = alice.submit(form, &[("decision", "allow")]).await.code();
    assert_eq!(world.exchange(&code).await.json()["scope"], "Admin.Write User.Read");

    // It stays so while it is not asked for, and ends when its box is ticked.
    let _ = alice.allow(&authorize(&[("scope", "User.Read")])).await.code();
    let form = alice.get(&three).await.form("/authorize");
    assert_eq!(form.unticked, ["scope:User.Write"]);
    let ticked = [("decision", "allow"), ("scope:User.Write", "on")];
    let _ = alice.submit(form, &ticked).await.code();
    let form = alice.get(&three).await.form("/authorize");
    assert!(form.buttons.contains(&("decision".into(), "continue".into())));
    assert_eq!(form.unticked, Vec::<String>::new());

    // Who left everything out is not asked as if for the first time.
    let none = [("decision", "allow"), ("scope:User.Read", "")];
    let mut bob = world.signed_in("bob").await;
    let _ = bob.decide(&three, &none).await.code();
    let page = bob.get(&three).await;
    assert!(page.body.contains("did not allow <bdi>User.Read</bdi> before."));
    assert_eq!(page.form("/authorize").unticked, ["scope:User.Read"]);
}

#[tokio::test]
async fn scopes_that_cannot_be_given_are_named() {
    let world = World::new().await;
    let mut bob = world.signed_in("bob").await;
    let page = bob.get(&authorize(&[("scope", "User.Read Admin.Write claudeai")])).await;
    assert!(page.body.contains("Admin.Write") && page.body.contains("claudeai"));
    let form = page.form("/authorize");
    let boxes = form.fields.iter().filter(|(name, _)| name.starts_with("scope:"));
    let boxes: Vec<_> = boxes.map(|(name, _)| name.as_str()).collect();
    assert_eq!((boxes, form.unticked), (vec!["scope:User.Read"], vec![]));
}

#[tokio::test]
async fn a_denial_goes_back_and_is_remembered_for_a_minute() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let answer = alice.decide(&authorize(&[]), &[("decision", "deny")]).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(answer.parameter("state").as_deref(), Some("a+/=b"));
    assert_eq!(answer.parameter("iss").as_deref(), Some("http://localhost:8000"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("Max-Age=60"));
    assert_eq!(grants(&world).await, 0);

    assert!(alice.get(&authorize(&[])).await.body.contains("You declined"));
    let web = [("client_id", "web"), ("redirect_uri", "https://web.example/callback")];
    assert!(!alice.get(&authorize(&web)).await.body.contains("You declined"));
    let mut other = world.signed_in("alice").await;
    let cookies = alice.cookies.iter().filter(|(name, _)| *name == "bartizan_declined");
    other.cookies.extend(cookies.map(|(name, value)| (name.clone(), value.clone())));
    assert!(!other.get(&authorize(&[])).await.body.contains("You declined"));
    world.clock.advance(Duration::from_secs(61));
    assert!(!alice.get(&authorize(&[])).await.body.contains("You declined"));
}

#[tokio::test]
async fn a_decision_needs_the_token_of_its_page() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let form = alice.get(&authorize(&[])).await.form("/authorize");
    let allow = ("decision", "allow");
    let other = world.signed_in("alice").await.get(&authorize(&[])).await.form("/authorize");
    let other = &other.fields.iter().find(|(name, _)| name == "csrf").unwrap().1;
    for csrf in ["", "x", other] {
        let answer = alice.submit(form.clone(), &[allow, ("csrf", csrf)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{csrf}");
    }
    // For this request alone.
    let request = authorize(&[("scope", "User.Read")]).split_once('?').unwrap().1.to_owned();
    let answer = alice.submit(form.clone(), &[allow, ("request", &request)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // For this user alone.
    let mut bob = world.signed_in("bob").await;
    let id = alice.cookies["bartizan_browser"].clone();
    bob.cookies.insert("bartizan_browser".into(), id);
    assert_eq!(bob.submit(form.clone(), &[allow]).await.status, StatusCode::FORBIDDEN);
    // For this browser alone, and for ten minutes.
    let mut stranger = alice.clone();
    stranger.cookies.remove("bartizan_browser");
    assert_eq!(stranger.submit(form.clone(), &[allow]).await.status, StatusCode::FORBIDDEN);
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(alice.submit(form, &[allow]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(grants(&world).await, 0);
}

/// A person who looks for a password, and then reads: each page is good for ten minutes.
#[tokio::test]
async fn a_request_is_granted_after_599_seconds_on_each_page() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let path = authorize(&[]);
    let request = path.split_once('?').unwrap().1;
    let sign_in = alice.get(&authorize(&[("prompt", "login")])).await.form("/sign-in");
    let sent = sign_in.fields.iter().find(|(name, _)| name == "request").unwrap().1.clone();
    assert_eq!(sent, request);
    let typed = [("user", "alice"), ("secret", "wrong")];
    world.clock.advance(Duration::from_secs(599));
    let page = alice.submit(sign_in, &typed).await;
    assert!(page.body.contains("is wrong") && !page.body.contains("too long"), "{}", page.body);
    let consent = alice.get(&path).await.form("/authorize");
    world.clock.advance(Duration::from_secs(599));
    let code = alice.submit(consent, &[("decision", "allow")]).await.code();
    assert_eq!(world.exchange(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_decision_of_another_origin_is_refused() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let form = alice.get(&authorize(&[])).await.form("/authorize");
    let pairs = form.fields.iter().map(|(name, value)| (&**name, &**value));
    let body = auth_core::oauth::encode(pairs.chain([("decision", "allow")]));
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = Request::post("/authorize")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = alice.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(grants(&world).await, 0);
    assert_eq!(alice.post("/authorize", body).await.status, StatusCode::SEE_OTHER);
}

/// A page of another site can send `text/plain` without asking.
#[tokio::test]
async fn a_decision_comes_as_a_form() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let form = alice.get(&authorize(&[])).await.form("/authorize");
    let pairs = form.fields.iter().map(|(name, value)| (&**name, &**value));
    let body = auth_core::oauth::encode(pairs.chain([("decision", "allow")]));
    for media_type in ["text/plain", "multipart/form-data", "application/json", ""] {
        let request = Request::post("/authorize")
            .header("content-type", media_type)
            .header("sec-fetch-site", "same-origin");
        let answer = alice.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{media_type}");
    }
    assert_eq!(grants(&world).await, 0);
}

#[tokio::test]
async fn everything_is_checked_anew_at_the_decision() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let page = alice.get(&authorize(&[])).await;
    let now = auth_core::NumericDate::from_secs(testkit::NOW).unwrap();
    let ended = world.store.remove_client(&"public".parse().unwrap(), now).await.unwrap();
    assert!(ended.is_some());
    let answer = alice.submit(page.form("/authorize"), &[("decision", "allow")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(grants(&world).await, 0);
}

#[tokio::test]
async fn who_is_not_signed_in_sees_the_sign_in_page() {
    let world = World::new().await;
    let mut nobody = world.browser();
    let page = nobody.get(&authorize(&[("login_hint", "alice")])).await;
    assert_eq!(page.status, StatusCode::OK);
    let form = page.form("/sign-in");
    let field = |name: &str| form.fields.iter().find(|it| it.0 == name).map(|it| it.1.clone());
    let request = authorize(&[("login_hint", "alice")]).split_once('?').unwrap().1.to_owned();
    assert_eq!(field("request"), Some(request));
    assert_eq!(field("user").as_deref(), Some("alice"));
    // Also one who is, if the client asks for it, once.
    let mut alice = world.signed_in("alice").await;
    for prompt in ["login", "select_account", "login consent"] {
        let page = alice.get(&authorize(&[("prompt", prompt)])).await;
        let form = page.form("/sign-in");
        let request = &form.fields.iter().find(|it| it.0 == "request").unwrap().1;
        assert!(!request.contains("login") && !request.contains("select_account"), "{request}");
        assert_eq!(request.contains("prompt=consent"), prompt == "login consent");
        let page = alice.get(&format!("/authorize?{request}")).await;
        let _ = page.form("/authorize");
    }
}

#[tokio::test]
async fn a_website_may_be_reached_by_a_page_in_between() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for uri in ["https://web.example/callback", "web.example:/callback"] {
        let answer = alice.allow(&authorize(&[("client_id", "web"), ("redirect_uri", uri)])).await;
        assert!(answer.location().starts_with(&format!("{uri}?code=")), "{}", answer.location());
    }
}
