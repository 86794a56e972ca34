//! Registrations: what is refused, what is left out, and floods.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use issuer::PeerAddress;
use serde_json::{Value, json};

use crate::{
    assert_refused,
    common::{Answer, World},
};

const PRIVATE: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "d": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
    "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
    "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}"#;

async fn send(world: &World, address: &str, kind: &str, body: String) -> Answer {
    let request = Request::post("/register")
        .header("content-type", kind)
        .extension(PeerAddress(address.parse().unwrap()));
    world.send(request.body(Body::from(body)).unwrap()).await
}

async fn count(world: &World) -> usize {
    world.store.clients(false).await.unwrap().len()
}

fn with(name: &str, value: Value) -> String {
    let mut body = json!({
        "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none",
    });
    body[name] = value;
    body.to_string()
}

#[tokio::test]
async fn what_is_not_a_registration_registers_nothing() {
    let world = World::new().await;
    let before = count(&world).await;
    let (uri, metadata) = ("invalid_redirect_uri", "invalid_client_metadata");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let key = |more: Value| {
        let mut body = json!({
            "redirect_uris": ["https://app.example/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    };
    let private: Value = serde_json::from_str(PRIVATE).unwrap();
    let rows = [
        ("nothing", String::new(), metadata),
        ("no object", "[]".into(), metadata),
        ("no JSON", "redirect_uris=http://127.0.0.1/cb".into(), metadata),
        (
            "a member twice",
            r#"{"redirect_uris": ["http://127.0.0.1/cb"], "redirect_uris": []}"#.into(),
            metadata,
        ),
        ("depth", deep, metadata),
        ("no redirect URI", with("redirect_uris", json!([])), uri),
        (
            "a text in place of a list",
            with("redirect_uris", json!("http://127.0.0.1/cb")),
            metadata,
        ),
        ("numbers", with("redirect_uris", json!([1])), metadata),
        ("plain http elsewhere", with("redirect_uris", json!(["http://app.example/cb"])), uri),
        ("a script", with("redirect_uris", json!(["javascript:alert(1)"])), uri),
        ("data", with("redirect_uris", json!(["data:text/html,a"])), uri),
        ("a file", with("redirect_uris", json!(["file:///etc/passwd"])), uri),
        ("a protocol of Windows", with("redirect_uris", json!(["ms-msdt:/a"])), uri),
        ("a fragment", with("redirect_uris", json!(["https://app.example/cb#a"])), uri),
        ("a user", with("redirect_uris", json!(["https://a:b@app.example/cb"])), uri),
        ("dots", with("redirect_uris", json!(["https://app.example/a/%2E%2e/cb"])), uri),
        ("a line break", with("redirect_uris", json!(["https://app.example/cb\r\na: b"])), uri),
        ("a wildcard", with("redirect_uris", json!(["https://*.example/cb*é"])), uri),
        (
            "seventeen",
            with("redirect_uris", (0..17).map(|n| format!("http://127.0.0.1/{n}")).collect()),
            uri,
        ),
        ("only the implicit grant", with("grant_types", json!(["implicit"])), metadata),
        ("only refresh tokens", with("grant_types", json!(["refresh_token"])), metadata),
        (
            "client credentials without one",
            with("grant_types", json!(["client_credentials"])),
            metadata,
        ),
        ("an answer without a code", with("response_types", json!(["token"])), metadata),
        ("a method that is no text", with("token_endpoint_auth_method", json!(1)), metadata),
        ("no keys", key(json!({})), metadata),
        ("a private key", key(json!({"jwks": private})), metadata),
        (
            "a symmetric key",
            key(json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}})),
            metadata,
        ),
        ("no usable key", key(json!({"jwks": {"keys": []}})), metadata),
        ("keys over plain http", key(json!({"jwks_uri": "http://app.example/keys"})), metadata),
        ("keys in a file", key(json!({"jwks_uri": "file:///etc/passwd"})), metadata),
        (
            "keys in two places",
            key(json!({"jwks": {"keys": []}, "jwks_uri": "https://app.example/keys"})),
            metadata,
        ),
        ("too much", with("client_name", json!("a".repeat(17 * 1024))), "invalid_request"),
    ];
    for (number, (name, body, error)) in rows.into_iter().enumerate() {
        let address = format!("192.0.2.{number}");
        let answer = send(&world, &address, "application/json", body).await;
        assert_refused(name, &answer, StatusCode::BAD_REQUEST, error);
    }
    assert_eq!(count(&world).await, before);
}

/// What a client says of itself that only the server decides.
#[tokio::test]
async fn a_client_chooses_neither_its_id_nor_its_secret_nor_what_a_page_shows() {
    let world = World::new().await;
    let body = json!({
        "client_id": "public", "client_secret": "mine", "client_secret_expires_at": 1,
        "registration_access_token": "t", "redirect_uris": ["https://app.example/cb"],
        "client_name": "Claude\r\n\u{202e}<script>alert(1)</script>\u{0}",
        "client_uri": "javascript:alert(1)", "logo_uri": "https://evil.example/logo.png",
        "grant_types": ["authorization_code", "implicit", "password"],
        "software_statement": "e30.e30.",
    });
    let answer = send(&world, "192.0.2.1", "application/json", body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let client = answer.json();
    assert_ne!(client["client_id"], "public");
    assert_ne!(client["client_secret"], "mine");
    assert_eq!(client["client_name"], "Claude <script>alert(1)</script>");
    assert_eq!(client["grant_types"], json!(["authorization_code"]));
    for absent in ["registration_access_token", "client_uri", "logo_uri", "software_statement"] {
        assert!(client.get(absent).is_none(), "{absent}");
    }
    // The name is text on the consent page.
    let id = client["client_id"].as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    let path =
        crate::common::authorize(&[("client_id", id), ("redirect_uri", "https://app.example/cb")]);
    let page = alice.get(&path).await.body;
    assert!(!page.contains("<script") && !page.contains("evil.example"), "{page}");
    assert!(page.contains("Claude &lt;script&gt;") || page.contains("Claude &#60;script&#62;"));
}

/// A flood, from one address and from many: registered clients are bounded, those that are used
/// stay, and the first new one is served again after the flood.
#[tokio::test]
async fn a_flood_of_registrations_keeps_nobody_out_for_long() {
    let world = World::with(|config| {
        config.max_clients = 30;
        config.registrations_per_minute = 5;
    })
    .await;
    let _used = world.tokens("alice").await;
    let register = async |address: &str| {
        let body = with("client_name", json!("A client"));
        send(&world, address, "application/json", body).await
    };
    let mut refused = 0;
    for number in 0..20 {
        let answer = register("192.0.2.1").await;
        if answer.status != StatusCode::CREATED {
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{number}");
            assert!(!answer.header("retry-after").is_empty());
            refused += 1;
        }
    }
    assert_eq!(refused, 15);
    for number in 0..100 {
        let answer = register(&format!("2001:db8:{number:x}::1")).await;
        assert!(matches!(answer.status.as_u16(), 201 | 429), "{}", answer.body);
    }
    // Thirty that registered themselves; and one that the operator added.
    assert_eq!(count(&world).await, 31);
    assert_eq!(register("2001:db8:ffff::1").await.status, StatusCode::TOO_MANY_REQUESTS);
    // Ten minutes later the oldest that was never used makes room; the one that is used stays.
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(register("2001:db8:ffff::1").await.status, StatusCode::CREATED);
    assert_eq!(count(&world).await, 31);
    assert!(world.store.client(&"public".parse().unwrap()).await.unwrap().is_some());
}
