//! What is answered while the database cannot be asked.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::common::{Answer, World, authorize};

#[track_caller]
fn assert_page(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}: {answer:?}");
    assert_eq!(answer.header("retry-after"), "5", "{what}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{what}");
    assert!(answer.body.contains("</html>"), "{what}: {answer:?}");
}

#[track_caller]
fn assert_json(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}: {answer:?}");
    assert_eq!(answer.error(), "temporarily_unavailable", "{what}");
    assert_eq!(answer.header("retry-after"), "5", "{what}");
}

#[tokio::test]
async fn people_get_a_page_and_programs_get_json() {
    let world = World::new().await;
    let mut stranger = world.browser();
    let sign_in = stranger.get("/sign-in").await.form("/sign-in");
    let mut alice = world.signed_in("alice").await;
    let consent = alice.get(&authorize(&[])).await.form("/authorize");
    let device = alice.get("/device").await.form("/device");
    let account = alice.get("/account").await.forms();
    assert!(account.len() > 2, "{account:?}");
    let code = alice.allow(&authorize(&[])).await.code();
    world.store.users().close().await;

    for path in ["/sign-in", "/account", "/device", &*authorize(&[])] {
        assert_page(&alice.get(path).await, path);
    }
    let link = format!("/sign-in/link?token={}", "A".repeat(43));
    assert_page(&stranger.get(&link).await, &link);
    let secret = [("user", "alice"), ("secret", "violet kettle sings at noon")];
    assert_page(&stranger.submit(sign_in, &secret).await, "/sign-in");
    for form in account.into_iter().chain([consent, device]) {
        let what = form.action.clone();
        assert_page(&alice.submit(form, &[("decision", "allow")]).await, &what);
    }
    for path in ["/sign-in/second", "/sign-out", "/device/decision"] {
        assert_page(&alice.post(path, "csrf=x".into()).await, path);
    }

    assert_json(&world.exchange(&code).await, "/token");
    let answer = world.post("/device_authorization", &[("client_id", "public")]).await;
    assert_json(&answer, "/device_authorization");
    let request = Request::get(authorize(&[])).header("accept", "application/json");
    assert_json(&world.send(request.body(Body::empty()).unwrap()).await, "/authorize");
}
