//! `/token` with authorization codes.

use auth_core::{
    ActiveKey, Algorithm, KeySet, NumericDate, SigningKeys, SigningKeysError, StaticKeys,
    TokenVerifier, TrustedIssuer,
};
use directory::{Directory, Edit, UserName, UserStatus};
use http::StatusCode;
use issuer::AuthorizationServer;
use outbound::{AddressPolicy, OutboundClient};
use std::{sync::Arc, time::Duration};
use testkit::{ISSUER, NOW, RESOURCE, TestKey};

use crate::common::{CHALLENGE, World, authorize, server::SECRET};

fn name(world: &World, subject: &str) -> UserName {
    UserName { issuer: world.server.config().issuer.clone(), subject: subject.parse().unwrap() }
}

fn claims(world: &World, token: &str) -> auth_core::Claims {
    let keys = KeySet::from_iter([TestKey::shared(Algorithm::Es256).verifying()]);
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap())
        .trust(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
    verifier.verify(&token.parse().unwrap(), auth_core::Clock::now(&*world.clock)).unwrap()
}

#[tokio::test]
async fn a_code_becomes_an_access_token_for_the_resource() {
    let world = World::new().await;
    let code = world.code("alice").await;
    let answer = world.exchange(&code).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!((&json["token_type"], &json["expires_in"]), (&"Bearer".into(), &900.into()));
    assert_eq!(json["scope"], "Admin.Write User.Read User.Write");
    assert!(json["refresh_token"].is_string());
    let claims = claims(&world, json["access_token"].as_str().unwrap());
    assert_eq!(claims.subject().as_str(), "alice");
    assert_eq!(claims.client_id().unwrap().as_str(), "public");
    assert_eq!(claims.scopes().to_string(), "Admin.Write User.Read User.Write");
    assert_eq!(claims.expires_at(), NumericDate::from_secs(NOW + 900).unwrap());
    assert!(claims.roles().is_empty());
    let client = world.store.client(&"public".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(client.last_used_at, Some(NumericDate::from_secs(NOW).unwrap()));
}

#[tokio::test]
async fn a_token_never_holds_more_than_the_roles_of_the_user() {
    let world = World::new().await;
    let tokens = world.tokens("bob").await;
    assert_eq!(tokens["scope"], "User.Read");
    // A role that is taken away in between counts, too.
    let code = world.code("alice").await;
    let stamp = directory::Stamp::new("test", NumericDate::from_secs(NOW).unwrap());
    let edit = Edit::RevokeRole(name(&world, "alice"), "admin".parse().unwrap());
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
    let answer = world.exchange(&code).await;
    assert_eq!(answer.json()["scope"], "");
}

#[tokio::test]
async fn a_second_use_of_a_code_ends_what_came_of_the_first() {
    let world = World::new().await;
    let code = world.code("alice").await;
    let first = world.exchange(&code).await.json();
    let second = world.exchange(&code).await;
    assert_eq!((second.status, &*second.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    let refresh = world.refresh(first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refresh.error(), "invalid_grant");
    let claims = claims(&world, first["access_token"].as_str().unwrap());
    let issuer = ISSUER.parse().unwrap();
    let token_id = claims.token_id().unwrap();
    assert!(world.store.users().is_revoked(&issuer, token_id).await.unwrap());
}

#[tokio::test]
async fn a_code_that_failed_may_come_again() {
    let world = World::new().await;
    let code = world.code("alice").await;
    for other in [
        ("code_verifier", "another-verifier-of-at-least-43-characters-length"),
        ("redirect_uri", "http://127.0.0.1:49153/callback"),
        ("client_id", "web"),
        ("resource", "https://other.example"),
    ] {
        let answer = world.exchange_with(&code, &[other]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{other:?}");
        let error = if other.0 == "resource" { "invalid_target" } else { "invalid_grant" };
        assert_eq!(answer.error(), error, "{other:?}");
        assert!(!answer.json()["error_description"].as_str().unwrap().is_empty());
    }
    let missing = world.exchange_with(&code, &[("code_verifier", "")]).await;
    assert_eq!(missing.error(), "invalid_request");
    assert_eq!(world.exchange(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let world = World::new().await;
    let code = world.code("alice").await;
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.exchange(&code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn an_unknown_code_and_an_ended_grant_are_one_error() {
    let world = World::new().await;
    let unknown = world.exchange("unknown").await;
    let code = world.code("alice").await;
    let filter = directory::authorization::GrantFilter {
        client_id: Some("public".parse().unwrap()),
        ..Default::default()
    };
    let now = NumericDate::from_secs(NOW).unwrap();
    assert_eq!(world.store.end_grants(&filter, now).await.unwrap().grants, 1);
    let ended = world.exchange(&code).await;
    assert_eq!(unknown.body, ended.body);
    assert_eq!(unknown.error(), "invalid_grant");
}

#[tokio::test]
async fn a_disabled_user_gets_no_token() {
    let world = World::new().await;
    let code = world.code("alice").await;
    let stamp = directory::Stamp::new("test", NumericDate::from_secs(NOW).unwrap());
    let edit = Edit::SetStatus(name(&world, "alice"), UserStatus::Disabled);
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
    assert_eq!(world.exchange(&code).await.error(), "invalid_grant");
}

#[tokio::test]
async fn an_unknown_client_is_401() {
    let world = World::new().await;
    for fields in [
        [("grant_type", "authorization_code"), ("client_id", "gone"), ("code", "c")],
        [("grant_type", "refresh_token"), ("client_id", "gone"), ("refresh_token", "r")],
    ] {
        let answer = world.post("/token", &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.error(), "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }
}

#[tokio::test]
async fn a_secret_is_taken_from_the_header_or_the_body() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let world = World::new().await;
    let basic =
        |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let with = |id: &'static str| {
        [
            ("client_id", id),
            ("redirect_uri", "https://app.example/callback"),
            ("code_challenge", CHALLENGE),
        ]
    };
    for way in ["basic", "basic with client_id", "post"] {
        let mut alice = world.signed_in("alice").await;
        let code = alice.allow(&authorize(&with("confidential"))).await.code();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("code_verifier", crate::common::VERIFIER),
        ];
        let header = basic("confidential", SECRET);
        let answer = match way {
            "basic" => world.post_with("/token", &fields, &[("authorization", &header)]).await,
            "post" => {
                fields.extend([("client_id", "confidential"), ("client_secret", SECRET)]);
                world.post("/token", &fields).await
            }
            _ => {
                fields.push(("client_id", "confidential"));
                world.post_with("/token", &fields, &[("authorization", &header)]).await
            }
        };
        assert_eq!(answer.status, StatusCode::OK, "{way}: {}", answer.body);
    }
    let mut alice = world.signed_in("alice").await;
    let code = alice.allow(&authorize(&with("confidential"))).await.code();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("client_id", "confidential"),
        ("code_verifier", crate::common::VERIFIER),
    ];
    for header in [None, Some(basic("confidential", "wrong")), Some(basic("confidential", ""))] {
        let headers: Vec<_> = header.iter().map(|it| ("authorization", it.as_str())).collect();
        let answer = world.post_with("/token", &fields, &headers).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header:?}");
        assert_eq!(answer.error(), "invalid_client");
    }
    // A public client has no secret to show.
    let public = [("grant_type", "refresh_token"), ("refresh_token", "r")];
    let header = basic("public", SECRET);
    let answer = world.post_with("/token", &public, &[("authorization", &header)]).await;
    assert_eq!(answer.error(), "invalid_client");
    // Neither was the code spoiled.
    let header = basic("confidential", SECRET);
    let answer = world.post_with("/token", &fields, &[("authorization", &header)]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let world = World::new().await;
    let json = world.post_json("/token", &serde_json::json!({"grant_type": "x"})).await;
    assert_eq!((json.status, &*json.error()), (StatusCode::BAD_REQUEST, "invalid_request"));
    let long = "a".repeat(33 * 1024);
    let answer = world.post("/token", &[("grant_type", "x"), ("client_id", &long)]).await;
    assert_eq!(answer.error(), "invalid_request");
    let twice = [("client_id", "public"), ("grant_type", "a"), ("grant_type", "b")];
    assert_eq!(world.post("/token", &twice).await.error(), "invalid_request");
    let unknown = [("client_id", "public"), ("grant_type", "password")];
    assert_eq!(world.post("/token", &unknown).await.error(), "unsupported_grant_type");
}

#[tokio::test]
async fn only_a_client_that_refreshes_gets_a_refresh_token() {
    let world = World::new().await;
    let body = serde_json::json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
    });
    let client = world.post_json("/register", &body).await.json();
    let id = client["client_id"].as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    let code = alice.allow(&authorize(&[("client_id", id)])).await.code();
    let tokens = world.exchange_with(&code, &[("client_id", id)]).await.json();
    assert!(tokens["access_token"].is_string());
    assert_eq!(tokens.get("refresh_token"), None);
}

/// A key that stays published for five minutes after it last signed.
#[derive(Debug)]
struct FiveMinutes(StaticKeys);

impl SigningKeys for FiveMinutes {
    fn active(&self, now: NumericDate) -> Result<ActiveKey, SigningKeysError> {
        let longest = Some(Duration::from_mins(5));
        Ok(ActiveKey { longest, ..self.0.active(now)? })
    }

    fn published(&self) -> Result<KeySet, SigningKeysError> {
        self.0.published()
    }
}

#[tokio::test]
async fn a_token_does_not_outlive_the_publication_of_its_key() {
    let world = World::new().await;
    let keys = StaticKeys::new(TestKey::shared(Algorithm::Es256).signing()).unwrap();
    let server = AuthorizationServer::new(
        world.server.config().clone(),
        world.store.clone(),
        Arc::new(FiveMinutes(keys)),
        OutboundClient::builder(AddressPolicy::public_only()).build().unwrap(),
        &[7; 32],
        Arc::clone(&world.clock) as _,
    );
    let world = World::of(server, world.store.clone(), Arc::clone(&world.clock));
    let answer = world.exchange(&world.code("alice").await).await.json();
    assert_eq!(answer["expires_in"], 300);
    let claims = claims(&world, answer["access_token"].as_str().unwrap());
    assert_eq!(claims.expires_at().as_secs(), NOW + 300);
}
