//! Grants that end, and what goes with them.

use std::time::{Duration, Instant};

use auth_core::oauth::{RefreshToken, SecretDigest};
use directory::{
    CacheSettings, CachedDirectory, Directory, Edit,
    authorization::{AddGrant, AuthorizationStore, EndedGrants, GrantFilter, GrantId, NewGrant},
};
use testkit::ManualClock;

use crate::{APP, DAY, DOCUMENT, Nodes, access, at, code, digest, grant, of_client, of_user, user};

async fn listed(nodes: &Nodes, filter: &GrantFilter) -> Vec<GrantId> {
    let grants = nodes.other.grants(filter).await.unwrap();
    grants.into_iter().map(|grant| grant.given.id).collect()
}

pub(crate) async fn the_tokens_of_an_ended_grant_are_revoked(nodes: Nodes) {
    // A node that answers from memory, as a server does.
    let settings = CacheSettings {
        max_in_memory: 1000,
        max_age: Duration::from_mins(1),
        clock: ManualClock::at(testkit::NOW),
    };
    let cached = CachedDirectory::load(nodes.other.users().clone(), settings).await.unwrap();
    let fresh = {
        let cached = cached.clone();
        tokio::spawn(async move { cached.keep_fresh().await })
    };
    let mine = nodes.grant_with_access(1, "alice", APP).await;
    nodes.grant_with_access(2, "alice", APP).await;
    // One that has expired, beyond any leeway, and one that has not quite.
    for (number, secs) in [(3, 100), (4, 101)] {
        assert!(
            nodes.one.record_tokens(&mine.id, &access(number, secs), None, at(0)).await.unwrap()
        );
    }
    let ended = nodes.one.end_grant(&mine.id, at(400)).await.unwrap();
    assert_eq!(ended, EndedGrants { grants: 1, tokens: 2 });
    assert_eq!(nodes.revoked().await, ["t1", "t4"]);
    let revoked = nodes.other.users().revoked_tokens().await.unwrap();
    assert_eq!(revoked.first().unwrap().expires_at, Some(at(900)));
    assert_eq!(revoked.first().unwrap().issuer, mine.user.issuer);

    let deadline = Instant::now() + Duration::from_secs(30);
    let issuer = &mine.user.issuer;
    while !cached.is_revoked(issuer, &"t1".parse().unwrap()).await.unwrap() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!cached.is_revoked(issuer, &"t2".parse().unwrap()).await.unwrap());
    fresh.abort();
}

pub(crate) async fn a_grant_ends_once(nodes: Nodes) {
    let mine = nodes.grant_with_access(1, "alice", APP).await;
    assert_eq!(nodes.one.end_grant(&mine.id, at(5)).await.unwrap().grants, 1);
    assert_eq!(nodes.other.end_grant(&mine.id, at(6)).await.unwrap(), EndedGrants::default());
    assert_eq!(nodes.stored(&mine).await.ended_at, Some(at(5)));
    let nobodys = GrantId::from_random([9; 16]);
    assert_eq!(nodes.one.end_grant(&nobodys, at(6)).await.unwrap(), EndedGrants::default());
}

pub(crate) async fn grants_end_by_user_by_client_or_by_both(nodes: Nodes) {
    let all = [("alice", APP), ("alice", "b"), ("bob", APP), ("bob", "b")];
    let fill = async |from: u8| {
        for (number, (subject, client)) in (from..).zip(all) {
            nodes.grant_with_access(number, subject, client).await;
        }
    };
    let end = async |filter: GrantFilter| {
        let ended = nodes.one.end_grants(&filter, at(5)).await.unwrap();
        assert_eq!(ended.grants, ended.tokens);
        ended.grants
    };
    fill(0).await;
    assert_eq!(end(GrantFilter::default()).await, 0);
    let both = GrantFilter { user: Some(user("alice")), ..of_client(APP) };
    assert_eq!(end(both.clone()).await, 1);
    assert_eq!(nodes.revoked().await, ["t0"]);
    assert_eq!(end(of_user("alice")).await, 1);
    assert_eq!(nodes.revoked().await, ["t0", "t1"]);
    assert_eq!(end(of_client(APP)).await, 1);
    assert_eq!(nodes.revoked().await, ["t0", "t1", "t2"]);
    assert_eq!(end(both).await, 0);
    assert_eq!(listed(&nodes, &GrantFilter::default()).await, [GrantId::from_random([3; 16])]);
}

/// In either order: no token that a client got is left when the grant has ended.
pub(crate) async fn a_token_that_is_issued_while_its_grant_ends_is_never_left(nodes: Nodes) {
    for round in 0..20_u8 {
        let token = RefreshToken::from_random([round + 1; 32]);
        let mine = nodes.grant_with_refresh(round, &token).await;
        let tasks = nodes.each(6).zip(0_u8..).map(|(node, number)| {
            let id = mine.id.clone();
            async move {
                let name = format!("r{round}n{number}");
                let access = directory::authorization::IssuedToken {
                    token_id: name.parse().unwrap(),
                    expires_at: at(900),
                };
                if number == 3 {
                    node.end_grant(&id, at(1)).await.unwrap();
                    return None;
                }
                let recorded = node.record_tokens(&id, &access, None, at(1)).await.unwrap();
                recorded.then_some(name)
            }
        });
        let issued: Vec<String> = crate::at_once(tasks).await.into_iter().flatten().collect();
        let revoked = nodes.revoked().await;
        for name in issued {
            assert!(revoked.contains(&name), "{name} was left");
        }
    }
}

pub(crate) async fn grants_are_listed_the_last_used_first(nodes: Nodes) {
    let mut all = Vec::new();
    for (number, subject, client) in [(1, "alice", APP), (2, "alice", "b"), (3, "bob", APP)] {
        all.push(nodes.grant_with_access(number, subject, client).await);
    }
    let [first, second, third] = <[NewGrant; 3]>::try_from(all).unwrap();
    assert!(nodes.one.record_tokens(&first.id, &access(9, 900), None, at(50)).await.unwrap());
    let (a, b, c) = (first.id.clone(), second.id.clone(), third.id.clone());
    assert_eq!(listed(&nodes, &GrantFilter::default()).await, [a.clone(), b.clone(), c.clone()]);
    assert_eq!(listed(&nodes, &of_user("alice")).await, [a.clone(), b.clone()]);
    assert_eq!(listed(&nodes, &of_client(APP)).await, [a.clone(), c.clone()]);
    let both = GrantFilter { user: Some(user("bob")), ..of_client(APP) };
    assert_eq!(listed(&nodes, &both).await, [c]);

    nodes.one.end_grant(&first.id, at(60)).await.unwrap();
    assert_eq!(listed(&nodes, &of_user("alice")).await, std::slice::from_ref(&b));
    let with_ended = GrantFilter { with_ended: true, ..of_user("alice") };
    assert_eq!(listed(&nodes, &with_ended).await, [a, b]);
}

pub(crate) async fn a_removed_user_takes_grants_along(nodes: Nodes) {
    let token = RefreshToken::from_random([1; 32]);
    let mine = nodes.grant_with_refresh(1, &token).await;
    let bobs = nodes.grant_with_access(2, "bob", APP).await;
    nodes.edit(Edit::Remove(user("alice"))).await;
    assert!(nodes.other.grant(&mine.id).await.unwrap().is_none());
    assert!(nodes.other.find_refresh(&token.digest()).await.unwrap().is_none());
    assert!(nodes.other.find_code(&digest(1)).await.unwrap().is_none());
    assert!(nodes.other.grant(&bobs.id).await.unwrap().is_some());

    // A new user of the same names has none of it.
    crate::add_user(nodes.one.users(), "alice").await;
    assert!(listed(&nodes, &of_user("alice")).await.is_empty());
    assert!(nodes.other.find_refresh(&token.digest()).await.unwrap().is_none());
}

pub(crate) async fn a_user_has_a_bounded_number_of_grants(nodes: Nodes) {
    let oldest = nodes.grant_with_access(1, "alice", APP).await;
    let newer = |number: u16| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        NewGrant { id: GrantId::from_random(id), created_at: at(1), ..grant(0, "alice", APP) }
    };
    let issue = |node: AuthorizationStore, number: u16| async move {
        let grant = newer(number);
        let mut bytes = [0xFF; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        let digest = SecretDigest::from_bytes(bytes);
        let added = node.issue_code(&grant, DOCUMENT, &digest, &code(&grant)).await.unwrap();
        assert_eq!(added, AddGrant::Added);
    };
    crate::at_once(nodes.each(499).zip(1..).map(|(node, number)| issue(node, number))).await;
    assert_eq!(nodes.stored(&oldest).await.ended_at, None);
    issue(nodes.one.clone(), 500).await;
    assert_eq!(nodes.stored(&oldest).await.ended_at, Some(at(1)));
    assert_eq!(nodes.revoked().await, ["t1"]);
    issue(nodes.one.clone(), 501).await;
    let with_ended = GrantFilter { with_ended: true, ..of_user("alice") };
    assert_eq!(listed(&nodes, &with_ended).await, [oldest.id]);
    let ended = nodes.one.end_grants(&of_user("alice"), at(2)).await.unwrap();
    assert_eq!(ended.grants, 500);
}

pub(crate) async fn what_is_over_is_forgotten(nodes: Nodes) {
    let idle = 30 * DAY;
    let days = |days: i64| days * 86_400;
    let token = RefreshToken::from_random([1; 32]);
    let used = nodes.grant_with_refresh(1, &token).await;
    let ended = nodes.grant_with_access(2, "alice", APP).await;
    nodes.one.end_grant(&ended.id, at(10)).await.unwrap();
    let prune = async |secs| nodes.other.prune_authorizations(at(secs), idle).await.unwrap();
    prune(days(1) + 10).await;
    assert!(nodes.one.grant(&ended.id).await.unwrap().is_some());
    prune(days(1) + 11).await;
    assert!(nodes.one.grant(&ended.id).await.unwrap().is_none());
    prune(days(30)).await;
    assert!(nodes.one.find_refresh(&token.digest()).await.unwrap().is_some());
    // Its access token was forgotten when it had expired: there is nothing to revoke.
    let later = nodes.one.end_grant(&used.id, at(0)).await.unwrap();
    assert_eq!(later, EndedGrants { grants: 1, tokens: 0 });
    prune(days(30) + 1).await;
    assert!(nodes.one.find_refresh(&token.digest()).await.unwrap().is_none());
    assert_eq!(nodes.revoked().await, ["t2"]);
}
