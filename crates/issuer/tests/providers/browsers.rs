//! The negative matrix of the way between the browser and the provider.

use axum::body::Body;
use http::{Request, StatusCode, header};
use testkit::NOW;

use crate::world::{World, openid};

#[tokio::test]
async fn the_way_there_needs_a_form_of_this_browser() {
    let world = World::new().await;
    let mut browser = world.browser();
    let csrf = browser.get("/sign-in").await.field("csrf");
    let mut other = world.browser();
    let foreign = other.get("/sign-in").await.field("csrf");
    for (what, csrf) in [("none", ""), ("of another browser", &*foreign), ("forged", "x.1.y")] {
        let form = [("csrf", csrf), ("request", "/account")];
        let answer = browser.post("/sign-in/with/idp", &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
        assert!(!answer.body.contains("refresh"), "{what}");
    }
    // From another site, even with a good token.
    let body = auth_core::oauth::encode([("csrf", &*csrf), ("request", "/account")]);
    let request = Request::post("/sign-in/with/idp")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site");
    let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // Without cookies.
    let form = [("csrf", &*csrf), ("request", "/account")];
    let answer = world.browser().post("/sign-in/with/idp", &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // Too old.
    world.clock.set(NOW + 601);
    let answer = browser.post("/sign-in/with/idp", &form).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // A link of another site.
    let answer = browser.get("/sign-in/with/idp").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_unknown_provider_is_not_found() {
    let world = World::new().await;
    for name in ["other", "IDP", "..", "%2e%2e", "idp%00"] {
        let answer = world.browser().get(&format!("/sign-in/callback/{name}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }
    let answer = world.browser().choose("other", "/account").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_without_its_sign_in_is_refused_before_anything_is_asked() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    let state = &begun.state;
    let wrong = "A".repeat(43);
    for query in [
        String::new(),
        "code=c".into(),
        format!("code=c&state={wrong}"),
        format!("code=c&state={}", &state[..42]),
        format!("code=c&state={state}x"),
        format!("code=c&state={}", state.to_lowercase()),
        format!("code=c&state={state}&state={state}"),
        format!("code=c&code=d&state={state}"),
        format!("code=c&state={state}&x=%zz"),
        format!("code=c&state={}{}", &state[..8], &wrong[..35]),
    ] {
        let answer = browser.get(&format!("/sign-in/callback/idp?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(world.exchanges(), 0);
    // None of that has used the sign-in up.
    assert_eq!(browser.come_back("idp", &begun).await.status, StatusCode::SEE_OTHER);
}

/// An attacker begins a sign-in, and has the victim's browser finish it (login CSRF); or finishes
/// in their own browser what the victim began.
#[tokio::test]
async fn another_browser_cannot_finish_a_sign_in() {
    let world = World::new().await;
    let mut attacker = world.browser();
    let begun = attacker.begin("idp").await;
    world.serve_token(&world.id_token(&begun));

    let mut fresh = world.browser();
    let mut victim = world.browser();
    victim.begin("idp").await;
    // With the attacker's sign-in cookie, which another host of the domain may have set.
    let mut planted = victim.clone();
    let cookies = attacker.cookies.iter();
    let sign_in = cookies.filter(|(name, _)| name.starts_with("bartizan_provider_"));
    planted.cookies.extend(sign_in.map(|(name, value)| (name.clone(), value.clone())));
    for browser in [&mut fresh, &mut victim, &mut planted] {
        let answer = browser.come_back("idp", &begun).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!browser.is_signed_in());
    }
    assert_eq!(world.exchanges(), 0);
}

#[tokio::test]
async fn an_answer_works_once_on_whichever_node() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    let before = browser.clone();
    assert_eq!(browser.come_back("idp", &begun).await.status, StatusCode::SEE_OTHER);
    // The cookie of the sign-in is gone.
    assert!(!browser.cookies.keys().any(|name| name.starts_with("bartizan_provider_")));
    assert_eq!(browser.come_back("idp", &begun).await.status, StatusCode::BAD_REQUEST);
    // One who has kept it, or a second request at the same time.
    for node in world.nodes.clone() {
        let mut again = before.clone();
        again.node = node;
        let answer = again.come_back("idp", &begun).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert!(!again.is_signed_in());
    }
    assert_eq!(world.exchanges(), 1);
    // A browser that is signed in by then goes on, without another session.
    let mut reloaded = before;
    let session = browser.cookies["bartizan_session"].clone();
    reloaded.cookies.insert("bartizan_session".into(), session.clone());
    let answer = reloaded.come_back("idp", &begun).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account"));
    assert_eq!(reloaded.cookies["bartizan_session"], session);
    assert_eq!(world.exchanges(), 1);
}

/// Another host of the domain, or another path, has set one of them.
#[tokio::test]
async fn two_cookies_of_one_sign_in_are_none() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    let mut twice = browser.clone();
    for (name, value) in &mut twice.cookies {
        if name.starts_with("bartizan_provider_") {
            *value = format!("{value}; {name}={value}");
        }
    }
    assert_eq!(twice.come_back("idp", &begun).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.exchanges(), 0);
    assert_eq!(browser.come_back("idp", &begun).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_is_new_at_each_sign_in() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.cookies.insert("bartizan_session".into(), "A".repeat(43));
    world.sign_in(&mut browser, "idp", |it| it).await;
    let first = browser.cookies["bartizan_session"].clone();
    assert_ne!(first, "A".repeat(43));
    // The page at /sign-in sends a signed-in browser on, so the form is another browser's tab.
    let mut tab = browser.clone();
    tab.cookies.remove("bartizan_session");
    let begun = tab.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    browser.cookies.extend(tab.cookies);
    browser.cookies.insert("bartizan_session".into(), first.clone());
    browser.come_back("idp", &begun).await;
    assert_ne!(browser.cookies["bartizan_session"], first);
}

#[tokio::test]
async fn a_sign_in_ends_after_ten_minutes() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.clock.set(NOW + 600);
    let mut late = browser.clone();
    world.serve_token(&world.id_token(&begun));
    assert_eq!(browser.come_back("idp", &begun).await.status, StatusCode::SEE_OTHER);
    world.clock.set(NOW + 601);
    assert_eq!(late.come_back("idp", &begun).await.status, StatusCode::BAD_REQUEST);
}

/// Mix-up (RFC 9700 §4.4): the code of one provider is brought to another.
#[tokio::test]
async fn an_answer_belongs_to_the_provider_that_was_asked() {
    let world = World::with_all(|idp| vec![openid(idp, "idp"), openid(idp, "evil")]).await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    let answer = browser.come_back("evil", &begun).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.exchanges(), 0);
    let at = async |query: String| {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        world.serve_token(&world.id_token(&begun));
        let path = format!("/sign-in/callback/idp?code=c&state={}{query}", begun.state);
        browser.get(&path).await.status
    };
    let own = auth_core::oauth::encode([("iss", &*world.idp.issuer())]);
    assert_eq!(at(format!("&{own}")).await, StatusCode::SEE_OTHER);
    assert_eq!(at("&iss=https%3A%2F%2Fevil.example".into()).await, StatusCode::BAD_GATEWAY);
    assert_eq!(at(format!("&{own}%2F")).await, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn iss_is_required_where_the_provider_announces_it() {
    let world = World::new().await;
    world.serve_metadata(|it| {
        it["authorization_response_iss_parameter_supported"] = true.into();
    });
    let mut browser = world.browser();
    let answer = world.sign_in(&mut browser, "idp", |it| it).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(world.exchanges(), 0);
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    let own = auth_core::oauth::encode([("iss", &*world.idp.issuer())]);
    let path = format!("/sign-in/callback/idp?code=c&state={}&{own}", begun.state);
    assert_eq!(browser.get(&path).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn several_tabs_may_sign_in_at_once_and_four_are_kept() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut begun = Vec::new();
    for count in 0..6 {
        world.clock.set(NOW + count);
        begun.push(browser.begin("idp").await);
    }
    let count = browser.cookies.keys().filter(|it| it.starts_with("bartizan_provider_")).count();
    assert_eq!(count, 4);
    let mut statuses = Vec::new();
    for begun in &begun {
        let mut tab = browser.clone();
        world.serve_token(&world.id_token(begun));
        statuses.push(tab.come_back("idp", begun).await.status);
    }
    let (gone, kept) = statuses.split_at(2);
    assert!(gone.iter().all(|it| *it == StatusCode::BAD_REQUEST), "{statuses:?}");
    assert!(kept.iter().all(|it| *it == StatusCode::SEE_OTHER), "{statuses:?}");
}

#[tokio::test]
async fn a_request_that_no_cookie_can_carry_is_refused() {
    let world = World::new().await;
    let fits = format!("client_id=c&state={}", "s".repeat(2900));
    let mut browser = world.browser();
    let answer = browser.choose("idp", &fits).await;
    let begun = answer.begun();
    let cookie =
        answer.headers.get_all(header::SET_COOKIE).iter().map(http::HeaderValue::len).max();
    assert!(cookie.unwrap() < 4096, "{cookie:?}");
    world.serve_token(&world.id_token(&begun));
    let location = browser.come_back("idp", &begun).await.location().to_owned();
    assert_eq!(location, format!("/authorize?{fits}"));
    let answer = world.browser().choose("idp", &format!("{fits}{}", "s".repeat(200))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_address_uses_up_so_many_sign_ins_in_a_minute() {
    let world = World::new().await;
    for n in 0..=300 {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        let path = format!("/sign-in/callback/idp?error=access_denied&state={}", begun.state);
        let status = browser.get(&path).await.status;
        let expected =
            if n < 300 { StatusCode::FORBIDDEN } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!(status, expected, "{n}");
    }
}
