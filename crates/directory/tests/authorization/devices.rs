//! Device authorizations.

use std::time::Duration;

use auth_core::oauth::{DeviceState, POLL_INTERVAL, Polling, RefreshToken, UserCode};
use directory::{
    Edit,
    authorization::{DeviceRequest, NewGrant, StoredDevice},
};

use crate::{APP, DAY, DOCUMENT, Nodes, access, at, at_once, digest, grant, of_user, user};

fn user_code(number: u8) -> UserCode {
    UserCode::from_random([number; 16])
}

fn request(number: u8, client: &str) -> DeviceRequest {
    DeviceRequest {
        digest: digest(number),
        user_code: user_code(number),
        client_id: client.parse().unwrap(),
        client_name: None,
        resource: crate::RESOURCE.parse().unwrap(),
        scopes: "b a".parse().unwrap(),
        created_at: at(0),
        expires_at: at(600),
    }
}

pub(crate) async fn begin(nodes: &Nodes, number: u8) {
    assert!(nodes.one.begin_device(&request(number, APP), 10).await.unwrap());
}

async fn approve(nodes: &Nodes, number: u8, grant: &NewGrant) -> bool {
    nodes.one.decide_device(&digest(number), Some((grant, DOCUMENT))).await.unwrap()
}

async fn stored(nodes: &Nodes, number: u8) -> StoredDevice {
    nodes.other.device(&digest(number)).await.unwrap().unwrap()
}

pub(crate) async fn a_device_code_is_found_by_both_codes(nodes: Nodes) {
    begin(&nodes, 1).await;
    let found = stored(&nodes, 1).await;
    assert_eq!(format!("{:?}", found.request), format!("{:?}", request(1, APP)));
    assert_eq!(found.request.user_code, user_code(1));
    assert_eq!((found.state, found.polling), (DeviceState::Pending, Polling::default()));
    assert_eq!(found.grant, None);
    let by_user = async |number, secs| {
        let found = nodes.other.device_by_user_code(&user_code(number), at(secs)).await;
        found.unwrap().map(|found| found.request.digest)
    };
    assert_eq!(by_user(1, 599).await, Some(digest(1)));
    assert_eq!(by_user(1, 600).await, None);
    assert_eq!(by_user(2, 1).await, None);
    assert!(nodes.other.device(&digest(2)).await.unwrap().is_none());
}

pub(crate) async fn device_codes_are_counted(nodes: Nodes) {
    begin(&nodes, 1).await;
    // The user code is in use.
    let again = DeviceRequest { user_code: user_code(1), ..request(2, APP) };
    assert!(!nodes.one.begin_device(&again, 10).await.unwrap());
    let begins = nodes.each(8).zip(10_u8..).map(|(node, number)| async move {
        node.begin_device(&request(number, APP), 4).await.unwrap()
    });
    assert_eq!(at_once(begins).await.iter().filter(|begun| **begun).count(), 3);
    assert!(!nodes.one.begin_device(&request(30, APP), 4).await.unwrap());
    // Another client has its own count. One that was decided, or has ended, is not counted.
    assert!(nodes.one.begin_device(&request(31, "another"), 4).await.unwrap());
    assert!(nodes.one.decide_device(&digest(1), None).await.unwrap());
    assert!(nodes.one.begin_device(&request(32, APP), 4).await.unwrap());
    assert!(!nodes.one.begin_device(&request(33, APP), 4).await.unwrap());
    let later = DeviceRequest { created_at: at(600), expires_at: at(1200), ..request(33, APP) };
    assert!(nodes.one.begin_device(&later, 1).await.unwrap());
}

pub(crate) async fn polls_are_noted(nodes: Nodes) {
    begin(&nodes, 1).await;
    let polling = Polling::restore(2 * POLL_INTERVAL, Some(at(7)));
    nodes.one.note_poll(&digest(1), &polling).await.unwrap();
    assert_eq!(stored(&nodes, 1).await.polling, polling);
    nodes.one.note_poll(&digest(9), &polling).await.unwrap();
}

pub(crate) async fn a_device_is_decided_once(nodes: Nodes) {
    begin(&nodes, 1).await;
    let decisions = nodes.each(8).zip(0_u8..).map(|(node, number)| async move {
        let grant = grant(number, "alice", APP);
        let grant = (number % 2 == 0).then_some((&grant, DOCUMENT));
        node.decide_device(&digest(1), grant).await.unwrap()
    });
    let decided = at_once(decisions).await;
    assert_eq!(decided.iter().filter(|it| **it).count(), 1, "{decided:?}");
    let winner = u8::try_from(decided.iter().position(|it| *it).unwrap()).unwrap();
    let found = stored(&nodes, 1).await;
    let expected = (winner % 2 == 0).then(|| grant(winner, "alice", APP).id);
    assert_eq!(found.grant, expected);
    let state = if winner % 2 == 0 { DeviceState::Approved } else { DeviceState::Denied };
    assert_eq!(found.state, state);
    // No grant is left of those who came too late.
    assert_eq!(
        nodes.one.grants(&of_user("alice")).await.unwrap().len(),
        usize::from(winner % 2 == 0)
    );
    assert!(nodes.other.device_by_user_code(&user_code(1), at(1)).await.unwrap().is_none());
}

pub(crate) async fn a_device_is_approved_for_its_client_and_resource_in_time(nodes: Nodes) {
    begin(&nodes, 1).await;
    let good = grant(1, "alice", APP);
    for bad in [
        grant(1, "alice", "another"),
        NewGrant { resource: "https://other.example".parse().unwrap(), ..good.clone() },
        NewGrant { created_at: at(600), ..good.clone() },
        grant(1, "nobody", APP),
    ] {
        assert!(!approve(&nodes, 1, &bad).await, "{bad:?}");
        assert!(nodes.one.grant(&bad.id).await.unwrap().is_none());
    }
    nodes.disable("alice").await;
    assert!(!approve(&nodes, 1, &good).await);
    nodes.enable("alice").await;
    assert!(approve(&nodes, 1, &NewGrant { created_at: at(599), ..good }).await);
}

pub(crate) async fn an_approved_device_is_exchanged_once(nodes: Nodes) {
    begin(&nodes, 1).await;
    let exchange = async |secs| {
        let access = access(99, 900);
        nodes.other.exchange_device(&digest(1), &access, None, at(secs)).await.unwrap()
    };
    assert!(!exchange(1).await);
    let grant = grant(1, "alice", APP);
    assert!(approve(&nodes, 1, &grant).await);
    assert!(!exchange(600).await);
    nodes.disable("alice").await;
    assert!(!exchange(1).await);
    nodes.enable("alice").await;
    let exchanges = nodes.each(8).zip(10_u8..).map(|(node, number)| async move {
        let token = RefreshToken::from_random([number; 32]);
        let access = access(number, 900);
        node.exchange_device(&digest(1), &access, Some(&token), at(2)).await.unwrap()
    });
    let won = at_once(exchanges).await;
    assert_eq!(won.iter().filter(|it| **it).count(), 1, "{won:?}");
    assert_eq!(stored(&nodes, 1).await.state, DeviceState::Used);
    assert_eq!(stored(&nodes, 1).await.grant, Some(grant.id.clone()));
    assert_eq!(nodes.one.end_grant(&grant.id, at(3)).await.unwrap().tokens, 1);
}

pub(crate) async fn an_ended_grant_takes_its_device_along(nodes: Nodes) {
    begin(&nodes, 1).await;
    begin(&nodes, 2).await;
    let grants = [grant(1, "alice", APP), grant(2, "alice", APP)];
    assert!(approve(&nodes, 1, &grants[0]).await && approve(&nodes, 2, &grants[1]).await);
    assert_eq!(nodes.one.end_grant(&grants[0].id, at(1)).await.unwrap().grants, 1);
    let exchange = async |number| {
        let access = access(number, 900);
        nodes.other.exchange_device(&digest(number), &access, None, at(2)).await.unwrap()
    };
    assert!(!exchange(1).await);
    nodes.edit(Edit::Remove(user("alice"))).await;
    assert!(!exchange(2).await);
    assert!(nodes.one.device(&digest(2)).await.unwrap().is_none());
}

pub(crate) async fn a_device_code_is_forgotten_after_its_end(nodes: Nodes) {
    for number in 1..5 {
        begin(&nodes, number).await;
    }
    let grants = [grant(1, "alice", APP), grant(2, "alice", APP)];
    assert!(approve(&nodes, 1, &grants[0]).await && approve(&nodes, 2, &grants[1]).await);
    assert!(nodes.one.decide_device(&digest(3), None).await.unwrap());
    assert!(nodes.one.exchange_device(&digest(1), &access(1, 900), None, at(5)).await.unwrap());
    let prune = async |secs| nodes.other.prune_authorizations(at(secs), 30 * DAY).await.unwrap();
    let end = 600 + i64::try_from(Duration::from_hours(1).as_secs()).unwrap();
    prune(end).await;
    for number in 1..5 {
        assert!(nodes.one.device(&digest(number)).await.unwrap().is_some(), "{number}");
    }
    prune(end + 1).await;
    for number in 1..5 {
        assert!(nodes.one.device(&digest(number)).await.unwrap().is_none(), "{number}");
    }
    // A grant whose device never came for its tokens goes, the other one stays.
    assert!(nodes.one.grant(&grants[0].id).await.unwrap().is_some());
    assert!(nodes.one.grant(&grants[1].id).await.unwrap().is_none());
}
