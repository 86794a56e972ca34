//! What works.

use auth_core::oauth::{CodeChallenge, Form};
use http::{StatusCode, header};
use testkit::Reply;

use crate::world::{CLIENT, SUBJECT, World, roles};

#[tokio::test]
async fn a_user_signs_in_at_the_provider_and_has_a_session_here() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    assert!(begun.url.starts_with(&world.idp.url("/authorize?")), "{}", begun.url);
    let (_, query) = begun.url.split_once('?').unwrap();
    let form = Form::parse(query.as_bytes()).unwrap();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "http://localhost:8000/sign-in/callback/idp"),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(form.get(name), Some(value), "{name}");
    }
    assert_eq!((begun.state.len(), begun.nonce.len()), (43, 43));
    assert_ne!(begun.state, begun.nonce);

    world.serve_token(&world.id_token(&begun));
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account"));
    assert!(browser.is_signed_in());
    let user = world.user(&format!("idp|{SUBJECT}")).await.unwrap();
    assert_eq!(&**user.display_name(), "Alice");
    assert_eq!(*user.roles(), roles(&["user"]));

    // The exchange: Basic with both parts form-encoded, and the verifier of the challenge.
    let exchange = world.idp.asked().into_iter().find(|asked| asked.path == "/token").unwrap();
    let basic = exchange.authorization.unwrap();
    let expected = "YmFydGl6YW46czNjcmV0JTJGJTJCJTIwJTI1JTNBJTI2JTNE";
    assert_eq!(basic, format!("Basic {expected}"));
    let form = Form::parse(exchange.body.as_bytes()).unwrap();
    assert_eq!(form.get("grant_type"), Some("authorization_code"));
    assert_eq!(form.get("code"), Some("the-code"));
    assert_eq!(form.get("redirect_uri"), Some("http://localhost:8000/sign-in/callback/idp"));
    assert_eq!(form.get("client_secret"), None);
    let challenge: CodeChallenge = begun.challenge.parse().unwrap();
    assert!(challenge.is_met_by(&form.get("code_verifier").unwrap().parse().unwrap()));
}

#[tokio::test]
async fn the_person_goes_on_to_what_they_came_for_and_nowhere_else() {
    let world = World::new().await;
    let request = "client_id=c&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=a%2Bb.%25";
    for (request, location) in [
        ("/account", "/account".to_owned()),
        ("/device?user_code=WDJB-MJHT", "/device?user_code=WDJB-MJHT".to_owned()),
        (request, format!("/authorize?{request}")),
        (
            "client_id=c&next=https://evil.example",
            "/authorize?client_id=c&next=https://evil.example".to_owned(),
        ),
    ] {
        let mut browser = world.browser();
        let begun = browser.choose("idp", request).await.begun();
        world.serve_token(&world.id_token(&begun));
        let answer = browser.come_back("idp", &begun).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, &*location));
    }
    for request in ["https://evil.example", "//evil.example", "/account?x", "a\r\nb: c"] {
        let answer = world.browser().choose("idp", request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{request}");
    }
}

#[tokio::test]
async fn the_answer_may_arrive_at_another_node() {
    let world = World::new().await;
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    browser.node = world.nodes[1].clone();
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert!(browser.is_signed_in());
}

#[tokio::test]
async fn what_the_id_token_does_not_say_is_asked_for() {
    let world = World::with(|it| {
        it.rules.domains.insert("example.com".into());
    })
    .await;
    let info = serde_json::json!({
        "sub": SUBJECT, "email": "a@example.com", "email_verified": true, "name": "Alice",
    });
    world.idp.serve("/userinfo", Reply::json(&info));
    let thin = |it: testkit::Forge| {
        it.without_claim("email").without_claim("email_verified").without_claim("name")
    };
    let answer = world.sign_in(&mut world.browser(), "idp", thin).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let asked = world.idp.asked().into_iter().find(|it| it.path == "/userinfo").unwrap();
    assert_eq!(asked.authorization.as_deref(), Some("Bearer provider-access-token"));
    assert_eq!(&**world.user(&format!("idp|{SUBJECT}")).await.unwrap().display_name(), "Alice");
    // A token that says enough needs no such request.
    world.sign_in(&mut world.browser(), "idp", |it| it).await;
    assert_eq!(world.idp.count("/userinfo"), 1);
}

#[tokio::test]
async fn a_name_for_display_is_not_worth_a_failed_sign_in() {
    let world = World::new().await;
    let thin = |it: testkit::Forge| it.without_claim("name").without_claim("email");
    world.idp.serve("/userinfo", Reply::text("x").status(503));
    let answer = world.sign_in(&mut world.browser(), "idp", thin).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let user = world.user(&format!("idp|{SUBJECT}")).await.unwrap();
    assert_eq!(&**user.display_name(), format!("idp|{SUBJECT}"));
}

#[tokio::test]
async fn the_page_that_leads_on_shows_where_to_and_is_kept_by_no_cache() {
    let world = World::new().await;
    let answer = world.browser().choose("idp", "/account").await;
    assert!(answer.body.contains("&#60;Example&#62; &#38; Co"), "{}", answer.body);
    assert!(!answer.body.contains("<Example>"), "{}", answer.body);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_login_hint_is_passed_on() {
    let world = World::new().await;
    let request = "client_id=c&login_hint=alice%40example.com";
    let begun = world.browser().choose("idp", request).await.begun();
    assert!(begun.url.contains("&login_hint=alice%40example.com"), "{}", begun.url);
}

#[tokio::test]
async fn nothing_of_the_providers_tokens_is_kept_or_shown() {
    let world = World::new().await;
    let mut browser = world.browser();
    let answer = world.sign_in(&mut browser, "idp", |it| it).await;
    let page = browser.get("/account").await;
    for text in [format!("{answer:?}"), format!("{page:?}"), format!("{:?}", browser.cookies)] {
        assert!(!text.contains("provider-access-token") && !text.contains("provider-refresh"));
        assert!(!text.contains("the-code"));
    }
}
