//! Authorization codes.

use auth_core::oauth::{CodeState, RefreshToken};
use directory::{Edit, authorization::AddGrant};

use crate::{APP, DAY, Nodes, access, at, at_once, code, digest, grant, of_user, user};

pub(crate) async fn a_code_is_found_as_it_was_issued(nodes: Nodes) {
    let grant = grant(1, "alice", APP);
    nodes.issue(&grant, 1).await;
    let found = nodes.other.find_code(&digest(1)).await.unwrap().unwrap();
    assert_eq!(found.code, code(&grant));
    assert_eq!(found.grant, grant.id);
    assert!(nodes.other.find_code(&digest(2)).await.unwrap().is_none());

    let stored = nodes.stored(&grant).await;
    assert_eq!(format!("{:?}", stored.given), format!("{grant:?}"));
    assert_eq!((stored.last_used_at, stored.ended_at), (at(0), None));
    // What nobody has exchanged is nothing to show.
    assert!(nodes.other.grants(&of_user("alice")).await.unwrap().is_empty());
}

pub(crate) async fn a_code_is_exchanged_once(nodes: Nodes) {
    let grant = grant(1, "alice", APP);
    nodes.issue(&grant, 1).await;
    let token = RefreshToken::from_random([1; 32]);
    let exchange = async |number| {
        let access = access(number, 900);
        nodes.other.exchange_code(&digest(1), &access, Some(&token), at(5)).await.unwrap()
    };
    assert!(exchange(1).await);
    let found = nodes.one.find_code(&digest(1)).await.unwrap().unwrap();
    assert_eq!(found.code.state, CodeState::Exchanged);
    assert!(!exchange(2).await);
    assert_eq!(nodes.stored(&grant).await.last_used_at, at(5));

    assert!(!nodes.one.exchange_code(&digest(9), &access(9, 900), None, at(5)).await.unwrap());
}

pub(crate) async fn of_many_exchanges_at_once_one_succeeds(nodes: Nodes) {
    let grant = grant(1, "alice", APP);
    for with_refresh in [true, false] {
        let byte = u8::from(with_refresh);
        let grant = directory::authorization::NewGrant {
            id: directory::authorization::GrantId::from_random([byte; 16]),
            ..grant.clone()
        };
        nodes.issue(&grant, byte).await;
        let exchanges = nodes.each(8).zip(0_u8..).map(|(node, number)| async move {
            let token = with_refresh.then(|| RefreshToken::from_random([number + 1; 32]));
            let access = access(100 * byte + number, 900);
            node.exchange_code(&digest(byte), &access, token.as_ref(), at(1)).await.unwrap()
        });
        let won = at_once(exchanges).await;
        assert_eq!(won.iter().filter(|it| **it).count(), 1, "{won:?}");
        // Only the tokens of that one are known.
        let ended = nodes.one.end_grant(&grant.id, at(2)).await.unwrap();
        assert_eq!((ended.grants, ended.tokens), (1, 1));
    }
}

pub(crate) async fn a_code_of_a_user_who_may_not_act_is_worth_nothing(nodes: Nodes) {
    let exchange =
        async || nodes.other.exchange_code(&digest(1), &access(1, 900), None, at(1)).await.unwrap();
    nodes.issue(&grant(1, "alice", APP), 1).await;
    nodes.disable("alice").await;
    assert!(!exchange().await);
    let another = grant(2, "alice", APP);
    assert_eq!(nodes.issued(&another, 2).await, AddGrant::NoUser);
    let nobody = grant(3, "nobody", APP);
    assert_eq!(nodes.issued(&nobody, 3).await, AddGrant::NoUser);
    assert!(nodes.one.find_code(&digest(2)).await.unwrap().is_none());

    nodes.enable("alice").await;
    assert!(exchange().await);
    nodes.edit(Edit::Remove(user("alice"))).await;
    assert!(nodes.other.find_code(&digest(1)).await.unwrap().is_none());
}

pub(crate) async fn an_ended_grant_takes_its_code_along(nodes: Nodes) {
    let grant = grant(1, "alice", APP);
    nodes.issue(&grant, 1).await;
    assert_eq!(nodes.one.end_grant(&grant.id, at(1)).await.unwrap().grants, 1);
    assert!(!nodes.other.exchange_code(&digest(1), &access(1, 900), None, at(2)).await.unwrap());
}

pub(crate) async fn an_exchange_that_fails_writes_nothing(nodes: Nodes) {
    let first = grant(1, "alice", APP);
    nodes.issue(&first, 1).await;
    let token = RefreshToken::from_random([1; 32]);
    let exchange = async |byte, secs| {
        let access = access(1, 900);
        nodes.one.exchange_code(&digest(byte), &access, Some(&token), at(secs)).await
    };
    assert!(exchange(1, 1).await.unwrap());
    // A token of this name is there: the database refuses the last step, and the first are undone.
    let second = grant(2, "alice", APP);
    nodes.issue(&second, 2).await;
    assert!(exchange(2, 7).await.is_err());
    let found = nodes.other.find_code(&digest(2)).await.unwrap().unwrap();
    assert_eq!(found.code.state, CodeState::Unused);
    assert_eq!(nodes.stored(&second).await.last_used_at, at(0));
    // The same for a code that was exchanged.
    assert!(!exchange(1, 7).await.unwrap());
    assert_eq!(nodes.stored(&first).await.last_used_at, at(1));
    assert!(nodes.one.exchange_code(&digest(2), &access(2, 900), None, at(8)).await.unwrap());
}

pub(crate) async fn a_code_that_nobody_exchanges_is_forgotten_with_its_grant(nodes: Nodes) {
    let (unused, used) = (grant(1, "alice", APP), grant(2, "alice", APP));
    nodes.issue(&unused, 1).await;
    nodes.issue(&used, 2).await;
    assert!(nodes.one.exchange_code(&digest(2), &access(2, 900), None, at(1)).await.unwrap());
    let prune = async |secs| nodes.other.prune_authorizations(at(secs), 30 * DAY).await.unwrap();
    prune(660).await;
    assert!(nodes.one.grant(&unused.id).await.unwrap().is_some());
    prune(661).await;
    assert!(nodes.one.grant(&unused.id).await.unwrap().is_none());
    assert!(nodes.one.find_code(&digest(1)).await.unwrap().is_none());
    // One that was exchanged is known for as long as its grant.
    prune(30 * 86_400).await;
    let found = nodes.one.find_code(&digest(2)).await.unwrap().unwrap();
    assert_eq!(found.code.state, CodeState::Exchanged);
    prune(30 * 86_400 + 2).await;
    assert!(nodes.one.find_code(&digest(2)).await.unwrap().is_none());
}
