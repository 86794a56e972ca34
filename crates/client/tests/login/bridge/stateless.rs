//! Tokens under requests since 2026-07-28: rounds of questions, and subscriptions.

use serde_json::{Value, json};

use super::Bridge;
use crate::{
    support::User,
    world::{Knobs, World},
};

/// The parameters of a request that carries its version.
fn stateless(mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } },
    });
    params
}

/// Calls a tool that asks. Returns the parameters of the call with the answers.
async fn asked(bridge: &mut Bridge) -> Value {
    bridge.send(1, "tools/call", stateless(json!({ "name": "asks" }))).await;
    let asked = bridge.next().await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    assert_eq!(result["inputRequests"]["who"]["params"]["message"], "who?");
    let who = json!({ "action": "accept", "content": { "name": "ringo" } });
    let state = &result["requestState"];
    stateless(json!({ "name": "asks", "inputResponses": { "who": who }, "requestState": state }))
}

async fn answer(bridge: &mut Bridge, params: Value) {
    bridge.send(2, "tools/call", params).await;
    let answer = bridge.next().await;
    let text = &answer["result"]["content"][0]["text"];
    assert_eq!((&answer["id"], text), (&json!(2), &json!("called asks")), "{answer}");
}

#[tokio::test]
async fn an_answer_that_needs_more_is_given_after_a_step_up() {
    let needs = [("asks", vec!["read", "write"])].into();
    let (world, user) = (World::new(Knobs { needs, ..Knobs::default() }).await, User::new());
    user.login(&world).await;
    let mut bridge = Bridge::new(&user, &world);
    let params = asked(&mut bridge).await;
    answer(&mut bridge, params).await;
    let asked = world.log("authorize");
    assert_eq!(asked.len(), 2);
    assert!(asked.last().unwrap().starts_with("authorize read write"), "{asked:?}");
    bridge.end(&world).await;
}

#[tokio::test]
async fn a_token_that_ends_between_two_rounds_is_renewed() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let mut bridge = Bridge::new(&user, &world);
    let params = asked(&mut bridge).await;
    world.forget_tokens();
    answer(&mut bridge, params).await;
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("authorize").len(), 1);
    bridge.end(&world).await;
}

/// Listens, and is told that it does.
async fn listen(bridge: &mut Bridge, id: u64) {
    let wanted = json!({ "toolsListChanged": true });
    bridge.send(id, "subscriptions/listen", stateless(json!({ "notifications": wanted }))).await;
    let first = bridge.next().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id);
}

#[tokio::test]
async fn a_program_listens_after_a_sign_in_and_with_a_renewed_token() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let mut bridge = Bridge::new(&user, &world);
    listen(&mut bridge, 7).await;
    assert_eq!(world.log("authorize").len(), 1);
    world.forget_tokens();
    listen(&mut bridge, 8).await;
    assert_eq!(world.log("token refresh_token").len(), 1);
    // Calls beside them have the new one.
    let params = asked(&mut bridge).await;
    answer(&mut bridge, params).await;
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("authorize").len(), 1);
    bridge.end(&world).await;
}

#[tokio::test]
async fn a_subscription_without_a_person_is_refused_with_what_is_needed() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let mut bridge = Bridge::start(&user, &world, &["--no-sign-in"], &[("BROWSER", "true")]);
    let params = stateless(json!({ "notifications": { "toolsListChanged": true } }));
    bridge.send(7, "subscriptions/listen", params).await;
    let refused = bridge.next().await;
    let error = &refused["error"];
    assert_eq!((&refused["id"], &error["data"]["code"]), (&json!(7), &json!("unauthorized")));
    assert!(error["message"].as_str().unwrap().contains("login --url"), "{error}");
    user.login(&world).await;
    listen(&mut bridge, 7).await;
    bridge.end(&world).await;
}
