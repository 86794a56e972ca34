//! Every method that is aimed at something is judged by what it is aimed at.

use serde_json::{Value, json};

use crate::world::World;

/// Requests that need `A`, and the same for `B`.
fn aimed(target: &str) -> Vec<(&'static str, Value)> {
    let uri = json!({ "uri": format!("doc://{target}") });
    let skill = json!({ "uri": format!("skill://{target}/SKILL.md") });
    let template = if target == "a" { "page" } else { "secret" };
    let argument = json!({ "name": "x", "value": "y" });
    vec![
        ("tools/call", json!({ "name": target, "arguments": {} })),
        ("prompts/get", json!({ "name": target })),
        ("resources/read", uri.clone()),
        ("resources/read", json!({ "uri": format!("{template}://1") })),
        ("resources/read", json!({ "uri": format!("{template}://%C3%A9") })),
        ("skills/get", skill),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": target }, "argument": argument }),
        ),
        (
            "completion/complete",
            json!({
                "ref": { "type": "ref/resource", "uri": format!("{template}://{{id}}") },
                "argument": argument,
            }),
        ),
    ]
}

#[tokio::test]
async fn reader_may_do_all_of_their_own_and_nothing_of_the_others() {
    let world = World::start().await;
    let reader = world.caller("alice", "A");
    for (method, params) in aimed("a") {
        let answer = reader.call(method, params.clone()).await;
        assert!(answer.is_result(), "{method} {params}: {} {}", answer.status, answer.text);
    }
    for (method, params) in aimed("b") {
        let answer = reader.call(method, params.clone()).await;
        assert_eq!(answer.status, 403, "{method} {params}");
        let challenge = answer.challenge().unwrap();
        assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(r#"scope="A B""#), "{challenge}");
    }
}

#[tokio::test]
async fn reader_in_a_session_too() {
    let world = World::start().await;
    let mut reader = world.caller("alice", "A");
    reader.initialize().await;
    for (method, params) in
        aimed("a").into_iter().chain([("resources/subscribe", json!({ "uri": "doc://a" }))])
    {
        let answer = reader.call_legacy(method, params.clone()).await;
        assert!(answer.is_result(), "{method} {params}: {} {}", answer.status, answer.text);
    }
    let subscriptions = ["resources/subscribe", "resources/unsubscribe"];
    let subscriptions = subscriptions.map(|method| (method, json!({ "uri": "doc://b" })));
    for (method, params) in aimed("b").into_iter().chain(subscriptions) {
        let answer = reader.call_legacy(method, params.clone()).await;
        assert_eq!(answer.status, 403, "{method} {params}");
    }
}

#[tokio::test]
async fn reader_does_not_reach_a_guarded_uri_by_spelling_it_otherwise() {
    let world = World::start().await;
    let reader = world.caller("alice", "A");
    for (uri, scope) in [
        ("page://secret", r#"scope="A B""#),
        ("page://%73ecret", r#"scope="A B""#),
        ("page://se%63re%74", r#"scope="A B""#),
        ("page://%2573ecret", r#"scope="A B""#),
    ] {
        let answer = reader.call("resources/read", json!({ "uri": uri })).await;
        assert_eq!(answer.status, 403, "{uri}");
        assert!(answer.challenge().unwrap().contains(scope), "{uri}: {:?}", answer.challenge());
    }
    for uri in
        ["page://..", "page://%2e%2e", "page://a/b", "page://a%2Fb", "page://a%00", "Page://1"]
    {
        let answer = reader.call("resources/read", json!({ "uri": uri })).await;
        assert_eq!((answer.status.as_u16(), answer.challenge()), (403, None), "{uri}");
    }
}

#[tokio::test]
async fn a_user_who_may_never_is_not_sent_for_a_new_token() {
    let world = World::start().await;
    world.users.roles.lock().unwrap().remove("b");
    let answer = world.caller("alice", "A").call("tools/call", json!({ "name": "b" })).await;
    assert_eq!((answer.status.as_u16(), answer.challenge()), (403, None));
}
