//! Clients that act for themselves.

use auth_core::Algorithm;
use directory::{Directory, Edit, UserStatus, authorization::GrantFilter};
use http::StatusCode;
use serde_json::json;
use testkit::{RESOURCE, TestKey};

use crate::{
    common::{Answer, World, server::SECRET},
    programs::{add_agent, add_client, add_user, name, of_agent, stamp, with_assertion},
};

async fn world() -> World {
    let world = World::new().await;
    let body = json!({ "grant_types": ["client_credentials"], "client_name": "Job" });
    add_client(&world, "job", &body).await;
    add_user(&world, "job", "user").await;
    world
}

async fn ask(world: &World, other: &[(&str, &str)]) -> Answer {
    let own =
        [("grant_type", "client_credentials"), ("client_id", "job"), ("client_secret", SECRET)];
    let form: Vec<_> = own.into_iter().chain(other.iter().copied()).collect();
    world.post("/token", &form).await
}

#[tokio::test]
async fn a_token_has_the_scopes_that_were_asked_for_within_the_roles() {
    let world = world().await;
    for (asked, given) in [
        ("", "User.Read User.Write"),
        ("User.Read", "User.Read"),
        ("User.Read Admin.Write unknown", "User.Read"),
    ] {
        let answer = ask(&world, &[("scope", asked)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.json()["scope"], given, "{asked}");
        assert!(answer.json().get("refresh_token").is_none());
    }
    assert_eq!(ask(&world, &[("scope", "Admin.Write")]).await.error(), "invalid_scope");
    assert_eq!(ask(&world, &[("resource", RESOURCE)]).await.status, StatusCode::OK);
    let other = ask(&world, &[("resource", "https://other.example/mcp")]).await;
    assert_eq!(other.error(), "invalid_target");
}

#[tokio::test]
async fn only_a_client_that_the_operator_made_a_user_acts_for_itself() {
    let world = World::new().await;
    let body = json!({ "grant_types": ["client_credentials"] });
    add_client(&world, "job", &body).await;
    let answer = ask(&world, &[]).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::BAD_REQUEST, "unauthorized_client"));
    // A client that registers itself may have the grant, and has no user.
    let registered = world.post_json("/register", &body).await.json();
    let (id, secret) = (&registered["client_id"], &registered["client_secret"]);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str().unwrap()),
        ("client_secret", secret.as_str().unwrap()),
    ];
    assert_eq!(world.post("/token", &form).await.error(), "unauthorized_client");
    // One that is registered for codes may not use the grant at all.
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "confidential"),
        ("client_secret", SECRET),
    ];
    assert_eq!(world.post("/token", &form).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn a_disabled_user_gets_no_token() {
    let world = world().await;
    let disable = Edit::SetStatus(name("job"), UserStatus::Disabled);
    let _ = world.store.users().edit(disable, &stamp()).await.unwrap();
    assert_eq!(ask(&world, &[]).await.error(), "unauthorized_client");
}

#[tokio::test]
async fn removing_a_client_revokes_its_tokens() {
    let world = world().await;
    let key = TestKey::shared(Algorithm::Es256);
    add_agent(&world, key).await;
    for _ in 0..3 {
        assert_eq!(ask(&world, &[]).await.status, StatusCode::OK);
    }
    assert_eq!(with_assertion(&world, &of_agent(key).sign(key)).await.status, StatusCode::OK);
    let of_job = GrantFilter { client_id: Some("job".parse().unwrap()), ..GrantFilter::default() };
    assert_eq!(world.store.grants(&of_job).await.unwrap().len(), 1);
    let now = auth_core::Clock::now(&*world.clock);
    let ended = world.store.remove_client(&"job".parse().unwrap(), now).await.unwrap().unwrap();
    assert_eq!((ended.grants, ended.tokens), (1, 3));
    assert_eq!(world.store.users().revoked_tokens().await.unwrap().len(), 3);
    let answer = ask(&world, &[]).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn a_client_uses_the_grants_that_it_was_added_with() {
    let world = World::new().await;
    add_user(&world, "confidential", "user").await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "confidential"),
        ("client_secret", SECRET),
    ];
    let answer = world.post("/token", &form).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::BAD_REQUEST, "unauthorized_client"));
}
