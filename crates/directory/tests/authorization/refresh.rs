//! Refresh tokens.

use auth_core::oauth::{RefreshFamily, RefreshToken};
use directory::authorization::{GrantId, PresentedRefresh};

use crate::{APP, Nodes, access, at, at_once, digest, grant};

fn first() -> RefreshToken {
    RefreshToken::from_random([1; 32])
}

async fn find(nodes: &Nodes, token: &RefreshToken) -> PresentedRefresh {
    nodes.other.find_refresh(&token.digest()).await.unwrap().unwrap()
}

fn family(generation: u64, secs: i64) -> RefreshFamily {
    RefreshFamily::restore(generation, at(secs), false)
}

/// Rotates to the token with this digest.
async fn rotate(
    nodes: &Nodes,
    id: &GrantId,
    (from, to): (RefreshFamily, RefreshFamily),
    byte: u8,
) -> bool {
    let rotated = Some((&digest(byte), [byte; 32]));
    nodes.one.advance_refresh(id, &from, &to, rotated, &access(byte, 900)).await.unwrap()
}

pub(crate) async fn a_family_begins_with_its_first_token(nodes: Nodes) {
    let grant = nodes.grant_with_refresh(1, &first()).await;
    let found = find(&nodes, &first()).await;
    assert_eq!(found.family, family(0, 0));
    assert_eq!((found.generation, found.salt), (0, None));
    assert_eq!(found.grant.given.id, grant.id);
    assert_eq!(found.grant.given.scopes, grant.scopes);
    assert!(nodes.one.find_refresh(&digest(9)).await.unwrap().is_none());
}

pub(crate) async fn a_family_begins_once(nodes: Nodes) {
    let grant = nodes.grant_with_access(1, "alice", APP).await;
    let record = async |number, token: Option<&RefreshToken>| {
        nodes.other.record_tokens(&grant.id, &access(number, 900), token, at(5)).await.unwrap()
    };
    assert!(record(2, None).await);
    assert_eq!(nodes.stored(&grant).await.last_used_at, at(5));
    assert!(record(3, Some(&first())).await);
    assert_eq!(find(&nodes, &first()).await.family, family(0, 5));
    let second = RefreshToken::from_random([2; 32]);
    assert!(!record(4, Some(&second)).await);
    assert!(nodes.one.find_refresh(&second.digest()).await.unwrap().is_none());
    assert!(record(5, None).await);
    assert_eq!(nodes.one.end_grant(&grant.id, at(6)).await.unwrap().tokens, 4);
    assert!(!record(6, None).await);
    let nobodys = GrantId::from_random([9; 16]);
    assert!(!nodes.one.record_tokens(&nobodys, &access(7, 900), None, at(5)).await.unwrap());
}

pub(crate) async fn a_rotated_token_has_a_successor_and_is_known_again(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    assert!(rotate(&nodes, &id, (family(0, 0), family(1, 10)), 11).await);
    assert!(rotate(&nodes, &id, (family(1, 10), family(2, 20)), 12).await);
    for (digest, generation) in [(first().digest(), 0), (digest(11), 1), (digest(12), 2)] {
        let found = nodes.other.find_refresh(&digest).await.unwrap().unwrap();
        assert_eq!(found.generation, generation);
        assert_eq!((found.family, found.salt), (family(2, 20), Some([12; 32])));
        assert_eq!(found.grant.last_used_at, at(20));
    }
    assert_eq!(nodes.one.end_grant(&id, at(21)).await.unwrap().tokens, 3);
}

pub(crate) async fn of_many_rotations_at_once_one_succeeds(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    let rotations = nodes.each(8).zip(10_u8..).map(|(node, byte)| {
        let id = id.clone();
        async move {
            let (before, after) = (family(0, 0), family(1, 10));
            let rotated = Some((&digest(byte), [byte; 32]));
            let access = access(byte, 900);
            node.advance_refresh(&id, &before, &after, rotated, &access).await.unwrap()
        }
    });
    let rotated = at_once(rotations).await;
    assert_eq!(rotated.iter().filter(|it| **it).count(), 1, "{rotated:?}");
    let winner = u8::try_from(rotated.iter().position(|it| *it).unwrap()).unwrap() + 10;
    let found = find(&nodes, &first()).await;
    assert_eq!((found.family, found.salt), (family(1, 10), Some([winner; 32])));
    for byte in 10..18 {
        let found = nodes.one.find_refresh(&digest(byte)).await.unwrap();
        assert_eq!(found.is_some(), byte == winner);
    }
    // The first access token and the winner's.
    assert_eq!(nodes.one.end_grant(&id, at(11)).await.unwrap().tokens, 2);
}

pub(crate) async fn a_family_that_is_not_as_it_was_is_not_advanced(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    for before in [family(1, 0), family(0, 1), RefreshFamily::restore(0, at(0), true)] {
        assert!(!rotate(&nodes, &id, (before, family(1, 10)), 11).await, "{before:?}");
    }
    let ended = (family(0, 0), family(1, 10).ended());
    assert!(!rotate(&nodes, &id, ended, 11).await);
    let other = grant(2, "alice", APP);
    nodes.issue(&other, 2).await;
    assert!(!rotate(&nodes, &other.id, (family(0, 0), family(1, 10)), 11).await);
    assert!(nodes.one.find_refresh(&digest(11)).await.unwrap().is_none());
    let found = find(&nodes, &first()).await;
    assert_eq!((found.family, found.salt), (family(0, 0), None));
}

pub(crate) async fn a_repeated_answer_notes_the_access_token_alone(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    assert!(rotate(&nodes, &id, (family(0, 0), family(1, 10)), 11).await);
    let now = family(1, 10);
    for number in [21, 22] {
        assert!(
            nodes.other.advance_refresh(&id, &now, &now, None, &access(number, 900)).await.unwrap()
        );
    }
    let found = find(&nodes, &first()).await;
    assert_eq!((found.family, found.salt), (now, Some([11; 32])));
    // Its successor was used: it is not repeated any more.
    assert!(rotate(&nodes, &id, (now, family(2, 11)), 12).await);
    assert!(!nodes.other.advance_refresh(&id, &now, &now, None, &access(23, 900)).await.unwrap());
    assert_eq!(nodes.one.end_grant(&id, at(12)).await.unwrap().tokens, 5);
}

pub(crate) async fn a_kept_token_is_used_at_the_newer_date(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    let keep = async |from, to, number| {
        let (before, after) = (family(0, from), family(0, to));
        let access = access(number, 900);
        nodes.other.advance_refresh(&id, &before, &after, None, &access).await.unwrap()
    };
    assert!(keep(0, 900, 2).await);
    assert!(!keep(0, 901, 3).await);
    assert!(keep(900, 901, 3).await);
    let found = find(&nodes, &first()).await;
    assert_eq!((found.family, found.grant.last_used_at), (family(0, 901), at(901)));
}

pub(crate) async fn an_ended_family_stays_ended(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    assert_eq!(nodes.one.end_grant(&id, at(5)).await.unwrap().grants, 1);
    let found = find(&nodes, &first()).await;
    assert!(found.family.has_ended());
    assert_eq!(found.grant.ended_at, Some(at(5)));
    assert!(!rotate(&nodes, &id, (family(0, 0), family(1, 10)), 11).await);
    let ended = family(0, 0).ended();
    assert!(!rotate(&nodes, &id, (ended, family(1, 10)), 11).await);
}

pub(crate) async fn a_disabled_user_keeps_a_family_and_may_not_use_it(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    nodes.disable("alice").await;
    assert_eq!(find(&nodes, &first()).await.family, family(0, 0));
    assert!(!rotate(&nodes, &id, (family(0, 0), family(1, 10)), 11).await);
    assert!(!nodes.one.record_tokens(&id, &access(2, 900), None, at(5)).await.unwrap());
    nodes.enable("alice").await;
    assert!(rotate(&nodes, &id, (family(0, 0), family(1, 10)), 11).await);
}

/// A client that refreshes without end fills nothing.
pub(crate) async fn the_oldest_tokens_of_a_family_are_forgotten(nodes: Nodes) {
    let id = nodes.grant_with_refresh(1, &first()).await.id;
    // As after many uses.
    let jump = (family(0, 0), family(10_098, 10));
    assert!(rotate(&nodes, &id, jump, 11).await);
    assert!(rotate(&nodes, &id, (family(10_098, 10), family(10_099, 11)), 12).await);
    assert!(nodes.other.find_refresh(&first().digest()).await.unwrap().is_some());
    assert!(rotate(&nodes, &id, (family(10_099, 11), family(10_100, 12)), 13).await);
    assert!(nodes.other.find_refresh(&first().digest()).await.unwrap().is_none());
    for byte in 11..14 {
        assert!(nodes.other.find_refresh(&digest(byte)).await.unwrap().is_some());
    }
}
