//! Lists show what the caller may use, in the server's order, and are nobody else's to cache.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Open, World, document};

const LISTS: [(&str, &str, &str); 5] = [
    ("tools/list", "tools", "name"),
    ("prompts/list", "prompts", "name"),
    ("resources/list", "resources", "uri"),
    ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ("skills/list", "skills", "uri"),
];

#[tokio::test]
async fn a_list_that_is_named_by_a_notification_is_no_fault() {
    let world = World::start().await;
    let mut caller = world.caller("alice", "A");
    caller.initialize().await;
    for (method, ..) in LISTS {
        let body = json!({ "jsonrpc": "2.0", "method": method });
        let answer = caller.send(caller.post(&body)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (202, ""), "{method}");
        // In the newer generation it is a notification that nobody knows.
        let stateless = world.caller("alice", "A");
        let request = stateless.request(method, json!({})).body(
            json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            }}})
            .to_string(),
        );
        let answer = stateless.send(request).await;
        assert!(!answer.status.is_server_error(), "{method}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn each_caller_sees_their_own_in_both_generations() {
    let world = World::start().await;
    let own: [(&str, [&[&str]; 5]); 4] = [
        (
            "A",
            [
                &["a", "open", "either", "work", "touch"],
                &["a"],
                &["doc://a"],
                &["page://{id}"],
                &["skill://a/SKILL.md"],
            ],
        ),
        (
            "B",
            [
                &["b", "open", "either"],
                &["b"],
                &["doc://b"],
                &["secret://{id}"],
                &["skill://b/SKILL.md"],
            ],
        ),
        (
            "All",
            [
                &["b", "a", "open", "either", "work", "touch"],
                &["a", "b"],
                &["doc://b", "doc://a"],
                &["page://{id}", "secret://{id}"],
                &["skill://a/SKILL.md", "skill://b/SKILL.md"],
            ],
        ),
        ("", [&["open"], &[], &[], &[], &[]]),
    ];
    for (scope, lists) in own {
        let mut caller = world.caller("alice", scope);
        for ((method, member, key), expected) in LISTS.into_iter().zip(lists) {
            let answer = caller.call(method, json!({})).await;
            assert_eq!(answer.names(member, key), expected, "{scope} {method}");
            assert_eq!(answer.message["result"]["cacheScope"], "private", "{scope} {method}");
        }
        caller.initialize().await;
        for ((method, member, key), expected) in LISTS.into_iter().zip(lists) {
            let answer = caller.call_legacy(method, json!({})).await;
            assert_eq!(answer.names(member, key), expected, "{scope} {method} in a session");
            assert_eq!(answer.message["result"].get("cacheScope"), None, "{scope} {method}");
        }
    }
}

#[tokio::test]
async fn a_directory_shows_what_of_it_may_be_read() {
    let world = World::start().await;
    let inside = |answer: crate::world::Answer| answer.names("resources", "uri").join(" ");
    let uri = json!({ "uri": "dir://a/" });
    let reader = world.caller("alice", "A").call("resources/directory/read", uri.clone()).await;
    assert_eq!(inside(reader), "dir://a/a.txt");
    let all = world.caller("alice", "All").call("resources/directory/read", uri.clone()).await;
    assert_eq!(inside(all), "dir://a/a.txt dir://a/b.txt");
    let stranger = world.caller("alice", "B").call("resources/directory/read", uri).await;
    assert_eq!(stranger.status, 403);
}

#[tokio::test]
async fn entries_name_the_scopes_they_need_where_the_policy_says_so() {
    let mut policy = document();
    policy["lists"] = json!({ "show_scopes": true });
    let shows = World::start_with(policy, |guard| guard).await;
    let list = |answer: crate::world::Answer| -> Vec<(String, Value)> {
        let tools = answer.message["result"]["tools"].as_array().unwrap().clone();
        let tools = tools.into_iter().map(|tool| {
            (tool["name"].as_str().unwrap().to_owned(), tool["_meta"]["securitySchemes"].clone())
        });
        tools.collect()
    };
    let oauth = |scopes: &[&str]| json!({ "type": "oauth2", "scopes": scopes });
    let tools = list(shows.caller("alice", "A").call("tools/list", json!({})).await);
    assert_eq!(
        tools,
        [
            ("a".to_owned(), json!([oauth(&["A"])])),
            ("open".to_owned(), json!([oauth(&[])])),
            ("either".to_owned(), json!([oauth(&["A"]), oauth(&["B"])])),
            ("work".to_owned(), json!([oauth(&["A"])])),
            ("touch".to_owned(), json!([oauth(&["A"])])),
        ]
    );
    let silent = World::start().await;
    for (name, schemes) in list(silent.caller("alice", "A").call("tools/list", json!({})).await) {
        assert_eq!(schemes, Value::Null, "{name}");
    }
}

#[tokio::test]
async fn a_role_that_is_taken_away_takes_its_entries_with_it() {
    let world = World::start().await;
    let caller = world.caller("alice", "All");
    world.users.roles.lock().unwrap().remove("a");
    let answer = caller.call("tools/list", json!({})).await;
    assert_eq!(answer.names("tools", "name"), ["b", "open", "either"]);
}

#[tokio::test]
async fn a_list_that_comes_on_another_requests_stream_is_filtered_too() {
    let world = World::start().await;
    let mut caller = world.caller("mallory", "");
    caller.initialize().await;
    let ask = |method: &str, params: Value| {
        caller.post(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }))
    };
    let list = tokio::spawn(ask("tools/list", json!({ "cursor": "slow" })).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut call = Open::new(ask("tools/call", json!({ "name": "open" }))).await;
    call.ends_within(Duration::from_millis(600)).await;
    let mut list = list.await.unwrap().unwrap();
    let rest = tokio::time::timeout(Duration::from_millis(600), list.chunk()).await;
    let text = format!("{}{rest:?}", call.text);
    // The list came on one of the two, and had nothing in it but what is open to all.
    assert!(text.contains("open"), "{text}");
    assert!(!text.contains("either") && !text.contains("touch"), "{text}");
}
