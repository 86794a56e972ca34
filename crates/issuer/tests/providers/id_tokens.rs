//! The negative matrix of ID tokens, over HTTP. What each check is, is tested beside the rules
//! (`auth-core`); here is that every one of them is asked.

use auth_core::Algorithm;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Forge, NOW, Reply, TestKey, jwks};

use crate::world::{CLIENT, SECRET, World};

#[tokio::test]
async fn each_fault_of_an_id_token_refuses_the_sign_in() {
    type Change = Box<dyn Fn(Forge) -> Forge>;
    let world = World::new().await;
    let long = "s".repeat(256);
    let set = |name: &'static str, value: Value| -> Change {
        Box::new(move |token: Forge| token.claim(name, value.clone()))
    };
    let without =
        |name: &'static str| -> Change { Box::new(move |token: Forge| token.without_claim(name)) };
    let header = |name: &'static str, value: Value| -> Change {
        Box::new(move |token: Forge| token.header(name, value.clone()))
    };
    let faults: Vec<(&str, Change)> = vec![
        ("wrong nonce", set("nonce", json!("A".repeat(43)))),
        ("no nonce", without("nonce")),
        ("wrong aud", set("aud", json!("another-client"))),
        ("several aud without azp", set("aud", json!([CLIENT, "other"]))),
        ("no aud", without("aud")),
        ("wrong azp", set("azp", json!("another-client"))),
        ("wrong iss", set("iss", json!("https://evil.example"))),
        ("iss with a slash", set("iss", json!(format!("{}/", world.idp.issuer())))),
        ("no iss", without("iss")),
        ("expired", set("exp", json!(NOW - 30))),
        ("no exp", without("exp")),
        ("issued in the future", set("iat", json!(NOW + 31))),
        ("no iat", without("iat")),
        ("not valid yet", set("nbf", json!(NOW + 31))),
        ("no sub", without("sub")),
        ("sub of 256 bytes", set("sub", json!(long))),
        ("sub with a line break", set("sub", json!("a\nb"))),
        ("an access token", header("typ", json!("at+jwt"))),
        ("a logout token", header("typ", json!("logout+jwt"))),
        ("crit", header("crit", json!(["x"]))),
        ("own key", header("jwk", json!({}))),
        ("address of a key", header("jku", json!("https://evil.example/keys"))),
    ];
    for (what, change) in faults {
        let mut browser = world.browser();
        let answer = world.sign_in(&mut browser, "idp", change).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{what}");
        assert!(!browser.is_signed_in(), "{what}");
    }
    assert!(world.directory_is_empty().await);
}

#[tokio::test]
async fn only_the_providers_key_signs() {
    let world = World::new().await;
    let other = TestKey::generate(Algorithm::Es256);
    let secret = SECRET.as_bytes();
    let hmac = |message: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    };
    let public = world.key.public_pem().unwrap();
    let hmac_with_public = |message: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, public.as_bytes());
        aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    };
    for attempt in 0..6 {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        let good = world.id_token(&begun);
        let token = match attempt {
            0 => good.sign(&other),
            1 => good.sign_with(|_| Vec::new()),
            2 => good.header("alg", "none").sign_with(|_| Vec::new()),
            3 => good.header("alg", "HS256").sign_with(hmac),
            4 => good.header("alg", "HS256").sign_with(hmac_with_public),
            _ => good.without_header("kid").header("alg", "RS256").sign(world.key),
        };
        world.serve_tokens(&token);
        let answer = browser.come_back("idp", &begun).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{attempt}");
        assert!(!browser.is_signed_in(), "{attempt}");
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_needed_once_in_ten_seconds() {
    let world = World::new().await;
    world.sign_in(&mut world.browser(), "idp", |it| it).await;
    assert_eq!(world.idp.count("/keys"), 1);
    let new = TestKey::generate(Algorithm::Es256);
    let sign_in = async || {
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        let mut token = world.id_token(&begun);
        token.header.insert("kid".into(), json!(new.signing().id().unwrap().as_str()));
        world.serve_tokens(&token.sign(&new));
        browser.come_back("idp", &begun).await.status
    };
    world.idp.serve("/keys", Reply::json(&jwks(&[&new])));
    // Too soon after the last time.
    assert_eq!(sign_in().await, StatusCode::BAD_GATEWAY);
    assert_eq!(world.idp.count("/keys"), 1);
    world.clock.set(NOW + 10);
    assert_eq!(sign_in().await, StatusCode::SEE_OTHER);
    assert_eq!(world.idp.count("/keys"), 2);
    // The old one is gone with the set.
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(world.idp.count("/keys"), 2);
}

#[tokio::test]
async fn a_set_of_private_or_shared_keys_is_none() {
    let world = World::new().await;
    for set in [json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }), json!({ "keys": [] }), json!(7)]
    {
        world.idp.serve("/keys", Reply::json(&set));
        let answer = world.sign_in(&mut world.browser(), "idp", |it| it).await;
        assert!(answer.status.is_server_error(), "{set}");
        world.clock.advance(std::time::Duration::from_secs(10));
    }
}
