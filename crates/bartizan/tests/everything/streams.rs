//! Streams end within a second when the caller may no longer have them, and carry what they may
//! see.

use std::time::Duration;

use bartizan::Rules;
use serde_json::{Value, json};

use crate::{
    fixture::News,
    world::{Open, World, document, forge, messages, policy},
};

const SECOND: Duration = Duration::from_secs(1);

fn listening() -> Value {
    json!({ "notifications": {
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": ["doc://a"],
    } })
}

/// The methods of what has come.
fn told(open: &Open) -> Vec<String> {
    let methods = messages(&open.text).into_iter().filter_map(|message| {
        let uri = message.pointer("/params/uri").and_then(Value::as_str).unwrap_or_default();
        let method = message["method"].as_str()?.strip_prefix("notifications/")?.to_owned();
        Some(format!("{method} {uri}").trim_end().to_owned())
    });
    methods.collect()
}

/// A stream of each kind: of a subscription, and of a session.
async fn streams(world: &World, subject: &str) -> [Open; 2] {
    let mut caller = world.caller(subject, "A");
    let mut listening = Open::new(caller.request("subscriptions/listen", listening())).await;
    listening.until("subscriptions/acknowledged").await;
    caller.initialize().await;
    [listening, Open::new(caller.get()).await]
}

#[tokio::test]
async fn a_caller_has_so_many_streams_and_all_together_have() {
    let world = World::start_with(document(), |guard| guard.max_streams(2, 3)).await;
    let of_alice = streams(&world, "alice").await;
    let ask = async |subject: &str, client: &str| {
        let caller = world.with(Some(world.token(subject, "A", client)));
        let request = caller.request("subscriptions/listen", listening());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response)
    };
    // Also through another client.
    for client in ["testkit", "other"] {
        let (status, refused) = ask("alice", client).await;
        assert_eq!(status, 429);
        assert_eq!(refused.headers()["retry-after"], "5");
        let text = refused.text().await.unwrap();
        assert!(text.contains("the limit on open streams is reached for this caller"), "{text}");
    }
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    assert_eq!(alice.send(alice.get()).await.status.as_u16(), 429);
    assert!(alice.call("tools/list", json!({})).await.is_result(), "the rest goes on");

    let (status, _of_bob) = ask("bob", "testkit").await;
    assert_eq!(status, 200);
    let (status, refused) = ask("bob", "testkit").await;
    assert_eq!(status, 429);
    assert!(refused.text().await.unwrap().contains("all callers together"));
    drop(of_alice);
    let start = std::time::Instant::now();
    while ask("carol", "testkit").await.0 != 200 {
        assert!(start.elapsed() < Duration::from_secs(20), "a stream that ended is still counted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_stream_ends_within_a_second() {
    type Cause = (&'static str, fn(&World));
    let causes: [Cause; 7] = [
        ("the token expires", |world| world.clock.advance(Duration::from_secs(3600 + 30))),
        ("the user is disabled", |world| {
            world.users.disabled.lock().unwrap().insert("alice".into());
        }),
        ("a role is lost that the stream needs", |world| {
            world.users.roles.lock().unwrap().clear();
        }),
        ("another policy is put in force, which needs more", |world| {
            let mut document = document();
            document["resources"]["doc://a"] = json!("B");
            document["methods"] = json!({ "session/stream": "B" });
            world.rules.replace(Rules::new(policy(document))).unwrap();
        }),
        ("another guard takes the place of this one", |world| world.rules.retire()),
        ("users cannot be looked up", |world| *world.users.unavailable.lock().unwrap() = true),
        ("the clock is before the token's time", |world| world.clock.set(testkit::NOW - 3600)),
    ];
    for (cause, happen) in causes {
        let world = World::start().await;
        let [mut listening, mut session] = streams(&world, "alice").await;
        assert_eq!(listening.ends_within(Duration::from_millis(1200)).await, None, "too early");
        happen(&world);
        let (one, other) = tokio::join!(
            listening.ends_within(5 * SECOND),
            session.ends_within(if cause.contains("role") { 2 * SECOND } else { 5 * SECOND })
        );
        let one = one.unwrap_or_else(|| panic!("{cause}: it goes on"));
        assert!(one < SECOND, "{cause}: {one:?}");
        // A session's stream needs no scope: it goes on, and shows what may be seen.
        if !cause.contains("role") {
            let other = other.unwrap_or_else(|| panic!("{cause}: the session goes on"));
            assert!(other < SECOND, "{cause}: {other:?}");
        }
    }
}

#[tokio::test]
async fn a_revoked_token_ends_its_own_streams_and_no_others() {
    let world = World::start().await;
    let key = testkit::TestKey::shared(auth_core::Algorithm::Hs256);
    let caller = world.with(Some(forge("alice", "A").claim("jti", "lost").sign(key)));
    let mut lost = Open::new(caller.request("subscriptions/listen", listening())).await;
    let [mut kept, _session] = streams(&world, "alice").await;
    world.users.revoked.lock().unwrap().insert("lost".into());
    assert!(lost.ends_within(5 * SECOND).await.unwrap() < SECOND);
    assert_eq!(kept.ends_within(SECOND).await, None);
}

#[tokio::test]
async fn a_stream_that_ended_says_nothing_any_more() {
    let world = World::start().await;
    let [mut listening, _session] = streams(&world, "alice").await;
    world.users.disabled.lock().unwrap().insert("alice".into());
    listening.ends_within(5 * SECOND).await.unwrap();
    let _ = world.news.send(News::Resource("doc://a"));
    assert!(!told(&listening).iter().any(|line| line.contains("updated")));
}

#[tokio::test]
async fn each_kind_of_news_needs_what_looking_needs() {
    let world = World::start().await;
    let reader = world.caller("alice", "A");
    let ask = |uris: &[&str]| json!({ "notifications": { "resourceSubscriptions": uris } });
    let answer = reader.call("subscriptions/listen", ask(&["doc://a", "doc://b"])).await;
    assert_eq!(answer.status, 403);
    assert!(answer.challenge().unwrap().contains(r#"scope="A B""#), "{:?}", answer.challenge());
    let answer = reader.call("subscriptions/listen", ask(&["doc://unheard"])).await;
    assert_eq!((answer.status.as_u16(), answer.challenge()), (403, None));
    let answer = reader
        .call("subscriptions/listen", json!({ "notifications": { "somethingNew": true } }))
        .await;
    assert_eq!((answer.status.as_u16(), answer.challenge()), (403, None));
    let mut open = Open::new(reader.request("subscriptions/listen", ask(&["doc://a"]))).await;
    open.until("subscriptions/acknowledged").await;
}

#[tokio::test]
async fn news_reach_those_who_may_see_the_thing() {
    let world = World::start().await;
    let [mut listening, _session] = streams(&world, "alice").await;
    for news in [News::Tools, News::Prompts, News::Resources, News::Resource("doc://a")] {
        world.news.send(news).unwrap();
    }
    listening.until("resources/updated").await;
    let told = told(&listening);
    assert_eq!(
        told,
        [
            "subscriptions/acknowledged",
            "tools/list_changed",
            "prompts/list_changed",
            "resources/list_changed",
            "resources/updated doc://a"
        ]
    );
}

#[tokio::test]
async fn a_server_that_tells_a_session_too_much_is_not_heard() {
    let world = World::start().await;
    let mut reader = world.caller("alice", "A");
    reader.initialize().await;
    let mut stream = Open::new(reader.get()).await;
    let answer = reader.call_legacy("tools/call", json!({ "name": "touch" })).await;
    assert!(answer.is_result(), "{}", answer.text);
    // The news come on one stream or the other: of doc://a and of the prompts, and not of doc://b.
    stream.ends_within(Duration::from_millis(300)).await;
    let all = format!("{}{}", answer.text, stream.text);
    assert!(all.contains("doc://a") && all.contains("prompts/list_changed"), "{all}");
    assert!(!all.contains("doc://b"), "{all}");
}

#[tokio::test]
async fn a_role_that_comes_or_goes_counts_for_what_is_told() {
    let world = World::start().await;
    let mut both = world.caller("alice", "All");
    both.initialize().await;
    let mut stream = Open::new(both.get()).await;
    world.users.roles.lock().unwrap().remove("b");
    assert_eq!(stream.ends_within(SECOND).await, None);
    let answer = both.call_legacy("tools/call", json!({ "name": "touch" })).await;
    stream.ends_within(Duration::from_millis(300)).await;
    let all = format!("{}{}", answer.text, stream.text);
    assert!(all.contains("doc://a") && !all.contains("doc://b"), "{all}");
}

#[tokio::test]
async fn a_stream_is_taken_up_again_by_those_who_may_still_do_what_it_was_for() {
    let world = World::start().await;
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    let call =
        json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "slow" } });
    let mut open = Open::new(alice.post(&call)).await;
    open.until("id: ").await;
    let id = open.text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(open);

    let resume =
        |caller: &crate::world::Caller<'_>| caller.get().header("last-event-id", id.clone());
    let mut narrow = world.caller("alice", "B");
    narrow.session.clone_from(&alice.session);
    let answer = narrow.send(resume(&narrow)).await;
    assert_eq!(answer.status, 403);
    assert!(answer.challenge().unwrap().contains(r#"scope="A B""#), "{:?}", answer.challenge());

    let mut again = Open::new(resume(&alice)).await;
    again.until("after a while").await;
    // Its events can be gone on from again, for the same price.
    let later = again.text.lines().rfind(|line| line.starts_with("id: ")).unwrap()[4..].to_owned();
    let answer = narrow.send(narrow.get().header("last-event-id", later)).await;
    assert_eq!(answer.status, 403);

    world.users.roles.lock().unwrap().clear();
    assert_eq!(alice.send(resume(&alice)).await.status, 403);
}

#[tokio::test]
async fn a_stream_that_was_taken_up_ends_when_a_role_goes_that_it_was_for() {
    let world = World::start().await;
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    let call =
        json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "slow" } });
    let mut open = Open::new(alice.post(&call)).await;
    open.until("id: ").await;
    let id = open.text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(open);
    let mut again = Open::new(alice.get().header("last-event-id", id)).await;
    world.users.roles.lock().unwrap().clear();
    let end = again.ends_within(5 * SECOND).await.unwrap();
    assert!(end < SECOND, "{end:?}");
    assert!(!again.text.contains("after a while"), "{}", again.text);
}
