//! Tasks answer those who started them, while they may still do what started them.

use serde_json::{Value, json};

use crate::world::{Answer, Caller, World};

async fn start(caller: &Caller<'_>) -> String {
    let answer = caller.call("tools/call", json!({ "name": "work", "arguments": {} })).await;
    assert_eq!(answer.message["result"]["resultType"], "task", "{}", answer.text);
    answer.message["result"]["taskId"].as_str().unwrap().to_owned()
}

async fn get(caller: &Caller<'_>, id: &str) -> Answer {
    caller.call("tasks/get", json!({ "taskId": id })).await
}

fn is_unknown(answer: &Answer) -> bool {
    answer.status == 200 && answer.message["error"]["code"] == -32602
}

#[tokio::test]
async fn a_task_answers_its_owner_and_to_others_there_is_none() {
    let world = World::start().await;
    let alice = world.caller("alice", "A");
    let id = start(&alice).await;
    assert!(get(&alice, &id).await.is_result());

    let strangers =
        [world.caller("bob", "All"), world.with(Some(world.token("alice", "A", "other-client")))];
    for stranger in strangers {
        for (method, params) in [
            ("tasks/get", json!({ "taskId": id })),
            ("tasks/cancel", json!({ "taskId": id })),
            ("tasks/update", json!({ "taskId": id, "inputResponses": {} })),
        ] {
            let answer = stranger.call(method, params).await;
            assert!(is_unknown(&answer), "{method}: {} {}", answer.status, answer.text);
            let invented = stranger.call(method, json!({ "taskId": "invented" })).await;
            assert_eq!(answer.text, invented.text, "as if it did not exist");
        }
    }
    let missing = alice.call("tasks/get", json!({})).await;
    assert_eq!(missing.status, 400);
    let refreshed = world.caller("alice", "A");
    assert!(get(&refreshed, &id).await.is_result(), "another token of the same principal");
    assert!(refreshed.call("tasks/cancel", json!({ "taskId": id })).await.is_result());
}

#[tokio::test]
async fn whoever_may_no_longer_start_it_may_not_follow_it() {
    let world = World::start().await;
    let alice = world.caller("alice", "A");
    let id = start(&alice).await;
    let narrow = get(&world.caller("alice", "B"), &id).await;
    assert_eq!(narrow.status, 403);
    assert!(narrow.challenge().unwrap().contains(r#"scope="A B""#), "{:?}", narrow.challenge());
    world.users.roles.lock().unwrap().remove("a");
    let never = get(&alice, &id).await;
    assert_eq!((never.status.as_u16(), never.challenge()), (403, None));
}

#[tokio::test]
async fn a_rule_for_the_method_counts_too() {
    let mut policy = crate::world::document();
    policy["methods"] = json!({ "tasks/get": "B" });
    let world = World::start_with(policy, |guard| guard).await;
    let alice = world.caller("alice", "A");
    let id = start(&alice).await;
    let answer = get(&alice, &id).await;
    assert!(answer.challenge().unwrap().contains(r#"scope="A B""#), "{:?}", answer.challenge());
    assert!(get(&world.caller("alice", "All"), &id).await.is_result());
}

#[tokio::test]
async fn the_older_result_of_a_task_answers_its_owner_alone() {
    let mut policy = crate::world::document();
    policy["methods"] = json!({ "tasks/result": "A" });
    let world = World::start_with(policy, |guard| guard).await;
    let id = start(&world.caller("alice", "A")).await;
    let mut stranger = world.caller("bob", "All");
    stranger.initialize().await;
    for id in [id.as_str(), "invented"] {
        let answer = stranger.call_legacy("tasks/result", json!({ "taskId": id })).await;
        assert!(is_unknown(&answer), "{}: {}", answer.status, answer.text);
    }
    // A revision that has removed it does not bring it to a server of an older one.
    let answer = world.caller("bob", "All").call("tasks/result", json!({ "taskId": id })).await;
    assert_eq!(answer.message["error"]["code"], -32601, "{}", answer.text);
}

#[tokio::test]
async fn ids_in_what_a_tool_says_are_no_tasks() {
    let world = World::start().await;
    let (alice, bob) = (world.caller("alice", "A"), world.caller("bob", "A"));
    let id = start(&alice).await;
    let echo: Value = json!({ "name": "a", "arguments": { "taskId": id, "resultType": "task" } });
    assert!(bob.call("tools/call", echo).await.is_result());
    assert!(is_unknown(&get(&bob, &id).await));
}

#[tokio::test]
async fn a_client_that_does_not_know_tasks_is_told_so() {
    let world = World::start().await;
    let alice = world.caller("alice", "A");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {
        "taskId": start(&world.caller("bob", "A")).await,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": { "extensions": { "other": {} } },
        },
    } });
    let answer = alice.send(alice.post(&body)).await;
    assert_eq!((answer.status.as_u16(), &answer.message["error"]["code"]), (400, &json!(-32021)));
    let required = &answer.message["error"]["data"]["requiredCapabilities"]["extensions"];
    assert_eq!(*required, json!({ "io.modelcontextprotocol/tasks": {} }));
}
