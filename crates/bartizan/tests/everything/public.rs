//! What a policy calls public needs no token; nothing else is in reach without one.

use serde_json::{Value, json};

use crate::world::{World, document, forge};

fn mixed() -> Value {
    let mut policy = document();
    let public = json!({ "public": true });
    policy["tools"]["open"] = public.clone();
    policy["resources"]["doc://a"] = public.clone();
    policy["methods"] =
        json!({ "tools/list": public, "resources/list": public, "server/discover": public });
    policy["lists"] = json!({ "show_scopes": true });
    policy
}

#[tokio::test]
async fn anonymous_reaches_what_is_public_and_nothing_else() {
    let world = World::start_with(mixed(), |guard| guard).await;
    let anonymous = world.anonymous();
    assert!(anonymous.call("tools/call", json!({ "name": "open" })).await.is_result());
    assert!(anonymous.call("resources/read", json!({ "uri": "doc://a" })).await.is_result());
    assert!(anonymous.call("server/discover", json!({})).await.is_result());
    let tools = anonymous.call("tools/list", json!({})).await;
    assert_eq!(tools.names("tools", "name"), ["open"]);
    let schemes = &tools.message["result"]["tools"][0]["_meta"]["securitySchemes"][0];
    assert_eq!(schemes["type"], "noauth");
    let resources = anonymous.call("resources/list", json!({})).await;
    assert_eq!(resources.names("resources", "uri"), ["doc://a"]);

    for (method, params) in [
        ("tools/call", json!({ "name": "a" })),
        ("tools/call", json!({ "name": "either" })),
        ("tools/call", json!({ "name": "unheard" })),
        ("resources/read", json!({ "uri": "doc://b" })),
        ("prompts/list", json!({})),
        ("ping", json!({})),
        ("tasks/get", json!({ "taskId": "1" })),
        ("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } })),
    ] {
        let answer = anonymous.call(method, params.clone()).await;
        assert_eq!(answer.status, 401, "{method} {params}: {}", answer.text);
        let challenge = answer.challenge().unwrap();
        assert!(challenge.contains("resource_metadata=") && !challenge.contains("error="));
    }
    for request in [anonymous.get(), anonymous.delete()] {
        assert_eq!(anonymous.send(request).await.status, 401);
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let world = World::start_with(mixed(), |guard| guard).await;
    let expired = forge("alice", "A").claim("exp", testkit::NOW - 3600);
    let key = testkit::TestKey::shared(auth_core::Algorithm::Hs256);
    for token in [expired.sign(key), "nonsense".into()] {
        let answer = world.with(Some(token)).call("tools/call", json!({ "name": "open" })).await;
        assert_eq!(answer.status, 401);
        assert!(answer.challenge().unwrap().contains("invalid_token"));
    }
    let good = world.caller("alice", "").call("tools/call", json!({ "name": "open" })).await;
    assert!(good.is_result());
}

#[tokio::test]
async fn a_session_begun_without_a_token_is_not_gone_on_with_by_one_who_has_one() {
    let mut policy = mixed();
    for method in ["initialize", "notifications/initialized", "ping"] {
        policy["methods"][method] = json!({ "public": true });
    }
    let world = World::start_with(policy, |guard| guard).await;
    let mut anonymous = world.anonymous();
    anonymous.initialize().await;
    assert!(anonymous.call_legacy("tools/call", json!({ "name": "open" })).await.is_result());
    assert_eq!(anonymous.call_legacy("tools/call", json!({ "name": "a" })).await.status, 401);
    let mut alice = world.caller("alice", "A");
    alice.session.clone_from(&anonymous.session);
    assert_eq!(alice.call_legacy("ping", json!({})).await.status, 404);
}

#[tokio::test]
async fn off_by_default_nothing_is_public() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    for method in ["ping", "server/discover", "tools/list", "initialize"] {
        assert_eq!(anonymous.call(method, json!({})).await.status, 401, "{method}");
    }
    assert_eq!(anonymous.call("tools/call", json!({ "name": "open" })).await.status, 401);
}
