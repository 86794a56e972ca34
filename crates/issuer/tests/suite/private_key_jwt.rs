//! Clients that authenticate by a signed assertion, and clients that authenticate otherwise than
//! they were registered.

use std::time::Duration;

use auth_core::Algorithm;
use directory::Directory;
use http::StatusCode;
use serde_json::json;
use testkit::{ISSUER, NOW, TestKey};

use crate::{
    common::{World, server::SECRET},
    programs::{
        CLIENT_ASSERTION_TYPE, add_agent, add_client, of_agent, other_node, with_assertion,
    },
};

async fn agent() -> (World, &'static TestKey) {
    let (world, key) = (World::new().await, TestKey::shared(Algorithm::Es256));
    add_agent(&world, key).await;
    (world, key)
}

#[tokio::test]
async fn a_client_with_a_key_gets_a_token_for_itself() {
    let (world, key) = agent().await;
    for audience in [ISSUER.to_owned(), format!("{ISSUER}/token")] {
        let answer = with_assertion(&world, &of_agent(key).claim("aud", audience).sign(key)).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.json()["scope"], "User.Read User.Write");
        assert!(answer.json().get("refresh_token").is_none());
    }
}

#[tokio::test]
async fn every_fault_of_an_assertion_is_invalid_client() {
    let (world, key) = agent().await;
    let other = TestKey::generate(Algorithm::Es256);
    let kid = key.signing().id().unwrap().as_str().to_owned();
    let good = || of_agent(key);
    let hmac = TestKey::shared(Algorithm::Hs256);
    for (what, assertion) in [
        ("another key", of_agent(&other).sign(&other)),
        ("another key under this kid", good().header("kid", kid).sign(&other)),
        ("none", good().header("alg", "none").sign_with(|_| Vec::new())),
        ("a secret", of_agent(hmac).without_header("kid").sign(hmac)),
        ("a key in the header", good().header("jwk", json!({})).sign(key)),
        ("expired", good().claim("exp", NOW - 31).sign(key)),
        ("not yet valid", good().claim("nbf", NOW + 60).sign(key)),
        ("a day", good().claim("exp", NOW + 86400).sign(key)),
        ("no end", good().without_claim("exp").sign(key)),
        ("no id", good().without_claim("jti").sign(key)),
        ("another server", good().claim("aud", "https://other.example").sign(key)),
        ("two servers", good().claim("aud", json!([ISSUER, "https://a.example"])).sign(key)),
        ("no audience", good().without_claim("aud").sign(key)),
        ("another issuer", good().claim("iss", "public").sign(key)),
        ("another client", good().claim("sub", "confidential").sign(key)),
        ("an access token", good().header("typ", "at+jwt").sign(key)),
        ("not a JWT", "a.b.c".to_owned()),
    ] {
        let answer = with_assertion(&world, &assertion).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {answer:?}");
        assert_eq!(answer.error(), "invalid_client", "{what}");
        assert!(!answer.body.contains(&assertion), "{what}");
    }
}

#[tokio::test]
async fn an_assertion_is_used_once_on_whichever_node() {
    let (world, key) = agent().await;
    let node = other_node(&world);
    let assertion = of_agent(key).sign(key);
    assert_eq!(with_assertion(&world, &assertion).await.status, StatusCode::OK);
    for world in [&node, &world] {
        let again = with_assertion(world, &assertion).await;
        assert_eq!((again.status, &*again.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    // One that was refused for another reason may still be used.
    let late = of_agent(key).claim("nbf", NOW + 60).claim("exp", NOW + 120).sign(key);
    assert_eq!(with_assertion(&world, &late).await.status, StatusCode::UNAUTHORIZED);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(with_assertion(&node, &late).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_authenticates_by_its_method_once_and_not_in_the_query() {
    let (world, key) = agent().await;
    let credentials = json!({ "grant_types": ["client_credentials"], "client_name": "Job" });
    add_client(&world, "job", &credentials).await;
    crate::programs::add_user(&world, "job", "guest").await;
    let assertion = of_agent(key).sign(key);
    let kind = ("client_assertion_type", CLIENT_ASSERTION_TYPE);
    let grant = ("grant_type", "client_credentials");
    let basic = |text: &str| format!("Basic {}", base64(text));
    let own = basic(&format!("job:{SECRET}"));
    let wrong = basic("job:wrong");
    let agents = basic(&format!("agent:{SECRET}"));
    for (what, path, form, header, status) in [
        ("by Basic", "/token", vec![grant], Some(&own), 200),
        (
            "in the body",
            "/token",
            vec![grant, ("client_id", "job"), ("client_secret", SECRET)],
            None,
            200,
        ),
        ("wrong secret", "/token", vec![grant], Some(&wrong), 401),
        ("no secret", "/token", vec![grant, ("client_id", "job")], None, 401),
        ("twice", "/token", vec![grant, ("client_secret", SECRET)], Some(&own), 400),
        (
            "also an assertion",
            "/token",
            vec![grant, kind, ("client_assertion", &assertion)],
            Some(&own),
            400,
        ),
        ("a secret for a key", "/token", vec![grant], Some(&agents), 401),
        ("nothing for a key", "/token", vec![grant, ("client_id", "agent")], None, 401),
        (
            "in the query",
            "/token?client_id=job&client_secret=a-secret-of-the-confidential-client",
            vec![grant],
            None,
            400,
        ),
        (
            "a secret for a public client",
            "/token",
            vec![grant, ("client_id", "public"), ("client_secret", SECRET)],
            None,
            401,
        ),
        (
            "an unknown client",
            "/token",
            vec![grant, ("client_id", "none"), ("client_secret", SECRET)],
            None,
            401,
        ),
        ("no assertion type", "/token", vec![grant, ("client_assertion", &assertion)], None, 400),
    ] {
        let headers: Vec<_> = header.map(|it| ("authorization", it.as_str())).into_iter().collect();
        let answer = world.post_with(path, &form, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
        if status == 401 {
            assert_eq!(answer.error(), "invalid_client", "{what}");
        }
    }
}

#[tokio::test]
async fn keys_at_an_address_that_is_not_public_are_not_fetched() {
    let (world, key) = (World::new().await, TestKey::shared(Algorithm::Es256));
    for (number, host) in
        ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "192.0.2.1"]
            .into_iter()
            .enumerate()
    {
        let id = format!("agent{number}");
        let body = json!({
            "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"],
            "jwks_uri": format!("https://{host}/keys"),
        });
        add_client(&world, &id, &body).await;
        let assertion = of_agent(key).claim("iss", id.as_str()).claim("sub", id.as_str());
        let answer = with_assertion(&world, &assertion.sign(key)).await;
        assert_eq!((answer.status, &*answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }
}

#[tokio::test]
async fn an_assertion_authenticates_at_every_endpoint() {
    let (world, key) = agent().await;
    let token = with_assertion(&world, &of_agent(key).sign(key)).await.json();
    let token = token["access_token"].as_str().unwrap();
    let assertion = of_agent(key).sign(key);
    let form = [
        ("token", token),
        ("client_assertion_type", CLIENT_ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ];
    let revoked = world.post("/revoke", &form).await;
    assert_eq!(revoked.status, StatusCode::OK);
    let revoked = world.store.users().revoked_tokens().await.unwrap();
    assert_eq!(revoked.len(), 1);
}

fn base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

#[tokio::test]
async fn assertions_of_clients_that_no_operator_added_have_a_bound_for_each_address() {
    let (world, key) = agent().await;
    let body = json!({
        "client_name": "Stranger", "token_endpoint_auth_method": "private_key_jwt",
        "redirect_uris": ["https://app.example/callback"],
        "jwks": { "keys": [key.verifying().to_jwk().unwrap()] },
    });
    let registered = world.post_json("/register", &body).await.json();
    let id = registered["client_id"].as_str().unwrap();
    let mut statuses = Vec::new();
    for n in 0..301 {
        let assertion = of_agent(key).claim("iss", id).claim("sub", id).claim("jti", n.to_string());
        statuses.push(with_assertion(&world, &assertion.sign(key)).await.status);
    }
    assert_eq!(statuses.pop(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(statuses.iter().all(|status| *status == StatusCode::BAD_REQUEST), "{statuses:?}");
    // One of the operator's goes on.
    assert_eq!(with_assertion(&world, &of_agent(key).sign(key)).await.status, StatusCode::OK);
}
