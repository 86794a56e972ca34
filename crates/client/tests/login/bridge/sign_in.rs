//! Sign-ins, renewals and step-ups of a bridge, with the token in the file.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::time::timeout;

use super::{Bridge, PATIENCE};
use crate::{
    support::User,
    world::{Knobs, World},
};

#[tokio::test]
async fn the_first_request_waits_for_the_sign_in_and_a_refused_token_is_renewed() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let mut bridge = Bridge::new(&user, &world);
    let opened = bridge.open().await;
    assert!(opened["result"]["capabilities"]["tools"].is_object(), "{opened}");
    bridge.expect("one").await;
    world.forget_tokens();
    bridge.expect("one").await;
    assert_eq!(world.log("authorize").len(), 1);
    assert_eq!(world.log("token refresh_token").len(), 1);
    bridge.end(&world).await;
    // Other runs have its token, too.
    user.run(&world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn a_tool_that_needs_more_is_called_after_a_step_up() {
    let needs = [("two", vec!["write"])].into();
    let (world, user) = (World::new(Knobs { needs, ..Knobs::default() }).await, User::new());
    user.login(&world).await;
    let mut bridge = Bridge::new(&user, &world);
    bridge.open().await;
    bridge.expect("two").await;
    let asked = world.log("authorize");
    assert!(asked.last().unwrap().starts_with("authorize read write"), "{asked:?}");
    bridge.expect("one").await;
    bridge.end(&world).await;
}

#[tokio::test]
async fn a_person_is_asked_for_the_same_scopes_once() {
    let needs = [("two", vec!["impossible"])].into();
    let knobs = Knobs { needs, withheld: ["impossible"].into(), ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    user.login(&world).await;
    let mut bridge = Bridge::new(&user, &world);
    bridge.open().await;
    for _ in 0..3 {
        let (said, data) = bridge.refused("two").await;
        assert!(said.contains("needs a scope that the token does not have"), "{said}");
        assert_eq!(data["required"], json!(["impossible"]));
    }
    assert_eq!(world.log("authorize").len(), 2);
    bridge.expect("one").await;
}

#[tokio::test]
async fn without_a_person_the_error_says_what_is_needed() {
    let needs = [("two", vec!["write"])].into();
    let (world, user) = (World::new(Knobs { needs, ..Knobs::default() }).await, User::new());
    let mut bridge = Bridge::start(&user, &world, &["--no-sign-in"], &[("BROWSER", "true")]);
    let (said, data) = bridge.refused("one").await;
    assert!(said.contains("login --url"), "{said}");
    assert_eq!(data["code"], "unauthorized");
    // A sign-in elsewhere is found.
    user.login(&world).await;
    bridge.open().await;
    bridge.expect("one").await;
    let (said, data) = bridge.refused("two").await;
    assert!(said.contains("--scope \"read write\""), "{said}");
    assert_eq!((&data["code"], &data["required"]), (&json!("forbidden"), &json!(["write"])));
    assert_eq!(world.log("authorize").len(), 1);
    bridge.end(&world).await;
}

#[tokio::test]
async fn where_there_is_no_screen_a_code_is_shown() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.device = vec![("interval", 1.into())]);
    let mut bridge = Bridge::start(&user, &world, &[], &[]);
    assert!(bridge.open().await["result"].is_object());
    bridge.expect("one").await;
    assert_eq!(world.log("token device_code").len(), 1);
    let stderr = bridge.end(&world).await;
    assert!(stderr.contains("ABCD-EFGH"), "{stderr}");
}

#[tokio::test]
async fn a_person_who_says_no_is_not_asked_again_at_once() {
    let (world, user) =
        (World::new(Knobs { refuses: true, ..Knobs::default() }).await, User::new());
    let mut bridge = Bridge::new(&user, &world);
    for _ in 0..3 {
        let (said, _) = bridge.refused("one").await;
        assert!(said.contains("no token for") || said.contains("wants a token"), "{said}");
    }
    assert_eq!(world.log("authorize").len(), 1);
}

#[tokio::test]
async fn a_given_token_is_not_replaced() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let variables = [("BROWSER", "true"), ("MCP_TOKEN", "given-given")];
    let mut bridge = Bridge::start(&user, &world, &[], &variables);
    let (said, _) = bridge.refused("one").await;
    assert!(said.contains("refuses the token"), "{said}");
    assert!(world.log("authorize").is_empty());
}

#[tokio::test]
async fn what_no_scope_permits_is_refused_and_no_one_is_asked() {
    let knobs = Knobs { forbidden: ["two"].into(), ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    user.login(&world).await;
    let mut bridge = Bridge::new(&user, &world);
    bridge.open().await;
    assert!(bridge.refused("two").await.0.contains("does not allow calling `two`"));
    assert_eq!(world.log("authorize").len(), 1);
}

#[tokio::test]
async fn several_bridges_ask_once_and_renew_once() {
    let world = Arc::new(World::new(Knobs::default()).await);
    let user = Arc::new(User::new());
    let mut bridges: Vec<Bridge> = (0..4).map(|_| Bridge::new(&user, &world)).collect();
    for bridge in &mut bridges {
        let info = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": info });
        bridge.send(0, "initialize", params).await;
    }
    for bridge in &mut bridges {
        assert!(bridge.next().await["result"].is_object());
    }
    assert_eq!(world.log("authorize").len(), 1, "one of them asks");
    world.forget_tokens();
    let call = json!({ "name": "one", "_meta": {} });
    for bridge in &mut bridges {
        bridge.send(1, "tools/call", call.clone()).await;
    }
    for bridge in &mut bridges {
        let answer = bridge.next().await;
        assert_eq!(answer["id"], 1, "{answer}");
    }
    assert_eq!(world.log("token refresh_token").len(), 1, "one of them renews");
    assert_eq!(world.log("reuse").len(), 0, "none is signed out");
    for bridge in bridges {
        bridge.end(&world).await;
    }
}

#[tokio::test]
async fn a_renewal_that_has_begun_is_finished_at_the_end() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let mut bridge = Bridge::new(&user, &world);
    bridge.open().await;
    world.forget_tokens();
    world.change(|knobs| knobs.slow = Some(("/token", 1000)));
    bridge.send(1, "tools/call", json!({ "name": "one" })).await;
    let begun = async {
        while world.log("slow /token").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, begun).await.expect("a renewal");
    bridge.end(&world).await;
    world.change(|knobs| knobs.slow = None);
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("reuse").len(), 0);
    assert_eq!(world.log("authorize").len(), 1);
}
