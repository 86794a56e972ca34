//! `/revoke`.

use directory::Directory;
use http::StatusCode;

use crate::common::{World, server::SECRET};

fn fields<'a>(client: &'a str, token: &'a str) -> [(&'a str, &'a str); 2] {
    [("client_id", client), ("token", token)]
}

#[tokio::test]
async fn a_refresh_token_ends_its_grant() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let answer = world.post("/revoke", &fields("public", refresh)).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ""));
    assert_eq!(world.refresh(refresh).await.error(), "invalid_grant");
    assert_eq!(world.store.users().revoked_tokens().await.unwrap().len(), 1);
    let again = world.post("/revoke", &fields("public", refresh)).await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn an_access_token_is_revoked_alone() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    let access = tokens["access_token"].as_str().unwrap();
    let hinted = [("client_id", "public"), ("token", access), ("token_type_hint", "access_token")];
    assert_eq!(world.post("/revoke", &hinted).await.status, StatusCode::OK);
    assert_eq!(world.store.users().revoked_tokens().await.unwrap().len(), 1);
    let refresh = world.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refresh.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_of_another_client_stays() {
    let world = World::new().await;
    let tokens = world.tokens("alice").await;
    for kind in ["refresh_token", "access_token"] {
        let token = tokens[kind].as_str().unwrap();
        let answer = world.post("/revoke", &fields("web", token)).await;
        assert_eq!((answer.status, &*answer.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    }
    assert!(world.store.users().revoked_tokens().await.unwrap().is_empty());
    let refresh = world.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refresh.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_token_is_answered_like_a_known_one() {
    let world = World::new().await;
    for token in ["unknown", "a.b.c", "with space"] {
        let answer = world.post("/revoke", &fields("public", token)).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, ""), "{token}");
    }
    assert_eq!(world.post("/revoke", &[("client_id", "public")]).await.error(), "invalid_request");
}

#[tokio::test]
async fn the_client_authenticates() {
    let world = World::new().await;
    for client in ["gone", "confidential"] {
        let answer = world.post("/revoke", &fields(client, "t")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{client}");
    }
    let good = [("client_id", "confidential"), ("client_secret", SECRET), ("token", "t")];
    assert_eq!(world.post("/revoke", &good).await.status, StatusCode::OK);
}
