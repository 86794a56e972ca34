//! Legacy sessions belong to issuer, subject and client; to anybody else there is no such session.

use auth_core::OwnerTagKey;
use serde_json::json;

use crate::world::{Caller, Open, World, forge};

async fn is_stranger(caller: &Caller<'_>) {
    for request in [
        caller.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })),
        caller.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} })),
        caller.post(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })),
        caller.post(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} })),
        caller.get(),
        caller.delete(),
    ] {
        let answer = caller.send(request).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert_eq!(answer.message["error"]["code"], -32001);
    }
}

#[tokio::test]
async fn a_stranger_has_no_such_session_and_the_owner_goes_on() {
    let world = World::start().await;
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    let stolen = alice.session.clone();

    for (subject, client) in [("bob", "testkit"), ("alice", "other-client")] {
        let mut stranger = world.with(Some(world.token(subject, "A", client)));
        stranger.session.clone_from(&stolen);
        is_stranger(&stranger).await;
    }
    // The name that the server behind gave is nobody's.
    let mut raw = alice.clone();
    raw.session = stolen.as_deref().map(|sealed| sealed.rsplit_once('.').unwrap().0.to_owned());
    is_stranger(&raw).await;
    let mut invented = alice.clone();
    invented.session = Some("invented".into());
    is_stranger(&invented).await;

    assert!(alice.call_legacy("ping", json!({})).await.is_result());
}

#[tokio::test]
async fn a_refreshed_token_of_the_same_principal_goes_on() {
    let world = World::start().await;
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    let before = alice.token.clone();
    alice.token = Some(world.token("alice", "All", "testkit"));
    assert_ne!(alice.token, before);
    assert!(alice.call_legacy("tools/call", json!({ "name": "b" })).await.is_result());
    // And when the old one has expired.
    world.clock.advance(std::time::Duration::from_hours(2));
    let renewed = forge("alice", "A").claim("exp", testkit::NOW + 9000);
    let key = testkit::TestKey::shared(auth_core::Algorithm::Hs256);
    alice.token = Some(renewed.claim("client_id", "testkit").sign(key));
    assert!(alice.call_legacy("ping", json!({})).await.is_result());
    assert_eq!(alice.send(alice.delete()).await.status, 202);
    let gone = alice.call_legacy("ping", json!({})).await;
    assert_eq!(gone.status, 404, "the server's own word for a session that ended");
}

#[tokio::test]
async fn an_event_stream_is_taken_up_by_its_owner_alone() {
    let world = World::start().await;
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    let answer = alice.call_legacy("tools/list", json!({})).await;
    let id = answer.text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();

    let resume =
        |caller: &Caller<'_>, id: &str| caller.get().header("last-event-id", id.to_owned());
    drop(Open::new(resume(&alice, &id)).await);
    let raw = id.rsplit_once('.').unwrap().0;
    for bad in [raw, "0", &format!("{id}x")] {
        assert_eq!(alice.send(resume(&alice, bad)).await.status, 404, "{bad}");
    }
    let mut bob = world.caller("bob", "A");
    bob.initialize().await;
    assert_eq!(bob.send(resume(&bob, &id)).await.status, 404);
    // Where there are no sessions there are streams to take up all the same, if the server keeps
    // them.
    let mut outside = world.caller("bob", "A");
    outside.session = None;
    let request = resume(&outside, &id).header("mcp-protocol-version", "2026-07-28");
    assert_eq!(outside.send(request).await.status, 404);
}

#[tokio::test]
async fn where_there_are_no_sessions_their_names_mean_nothing() {
    let world = World::start().await;
    let mut alice = world.caller("alice", "A");
    alice.session = Some("anything".into());
    assert!(alice.call("tools/call", json!({ "name": "a" })).await.is_result());
}

#[tokio::test]
async fn nodes_that_share_a_key_know_each_others_sessions() {
    let with = |secret: [u8; 32]| {
        World::start_with(crate::world::document(), move |guard| {
            guard.owner_tag_key(OwnerTagKey::from_secret(&secret).unwrap())
        })
    };
    let (one, other, third) = (with([1; 32]).await, with([1; 32]).await, with([2; 32]).await);
    let mut alice = one.caller("alice", "A");
    alice.initialize().await;
    let status = async |world: &World| {
        let mut moved = world.caller("alice", "A");
        moved.session.clone_from(&alice.session);
        let answer = moved.call_legacy("ping", json!({})).await;
        (answer.status.as_u16(), answer.text)
    };
    // The seal opens; that the other node does not keep this session is the server's word.
    let (code, text) = status(&other).await;
    assert_eq!(code, 404);
    assert!(text.contains("Session not found"), "{text}");
    let (code, text) = status(&third).await;
    assert_eq!(code, 404);
    assert!(text.contains("no such session"), "{text}");
}
