//! `/token` with refresh tokens.

use std::time::Duration;

use auth_core::{Leeway, NumericDate};
use directory::{Directory, Edit, Stamp, UserName, UserStatus};
use http::StatusCode;
use serde_json::Value;
use testkit::NOW;

use crate::common::World;

fn refresh_token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_use_makes_the_next_token() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    let answer = world.refresh(&first).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.json();
    assert_eq!(tokens["scope"], "Admin.Write User.Read User.Write");
    assert_eq!(tokens["expires_in"], 900);
    let second = refresh_token(&tokens);
    assert_ne!(first, second);
    let third = refresh_token(&world.refresh(&second).await.json());
    assert_ne!(second, third);
}

#[tokio::test]
async fn processes_that_share_a_token_get_one_successor() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    let all = [(); 9].map(|()| world.refresh(&first));
    let mut successors = Vec::new();
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        successors.push(refresh_token(&answer.json()));
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(world.refresh(&successors[0]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_old_token_works_until_its_successor_is_used() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    let second = refresh_token(&world.refresh(&first).await.json());
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(refresh_token(&world.refresh(&first).await.json()), second);
    let third = refresh_token(&world.refresh(&second).await.json());
    assert_eq!(world.refresh(&first).await.error(), "invalid_grant");
    assert_eq!(world.refresh(&third).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_replay_after_the_grace_period_ends_the_family_and_its_access_tokens() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    let first = refresh_token(&tokens);
    let second = refresh_token(&world.refresh(&first).await.json());
    world.clock.advance(Duration::from_secs(61));
    let replay = world.refresh(&first).await;
    assert_eq!((replay.status, &*replay.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    assert_eq!(world.refresh(&second).await.error(), "invalid_grant");
    assert_eq!(world.store.users().revoked_tokens().await.unwrap().len(), 2);
}

#[tokio::test]
async fn another_client_is_refused_and_the_family_lives() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    let answer = world.refresh_with(&first, &[("client_id", "web")]).await;
    assert_eq!(answer.error(), "invalid_grant");
    let more = world.refresh_with(&first, &[("scope", "User.Read Other")]).await;
    assert_eq!(more.error(), "invalid_scope");
    let other = world.refresh_with(&first, &[("resource", "https://other.example")]).await;
    assert_eq!(other.error(), "invalid_target");
    assert_eq!(world.refresh(&first).await.status, StatusCode::OK);
}

#[tokio::test]
async fn fewer_scopes_may_be_asked_for_and_the_grant_stays_whole() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    let asked = [("scope", "User.Read offline_access"), ("resource", testkit::RESOURCE)];
    let fewer = world.refresh_with(&first, &asked).await.json();
    assert_eq!(fewer["scope"], "User.Read");
    let all = world.refresh(&refresh_token(&fewer)).await.json();
    assert_eq!(all["scope"], "Admin.Write User.Read User.Write");
}

#[tokio::test]
async fn a_family_that_is_not_used_ends() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    world.clock.advance(Duration::from_hours(30 * 24));
    let second = refresh_token(&world.refresh(&first).await.json());
    world.clock.advance(Duration::from_hours(30 * 24) + Duration::from_secs(1));
    assert_eq!(world.refresh(&second).await.error(), "invalid_grant");
}

#[tokio::test]
async fn roles_and_status_of_the_user_count_at_each_use() {
    let world = World::new().await;
    let first = refresh_token(&world.tokens("alice").await);
    let issuer = world.server.config().issuer.clone();
    let alice = UserName { issuer, subject: "alice".parse().unwrap() };
    let stamp = Stamp::new("test", NumericDate::from_secs(NOW).unwrap());
    let edit = |edit| world.store.users().edit(edit, &stamp);
    let _ = edit(Edit::Grant(alice.clone(), "guest".parse().unwrap(), None)).await.unwrap();
    let _ = edit(Edit::RevokeRole(alice.clone(), "admin".parse().unwrap())).await.unwrap();
    let tokens = world.refresh(&first).await.json();
    assert_eq!(tokens["scope"], "User.Read");
    let second = refresh_token(&tokens);
    let _ = edit(Edit::SetStatus(alice.clone(), UserStatus::Disabled)).await.unwrap();
    assert_eq!(world.refresh(&second).await.error(), "invalid_grant");
    let _ = edit(Edit::SetStatus(alice, UserStatus::Active)).await.unwrap();
    assert_eq!(world.refresh(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revoking_all_tokens_of_a_user_ends_what_could_issue_more() {
    let world = World::new().await;
    let token = refresh_token(&world.tokens("alice").await);
    let code = world.code("alice").await;
    let others = refresh_token(&world.tokens("bob").await);
    let alice = UserName {
        issuer: world.server.config().issuer.clone(),
        subject: "alice".parse().unwrap(),
    };
    let stamp = Stamp::new("test", NumericDate::from_secs(NOW + 1).unwrap());
    let _outcome = world
        .store
        .users()
        .edit(Edit::RevokeTokens(alice, Leeway::default()), &stamp)
        .await
        .unwrap();
    assert_eq!(world.refresh(&token).await.error(), "invalid_grant");
    assert_eq!(world.exchange(&code).await.error(), "invalid_grant");
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(world.refresh(&token).await.error(), "invalid_grant");
    assert_eq!(world.refresh(&others).await.status, StatusCode::OK);
    // What the user allows from then on is good.
    let fresh = refresh_token(&world.tokens("alice").await);
    assert_eq!(world.refresh(&fresh).await.status, StatusCode::OK);
}
