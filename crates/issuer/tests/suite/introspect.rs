//! `/introspect`.

use std::time::Duration;

use auth_core::NumericDate;
use directory::{Directory, Edit, Stamp, UserName, UserStatus};
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{ISSUER, NOW, RESOURCE};

use crate::common::{World, server::SECRET};

/// What the client that the operator added sees.
async fn seen(world: &World, token: &Value) -> Value {
    let token = token.as_str().unwrap();
    let fields = [("client_id", "confidential"), ("client_secret", SECRET), ("token", token)];
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
    let world = World::new().await;
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
    let world = World::new().await;
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
    let edit = Edit::RevokeTokens(alice);
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
    assert_eq!(seen(&world, &other["access_token"]).await, inactive());
}

#[tokio::test]
async fn the_scopes_are_those_that_the_roles_allow_now() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    let stamp = Stamp::new("test", NumericDate::from_secs(NOW).unwrap());
    let issuer = world.server.config().issuer.clone();
    let alice = UserName { issuer, subject: "alice".parse().unwrap() };
    let edit = Edit::RevokeRole(alice, "admin".parse().unwrap());
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
    assert_eq!(seen(&world, &tokens["access_token"]).await["scope"], "");
}

#[tokio::test]
async fn a_client_that_registered_itself_sees_its_own_tokens_alone() {
    let world = World::new().await;
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
    }
}

#[tokio::test]
async fn what_is_no_token_is_inactive_and_a_public_client_may_not_ask() {
    let world = World::new().await;
    for token in ["unknown", "a.b.c", "with space"] {
        assert_eq!(seen(&world, &token.into()).await, inactive());
    }
    let answer = world.post("/introspect", &[("client_id", "public"), ("token", "t")]).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}
