//! How often callers may ask. Budgets are by the day, so that none fills up while a test runs.

use serde_json::{Value, json};

use crate::world::{Answer, PEER, World, document, forge};

/// The policy with one more member.
fn with(table: &str, name: &str, value: Value) -> Value {
    let mut document = document();
    document[table][name] = value;
    document
}

async fn call(world: &World, subject: &str, tool: &str) -> Answer {
    world.caller(subject, "A").call("tools/call", json!({ "name": tool })).await
}

/// The seconds until the next is due, where the rate is two in a day.
fn expect_half_a_day(refused: &Answer) -> u64 {
    let seconds = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((43_000..=43_200).contains(&seconds), "{seconds}");
    seconds
}

#[tokio::test]
async fn a_rule_with_a_rate_is_429_beyond_it_and_the_rest_goes_on() {
    let rule = json!({ "all": ["A"], "rate": "2/day" });
    let world = World::start_with(with("tools", "a", rule), |guard| guard).await;
    for _ in 0..2 {
        assert!(call(&world, "alice", "a").await.is_result());
    }
    let refused = call(&world, "alice", "a").await;
    assert_eq!(refused.status, 429);
    let seconds = expect_half_a_day(&refused);
    let error = &refused.message["error"];
    assert_eq!((&error["code"], &refused.message["id"]), (&json!(-32000), &json!(1)));
    let text = format!("[tools] \"a\" allows each caller 2/day: try again in {seconds} s");
    assert_eq!(error["message"], text);
    assert_eq!(error["data"]["error"], "rate_limited");
    assert_eq!(error["data"]["retry_after"], seconds);
    assert_eq!(error["data"]["request_id"], refused.headers["x-request-id"].to_str().unwrap());

    assert!(call(&world, "alice", "open").await.is_result(), "another tool");
    assert!(call(&world, "bob", "a").await.is_result(), "another caller");
    let mut session = world.caller("alice", "A");
    session.initialize().await;
    let refused = session.call_legacy("tools/call", json!({ "name": "a" })).await;
    assert_eq!((refused.status.as_u16(), &refused.message["id"]), (429, &json!(1)), "a session");
}

#[tokio::test]
async fn what_the_policy_denies_does_not_spend_the_rate_of_the_rule() {
    let rule = json!({ "all": ["A"], "rate": "1/day" });
    let world = World::start_with(with("tools", "a", rule), |guard| guard).await;
    let without = world.caller("alice", "B");
    assert_eq!(without.call("tools/call", json!({ "name": "a" })).await.status, 403);
    assert!(call(&world, "alice", "a").await.is_result());
    assert_eq!(call(&world, "alice", "a").await.status, 429);
}

#[tokio::test]
async fn requests_of_a_caller_are_counted_whatever_becomes_of_them() {
    let world = World::start_with(with("limits", "caller", json!("4/day")), |guard| guard).await;
    // `initialize` is one, and the notification after it is none.
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    assert_eq!(call(&world, "alice", "b").await.status, 403);
    let list = world.caller("alice", "A");
    assert!(list.call("tools/list", json!({})).await.is_result());
    assert!(call(&world, "alice", "a").await.is_result());
    let refused = list.call("tools/list", json!({})).await;
    assert_eq!(refused.status, 429);
    assert!(refused.text.contains("[limits] allows each caller 4/day"), "{}", refused.text);
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(alice.send(alice.post(&notification)).await.status, 202);
    assert!(call(&world, "bob", "a").await.is_result());
}

#[tokio::test]
async fn the_users_of_a_client_have_one_budget() {
    let world = World::start_with(with("limits", "client", json!("2/day")), |guard| guard).await;
    let ask = async |subject: &str, client: &str| {
        let caller = world.with(Some(world.token(subject, "A", client)));
        caller.call("tools/list", json!({})).await
    };
    assert!(ask("alice", "one").await.is_result());
    assert!(ask("bob", "one").await.is_result());
    assert_eq!(ask("carol", "one").await.status, 429);
    assert!(ask("carol", "two").await.is_result());
}

#[tokio::test]
async fn what_is_public_has_a_budget_for_each_address() {
    let rule = json!({ "public": true, "rate": "1/day" });
    let mut document = with("tools", "open", rule);
    document["methods"] = json!({ "server/discover": { "public": true } });
    let world = World::start_with(document, |guard| guard).await;
    let ask = async |peer: &str| {
        let caller = world.anonymous();
        let request = caller.request("tools/call", json!({ "name": "open" })).header(PEER, peer);
        caller.send(request).await.status.as_u16()
    };
    assert_eq!(ask("192.0.2.1").await, 200);
    assert_eq!(ask("192.0.2.1").await, 429);
    assert_eq!(ask("192.0.2.2").await, 200);
}

#[tokio::test]
async fn refused_tokens_of_one_address_are_429_beyond_the_bound_and_valid_ones_pass() {
    let world = World::start_with(document(), |guard| {
        let bounded = |peer| peer != std::net::IpAddr::from([127, 0, 0, 1]);
        guard.max_failed_authentications("2/day".parse().unwrap(), bounded)
    })
    .await;
    let key = testkit::TestKey::shared(auth_core::Algorithm::Hs256);
    let expired = forge("alice", "A").claim("exp", 1).sign(key);
    let bad = forge("alice", "A").claim("aud", "https://other.example").sign(key);
    let ask = async |token: String, peer: Option<&str>| {
        let caller = world.with(Some(token));
        let request = caller.request("tools/list", json!({}));
        let request = peer.into_iter().fold(request, |request, peer| request.header(PEER, peer));
        caller.send(request).await
    };
    let valid = || world.token("alice", "A", "testkit");
    for _ in 0..2 {
        assert_eq!(ask(bad.clone(), Some("192.0.2.1")).await.status, 401);
    }
    let refused = ask(bad.clone(), Some("192.0.2.1")).await;
    assert_eq!((refused.status.as_u16(), refused.challenge()), (429, None));
    expect_half_a_day(&refused);
    assert!(refused.text.contains("no more than 2/day"), "{}", refused.text);
    assert!(ask(valid(), Some("192.0.2.1")).await.is_result(), "a valid token passes");
    let ended = ask(expired, Some("192.0.2.1")).await;
    assert_eq!(ended.status, 401, "its client learns that it needs another");
    assert!(ended.challenge().is_some());
    assert_eq!(ask(bad.clone(), Some("192.0.2.2")).await.status, 401, "another address");

    world.users.disabled.lock().unwrap().insert("alice".into());
    let disabled = ask(valid(), Some("192.0.2.1")).await;
    assert_eq!(disabled.status, 429, "a user who may not come in is a failure too");
    world.users.disabled.lock().unwrap().clear();

    *world.users.unavailable.lock().unwrap() = true;
    let unavailable = ask(valid(), Some("192.0.2.1")).await;
    assert_eq!(unavailable.status, 503, "the server's own fault is none of the caller's");
    *world.users.unavailable.lock().unwrap() = false;

    for peer in [Some("127.0.0.1"), None] {
        for _ in 0..4 {
            assert_eq!(ask(bad.clone(), peer).await.status, 401, "{peer:?} has no bound");
        }
    }
}
