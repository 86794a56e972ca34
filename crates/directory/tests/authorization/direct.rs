//! Grants that no user gives by a consent.

use auth_core::ScopeSet;
use directory::authorization::{AddGrant, GrantId, IssuedToken, NewGrant};

use crate::{APP, Nodes, access, at, grant, of_client, of_user};

pub(crate) async fn direct_tokens_have_one_grant(nodes: Nodes) {
    let first = grant(1, "alice", APP);
    assert_eq!(nodes.direct(&first, &access(1, 900)).await, AddGrant::Added);
    let scopes: ScopeSet = "User.Read".parse().unwrap();
    let again = NewGrant { scopes: scopes.clone(), created_at: at(60), ..first.clone() };
    assert_eq!(nodes.direct(&again, &access(2, 960)).await, AddGrant::Added);
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
    assert_eq!(nodes.direct(&first, &access(1, 900)).await, AddGrant::Added);
    nodes.one.end_grant(&first.id, at(10)).await.unwrap();
    assert_eq!(nodes.direct(&first, &access(2, 900)).await, AddGrant::Added);
    assert_eq!(nodes.stored(&first).await.ended_at, None);
    assert_eq!(nodes.revoked().await, ["t1"]);
    assert_eq!(nodes.one.end_grant(&first.id, at(20)).await.unwrap().tokens, 1);
    assert_eq!(nodes.revoked().await, ["t1", "t2"]);
}

pub(crate) async fn a_direct_token_needs_a_user_who_may_act(nodes: Nodes) {
    let none = grant(1, "carol", APP);
    assert_eq!(nodes.direct(&none, &access(1, 900)).await, AddGrant::NoUser);
    let mine = grant(2, "alice", APP);
    assert_eq!(nodes.direct(&mine, &access(2, 900)).await, AddGrant::Added);
    nodes.disable("alice").await;
    assert_eq!(nodes.direct(&mine, &access(3, 900)).await, AddGrant::NoUser);
}

pub(crate) async fn a_direct_grant_takes_no_other_over(nodes: Nodes) {
    let mine = grant(1, "alice", APP);
    assert_eq!(nodes.direct(&mine, &access(1, 900)).await, AddGrant::Added);
    for other in [grant(1, "bob", APP), grant(1, "alice", "b")] {
        assert_eq!(nodes.direct(&other, &access(2, 900)).await, AddGrant::NoUser);
    }
    assert_eq!(nodes.one.grants(&of_user("alice")).await.unwrap().len(), 1);
}

pub(crate) async fn a_direct_grant_that_goes_on_takes_no_room(nodes: Nodes) {
    let oldest = grant(1, "alice", APP);
    assert_eq!(nodes.direct(&oldest, &access(1, 900)).await, AddGrant::Added);
    let newer = |number: u16| {
        let mut id = [0xFF; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        NewGrant { id: GrantId::from_random(id), created_at: at(1), ..grant(0, "alice", APP) }
    };
    for number in 1..500 {
        let access =
            IssuedToken { token_id: format!("n{number}").parse().unwrap(), expires_at: at(900) };
        assert_eq!(nodes.direct(&newer(number), &access).await, AddGrant::Added);
    }
    // There are 500. One that goes on is none more; one that begins again is.
    assert_eq!(nodes.direct(&newer(499), &access(2, 900)).await, AddGrant::Added);
    assert_eq!(nodes.stored(&oldest).await.ended_at, None);
    nodes.one.end_grant(&newer(499).id, at(2)).await.unwrap();
    assert_eq!(nodes.direct(&newer(500), &access(3, 900)).await, AddGrant::Added);
    assert_eq!(nodes.stored(&oldest).await.ended_at, None);
    assert_eq!(nodes.direct(&newer(499), &access(4, 900)).await, AddGrant::Added);
    assert_eq!(nodes.stored(&oldest).await.ended_at, Some(at(1)));
    assert_eq!(nodes.one.end_grants(&of_user("alice"), at(3)).await.unwrap().grants, 500);
}
