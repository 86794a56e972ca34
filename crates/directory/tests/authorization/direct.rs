//! Grants that no user gives by a consent.

use auth_core::ScopeSet;
use directory::authorization::NewGrant;

use crate::{APP, Nodes, access, at, grant, of_client, of_user};

pub(crate) async fn direct_tokens_have_one_grant(nodes: Nodes) {
    let first = grant(1, "alice", APP);
    assert!(nodes.one.issue_directly(&first, &access(1, 900)).await.unwrap());
    let scopes: ScopeSet = "User.Read".parse().unwrap();
    let again = NewGrant { scopes: scopes.clone(), created_at: at(60), ..first.clone() };
    assert!(nodes.other.issue_directly(&again, &access(2, 960)).await.unwrap());
    let listed = nodes.one.grants(&of_client(APP)).await.unwrap();
    assert_eq!(listed.len(), 1);
    let stored = nodes.stored(&first).await;
    assert_eq!((stored.given.created_at, stored.last_used_at), (first.created_at, at(60)));
    assert_eq!(stored.given.scopes, scopes);
    let ended = nodes.one.end_grant(&first.id, at(61)).await.unwrap();
    assert_eq!((ended.grants, ended.tokens), (1, 2));
    assert_eq!(nodes.revoked().await, ["t1", "t2"]);
}

pub(crate) async fn a_direct_grant_that_ended_begins_again(nodes: Nodes) {
    let first = grant(1, "alice", APP);
    assert!(nodes.one.issue_directly(&first, &access(1, 900)).await.unwrap());
    nodes.one.end_grant(&first.id, at(10)).await.unwrap();
    assert!(nodes.one.issue_directly(&first, &access(2, 900)).await.unwrap());
    assert_eq!(nodes.stored(&first).await.ended_at, None);
    assert_eq!(nodes.revoked().await, ["t1"]);
    assert_eq!(nodes.one.end_grant(&first.id, at(20)).await.unwrap().tokens, 1);
    assert_eq!(nodes.revoked().await, ["t1", "t2"]);
}

pub(crate) async fn a_direct_token_needs_a_user_who_may_act(nodes: Nodes) {
    let none = grant(1, "carol", APP);
    assert!(!nodes.one.issue_directly(&none, &access(1, 900)).await.unwrap());
    let mine = grant(2, "alice", APP);
    assert!(nodes.one.issue_directly(&mine, &access(2, 900)).await.unwrap());
    nodes.disable("alice").await;
    assert!(!nodes.one.issue_directly(&mine, &access(3, 900)).await.unwrap());
}

pub(crate) async fn a_direct_grant_takes_no_other_over(nodes: Nodes) {
    let mine = grant(1, "alice", APP);
    assert!(nodes.one.issue_directly(&mine, &access(1, 900)).await.unwrap());
    for other in [grant(1, "bob", APP), grant(1, "alice", "b")] {
        assert!(!nodes.one.issue_directly(&other, &access(2, 900)).await.unwrap());
    }
    assert_eq!(nodes.one.grants(&of_user("alice")).await.unwrap().len(), 1);
}
