//! What a provider answers in place of a code or of tokens.

use http::{StatusCode, header};
use serde_json::json;
use testkit::Reply;

use crate::world::{World, tokens};

#[tokio::test]
async fn an_error_ends_the_sign_in_with_a_page_that_leads_back() {
    let world = World::new().await;
    for (error, status, words) in [
        ("access_denied", StatusCode::FORBIDDEN, "was declined"),
        ("temporarily_unavailable", StatusCode::SERVICE_UNAVAILABLE, "does not answer"),
        ("server_error", StatusCode::SERVICE_UNAVAILABLE, "does not answer"),
        ("invalid_scope", StatusCode::BAD_GATEWAY, "did not confirm"),
        ("%3Cscript%3E", StatusCode::BAD_GATEWAY, "did not confirm"),
    ] {
        let mut browser = world.browser();
        let begun = browser.choose("idp", "client_id=c&state=x").await.begun();
        world.serve_token(&world.id_token(&begun));
        let state = &begun.state;
        let path = format!(
            "/sign-in/callback/idp?error={error}&code=c&state={state}\
             &error_description=%3Cimg%20src%3Dx%3E%20call%20555\
             &error_uri=https%3A%2F%2Fevil.example"
        );
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, status, "{error}");
        assert!(answer.body.contains(words), "{error}: {}", answer.body);
        assert!(answer.body.contains("href=\"/authorize?client_id=c&#38;state=x\""), "{error}");
        for theirs in ["555", "<img", "evil.example", "script>", "%3C"] {
            assert!(!answer.body.contains(theirs), "{error}: {theirs}");
        }
        assert!(!browser.is_signed_in());
        // It is used up.
        assert_eq!(browser.come_back("idp", &begun).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.exchanges(), 0);
}

#[tokio::test]
async fn an_answer_without_a_code_is_none() {
    let world = World::new().await;
    for code in ["", "&code=", "&code=a%0Ab", "&code=%C3%A9"] {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        let answer =
            browser.get(&format!("/sign-in/callback/idp?state={}{code}", begun.state)).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{code}");
    }
    assert_eq!(world.exchanges(), 0);
}

#[tokio::test]
async fn what_is_no_token_response_signs_no_one_in() {
    let world = World::new().await;
    let repeated = r#"{"id_token":"a","id_token":"b","token_type":"Bearer"}"#;
    for (reply, status) in [
        (Reply::json(&json!({ "error": "invalid_grant" })).status(400), StatusCode::BAD_GATEWAY),
        (Reply::json(&json!({ "error": "invalid_client" })).status(401), StatusCode::BAD_GATEWAY),
        (Reply::json(&json!({})), StatusCode::BAD_GATEWAY),
        (Reply::json(&json!([])), StatusCode::BAD_GATEWAY),
        (Reply::text("<html>"), StatusCode::BAD_GATEWAY),
        (Reply::text(repeated), StatusCode::BAD_GATEWAY),
        (
            Reply::json(&json!({ "access_token": "a", "token_type": "Bearer" })),
            StatusCode::BAD_GATEWAY,
        ),
        (Reply::json(&tokens("")), StatusCode::BAD_GATEWAY),
        (Reply::text("").status(302).header("location", "/elsewhere"), StatusCode::BAD_GATEWAY),
        (Reply::text("x").status(500), StatusCode::SERVICE_UNAVAILABLE),
        (Reply::text("x").status(503), StatusCode::SERVICE_UNAVAILABLE),
        (Reply::text(" ".repeat(300 * 1024)), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        world.idp.serve("/token", reply.clone());
        let answer = browser.come_back("idp", &begun).await;
        assert_eq!(answer.status, status, "{reply:?}");
        assert!(!browser.is_signed_in());
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
    assert_eq!(world.idp.count("/elsewhere"), 0);
}

#[tokio::test]
async fn user_info_is_of_the_same_user() {
    let world = World::with(|it| {
        it.rules.domains.insert("example.com".into());
    })
    .await;
    let thin = |it: testkit::Forge| it.without_claim("email").without_claim("email_verified");
    let info = |subject: &str| {
        json!({
            "sub": subject, "email": "a@example.com", "email_verified": true,
        })
    };
    for (reply, status) in [
        (Reply::json(&info("another")), StatusCode::BAD_GATEWAY),
        (Reply::json(&json!({ "email": "a@example.com" })), StatusCode::BAD_GATEWAY),
        (Reply::text("eyJhbGciOiJSUzI1NiJ9.e30.x"), StatusCode::BAD_GATEWAY),
        (Reply::text("x").status(401), StatusCode::BAD_GATEWAY),
        (Reply::text("x").status(503), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        world.idp.serve("/userinfo", reply.clone());
        let answer = world.sign_in(&mut world.browser(), "idp", thin).await;
        assert_eq!(answer.status, status, "{reply:?}");
    }
}
