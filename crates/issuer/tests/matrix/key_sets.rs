//! Clients whose keys are at a `jwks_uri`: how the keys may come, when they are fetched again, and
//! clients with a metadata document that authenticate so.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{
    Algorithm, NumericDate,
    oauth::{GrantType, parse_registration},
};
use directory::{
    Directory, NewUser, Stamp,
    authorization::{AddClient, ClientOrigin, StoredClient},
};
use http::StatusCode;
use outbound::{AddressPolicy, CertificateAuthorities, OutboundClient};
use serde_json::json;
use testkit::{Forge, ISSUER, NOW, TestKey, jwks};

use crate::{
    common::{Answer, World, authorize},
    documents::{Site, ok, serve, world},
};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A world whose way out may go to this machine, and which trusts the certificate of [`serve`].
async fn near() -> World {
    let authorities = CertificateAuthorities::from_pem(include_bytes!("tls/ca.pem")).unwrap();
    let policy = AddressPolicy::public_only().and_loopback(true);
    world(OutboundClient::builder(policy).authorities(authorities).build().unwrap()).await
}

/// Adds a client that acts for itself, with keys at this address.
async fn add(world: &World, id: &str, uri: &str) {
    let now = NumericDate::from_secs(NOW).unwrap();
    let body = json!({
        "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"],
        "jwks_uri": uri,
    });
    let client = StoredClient {
        id: id.parse().unwrap(),
        metadata: parse_registration(body.to_string().as_bytes(), &GrantType::ALL.into()).unwrap(),
        secret: None,
        origin: ClientOrigin::Operator,
        introspects: false,
        created_at: now,
        last_used_at: None,
    };
    assert_eq!(world.store.add_client(&client, 1000).await.unwrap(), AddClient::Added);
    let user = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: id.parse().unwrap(),
        display_name: String::new(),
        roles: ["guest".parse().unwrap()].into(),
    };
    world.store.users().add(user, &Stamp::new("test", now)).await.unwrap();
}

fn assertion(id: &str, key: &TestKey) -> String {
    let forge = Forge::valid(key).header("typ", "JWT").claim("iss", id).claim("sub", id);
    forge.claim("aud", ISSUER).claim("exp", NOW + 900).sign(key)
}

async fn ask(world: &World, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ];
    world.post("/token", &form).await
}

#[tokio::test]
async fn keys_come_as_a_bounded_set_from_their_own_address_or_not_at_all() {
    let key = TestKey::shared(Algorithm::Es256);
    let set = jwks(&[key]);
    let site: Site = Arc::new(move |path: &str| {
        Some(match path {
            "/good" => ok(&set),
            "/moved" => "HTTP/1.1 307 T\r\nlocation: /good\r\ncontent-length: 0\r\n\r\n".into(),
            "/missing" => "HTTP/1.1 404 N\r\ncontent-length: 0\r\n\r\n".into(),
            "/failing" => "HTTP/1.1 500 F\r\ncontent-length: 0\r\n\r\n".into(),
            "/long" => ok(&json!({ "keys": set["keys"], "x": "a".repeat(64 * 1024) })),
            "/empty" => ok(&json!({ "keys": [] })),
            "/secret" => ok(&json!({ "keys": [{ "kty": "oct", "k": "A".repeat(43) }] })),
            "/text" => ok(&json!("keys")),
            _ => return None,
        })
    });
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let port = serve(site, Arc::clone(&asked)).await;
    let world = near().await;
    for (path, status) in [
        ("/good", 200),
        ("/moved", 401),
        ("/missing", 401),
        ("/failing", 503),
        ("/long", 401),
        ("/empty", 401),
        ("/secret", 401),
        ("/text", 401),
        ("/silent", 503),
    ] {
        asked.lock().unwrap().clear();
        let id = format!("client{}", path.replace('/', "-"));
        add(&world, &id, &format!("https://127.0.0.1:{port}{path}")).await;
        for _ in 0..2 {
            let answer = ask(&world, &assertion(&id, key)).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        }
        assert_eq!(*asked.lock().unwrap(), [path], "asked once, and nowhere else");
    }
}

#[tokio::test]
async fn keys_are_fetched_again_when_the_client_rotates_them() {
    let (old, new) = (TestKey::shared(Algorithm::Es256), TestKey::generate(Algorithm::Es256));
    let set = Arc::new(Mutex::new(Some(jwks(&[old]))));
    let published = Arc::clone(&set);
    let site: Site = Arc::new(move |_| {
        let failing = "HTTP/1.1 503 F\r\ncontent-length: 0\r\n\r\n".to_owned();
        Some(published.lock().unwrap().as_ref().map_or(failing, ok))
    });
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let port = serve(site, Arc::clone(&asked)).await;
    let world = near().await;
    add(&world, "agent", &format!("https://127.0.0.1:{port}/keys")).await;
    let count = || asked.lock().unwrap().len();
    assert_eq!(ask(&world, &assertion("agent", old)).await.status, StatusCode::OK);
    *set.lock().unwrap() = Some(jwks(&[&new]));
    // Forged assertions do not have the keys fetched over and over.
    for _ in 0..5 {
        let answer = ask(&world, &assertion("agent", &new)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(count(), 1);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(ask(&world, &assertion("agent", &new)).await.status, StatusCode::OK);
    assert_eq!(ask(&world, &assertion("agent", old)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(count(), 2);
    // Keys that cannot be had again stay in use.
    *set.lock().unwrap() = None;
    world.clock.advance(Duration::from_mins(11));
    assert_eq!(ask(&world, &assertion("agent", &new)).await.status, StatusCode::OK);
    assert_eq!(count(), 3);
}

#[tokio::test]
async fn a_client_with_a_document_authenticates_with_the_keys_that_it_names() {
    let key = TestKey::shared(Algorithm::Es256);
    let set = jwks(&[key]);
    let own_port = Arc::new(Mutex::new(0));
    let port = Arc::clone(&own_port);
    let site: Site = Arc::new(move |path: &str| {
        let base = format!("https://127.0.0.1:{}", port.lock().unwrap());
        let document = json!({
            "client_id": format!("{base}/app.json"), "client_name": "App",
            "redirect_uris": ["http://127.0.0.1/callback"], "jwks_uri": format!("{base}/keys"),
            "token_endpoint_auth_method": "private_key_jwt",
        });
        Some(ok(if path == "/keys" { &set } else { &document }))
    });
    let port = serve(site, Arc::default()).await;
    *own_port.lock().unwrap() = port;
    let world = near().await;
    let id = format!("https://127.0.0.1:{port}/app.json");
    let mut alice = world.signed_in("alice").await;
    let code = alice.allow(&authorize(&[("client_id", &id)])).await.code();
    let without = world.exchange_with(&code, &[("client_id", &id)]).await;
    assert_eq!(without.error(), "invalid_client");
    let signed = assertion(&id, key);
    let own =
        [("client_id", &*id), ("client_assertion_type", ASSERTION), ("client_assertion", &signed)];
    assert_eq!(world.exchange_with(&code, &own).await.status, StatusCode::OK);
}
