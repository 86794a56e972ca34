//! `/introspect`.

use std::time::Duration;

use auth_core::{
    Leeway, NumericDate,
    oauth::{ClientSecret, GrantType, parse_registration},
};
use directory::{
    Directory, Edit, Stamp, UserName, UserStatus,
    authorization::{AddClient, ClientOrigin, StoredClient},
};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{ISSUER, NOW, RESOURCE};

use crate::common::{World, authorize, server::SECRET};

/// A world with the client `api`, which may introspect, as a resource server does.
async fn world() -> World {
    let world = World::new().await;
    let body = json!({ "grant_types": ["client_credentials"], "client_name": "API" });
    let metadata = parse_registration(body.to_string().as_bytes(), &GrantType::ALL.into());
    let secret: ClientSecret = SECRET.parse().unwrap();
    let client = StoredClient {
        id: "api".parse().unwrap(),
        metadata: metadata.unwrap(),
        secret: Some(secret.digest()),
        origin: ClientOrigin::Operator,
        introspects: true,
        created_at: NumericDate::from_secs(NOW).unwrap(),
        last_used_at: None,
    };
    assert_eq!(world.store.add_client(&client, 100).await.unwrap(), AddClient::Added);
    world
}

/// What the client that may introspect sees.
async fn seen(world: &World, token: &Value) -> Value {
    seen_by(world, "api", token).await
}

async fn seen_by(world: &World, client: &str, token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let fields = [("client_id", client), ("client_secret", SECRET), ("token", token)];
    let answer = world.post("/introspect", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()
}

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn a_token_is_described_while_it_would_be_accepted() {
    let world = world().await;
    let tokens = world.tokens("alice").await;
    let access = seen(&world, &tokens["access_token"]).await;
    let expected = json!({
        "active": true, "iss": ISSUER, "sub": "alice", "aud": RESOURCE, "client_id": "public",
        "scope": "Admin.Write User.Read User.Write", "token_type": "Bearer", "iat": NOW,
        "exp": NOW + 900, "jti": access["jti"],
    });
    assert_eq!(access, expected);
    let refresh = seen(&world, &tokens["refresh_token"]).await;
    assert_eq!((&refresh["active"], &refresh["sub"]), (&true.into(), &"alice".into()));
    assert_eq!((refresh.get("jti"), refresh.get("token_type")), (None, None));
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(seen(&world, &tokens["access_token"]).await, inactive());
    assert_eq!(seen(&world, &tokens["refresh_token"]).await["active"], true);
}

#[tokio::test]
async fn a_revoked_token_and_one_of_a_disabled_user_are_inactive() {
    let world = world().await;
    let tokens = world.tokens("alice").await;
    let stamp = Stamp::new("test", NumericDate::from_secs(NOW).unwrap());
    let issuer = world.server.config().issuer.clone();
    let alice = UserName { issuer, subject: "alice".parse().unwrap() };
    for (status, is_active) in [(UserStatus::Disabled, false), (UserStatus::Active, true)] {
        let edit = Edit::SetStatus(alice.clone(), status);
        let _ = world.store.users().edit(edit, &stamp).await.unwrap();
        for kind in ["access_token", "refresh_token"] {
            assert_eq!(seen(&world, &tokens[kind]).await["active"], is_active, "{kind}");
        }
    }
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let _ = world.post("/revoke", &[("client_id", "public"), ("token", refresh)]).await;
    for kind in ["access_token", "refresh_token"] {
        assert_eq!(seen(&world, &tokens[kind]).await, inactive(), "{kind}");
    }
    let other = world.tokens("alice").await;
    let edit = Edit::RevokeTokens(alice, Leeway::default());
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
    assert_eq!(seen(&world, &other["access_token"]).await, inactive());
}

#[tokio::test]
async fn the_scopes_are_those_that_the_roles_allow_now() {
    let world = world().await;
    let tokens = world.tokens("alice").await;
    let stamp = Stamp::new("test", NumericDate::from_secs(NOW).unwrap());
    let issuer = world.server.config().issuer.clone();
    let alice = UserName { issuer, subject: "alice".parse().unwrap() };
    let edit = Edit::RevokeRole(alice, "admin".parse().unwrap());
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
    assert_eq!(seen(&world, &tokens["access_token"]).await["scope"], "");
}

#[tokio::test]
async fn a_client_sees_its_own_tokens_alone_unless_it_may_introspect() {
    let world = world().await;
    let body = json!({
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let client = world.post_json("/register", &body).await.json();
    let tokens = world.tokens("alice").await;
    for kind in ["access_token", "refresh_token"] {
        let fields = [
            ("client_id", client["client_id"].as_str().unwrap()),
            ("client_secret", client["client_secret"].as_str().unwrap()),
            ("token", tokens[kind].as_str().unwrap()),
        ];
        assert_eq!(world.post("/introspect", &fields).await.json(), inactive(), "{kind}");
        // Nor does one that the operator added for something else.
        assert_eq!(seen_by(&world, "confidential", &tokens[kind]).await, inactive(), "{kind}");
        assert_eq!(seen(&world, &tokens[kind]).await["active"], true, "{kind}");
    }
    let mut alice = world.signed_in("alice").await;
    let redirect = "https://app.example/callback";
    let of = [("client_id", "confidential"), ("redirect_uri", redirect)];
    let code = alice.allow(&authorize(&of)).await.code();
    let own = [&of[..], &[("client_secret", SECRET)]].concat();
    let own = world.exchange_with(&code, &own).await.json();
    for kind in ["access_token", "refresh_token"] {
        let described = seen_by(&world, "confidential", &own[kind]).await;
        assert_eq!(described["client_id"], "confidential", "{kind}");
    }
}

#[tokio::test]
async fn what_is_no_token_is_inactive_and_a_public_client_may_not_ask() {
    let world = world().await;
    for token in ["unknown", "a.b.c", "with space"] {
        assert_eq!(seen(&world, &token.into()).await, inactive());
    }
    let answer = world.post("/introspect", &[("client_id", "public"), ("token", "t")]).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}
