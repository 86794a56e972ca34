//! `/register`.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use issuer::PeerAddress;
use serde_json::{Value, json};

use crate::common::{Answer, World, authorize};

async fn from(world: &World, address: &str, body: &Value) -> Answer {
    let request = Request::post("/register")
        .header("content-type", "application/json")
        .extension(PeerAddress(address.parse().unwrap()));
    world.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn public() -> Value {
    json!({
        "client_name": "A client", "redirect_uris": ["http://127.0.0.1:33418/"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "token_endpoint_auth_method": "none",
        "application_type": "native", "scope": "",
    })
}

#[tokio::test]
async fn a_public_client_gets_no_secret_and_can_be_used() {
    let world = World::new().await;
    let answer = world.post_json("/register", &public()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.header("cache-control"), "no-store");
    let client = answer.json();
    assert_eq!(client.get("client_secret"), None);
    assert_eq!(client.get("registration_access_token"), None);
    assert_eq!(client["token_endpoint_auth_method"], "none");
    assert_eq!(client["grant_types"], json!(["authorization_code", "refresh_token"]));
    let id = client["client_id"].as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    let uri = "http://127.0.0.1:40000/";
    let with = [("client_id", id), ("redirect_uri", uri)];
    let code = alice.allow(&authorize(&with)).await.code();
    let tokens = world.exchange_with(&code, &with).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
}

#[tokio::test]
async fn a_client_with_a_secret_gets_one_once() {
    let world = World::new().await;
    let body = json!({"redirect_uris": ["https://app.example/cb"]});
    let client = world.post_json("/register", &body).await.json();
    assert_eq!(client["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(client["client_secret"].as_str().unwrap().len(), 43);
    assert_eq!(client["client_secret_expires_at"], 0);
    let id = client["client_id"].as_str().unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    // It authenticates: what is wrong is the token.
    let fields = |secret| {
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", "r"),
            ("client_id", id),
            ("client_secret", secret),
        ]
    };
    assert_eq!(world.post("/token", &fields(secret)).await.error(), "invalid_grant");
    assert_eq!(world.post("/token", &fields("wrong")).await.error(), "invalid_client");
    assert_eq!(world.get("/register").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.get(&format!("/register/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_registration_that_is_not_usable_is_400() {
    let world = World::new().await;
    for (body, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({"redirect_uris": ["http://evil.example/cb"]}), "invalid_redirect_uri"),
        (json!({"redirect_uris": "x"}), "invalid_client_metadata"),
        (json!([]), "invalid_client_metadata"),
        (json!({"client_name": "a".repeat(17 * 1024)}), "invalid_request"),
    ] {
        let answer = from(&world, "192.0.2.7", &body).await;
        assert_eq!((answer.status, &*answer.error()), (StatusCode::BAD_REQUEST, error), "{body}");
    }
}

#[tokio::test]
async fn an_address_may_register_twenty_a_minute() {
    let world = World::new().await;
    for n in 0..20 {
        let address = format!("2001:db8:1:2::{n}");
        assert_eq!(from(&world, &address, &public()).await.status, StatusCode::CREATED);
    }
    let refused = from(&world, "2001:db8:1:2:ffff::1", &public()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.error(), "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(from(&world, "2001:db8:1:3::1", &public()).await.status, StatusCode::CREATED);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(from(&world, "2001:db8:1:2::1", &public()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn there_are_so_many_clients_and_unused_ones_make_room() {
    // Two of those of the tests have registered themselves.
    let world = World::with(|config| config.max_clients = 3).await;
    assert_eq!(from(&world, "192.0.2.1", &public()).await.status, StatusCode::CREATED);
    let full = from(&world, "192.0.2.2", &public()).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!full.header("retry-after").is_empty());
    world.clock.advance(Duration::from_hours(6) + Duration::from_secs(1));
    assert_eq!(from(&world, "192.0.2.2", &public()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn registration_may_be_off() {
    let world = World::with(|config| config.registration = false).await;
    assert_eq!(from(&world, "192.0.2.1", &public()).await.status, StatusCode::NOT_FOUND);
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata.get("registration_endpoint"), None);
}
