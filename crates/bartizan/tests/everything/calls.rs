//! Calls under way of both generations of the protocol, with and without a session, have one bound.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{World, document};

#[tokio::test]
async fn calls_of_a_session_and_calls_without_one_have_one_bound() {
    let world = World::start_with(document(), |guard| guard.max_calls(1, 10)).await;
    let mut session = world.caller("alice", "A");
    session.initialize().await;
    let without = world.caller("alice", "A");
    let (slow, quick) = (json!({ "name": "slow" }), json!({ "name": "a" }));
    for is_slow_in_session in [true, false] {
        let first = async {
            if is_slow_in_session {
                session.call_legacy("tools/call", slow.clone()).await
            } else {
                without.call("tools/call", slow.clone()).await
            }
        };
        let refused = async {
            let begun = Instant::now();
            loop {
                let answer = if is_slow_in_session {
                    without.call("tools/call", quick.clone()).await
                } else {
                    session.call_legacy("tools/call", quick.clone()).await
                };
                if answer.status == 429 {
                    return answer;
                }
                assert!(begun.elapsed() < Duration::from_secs(20), "never refused");
            }
        };
        let (first, refused) = tokio::join!(first, refused);
        assert!(first.is_result(), "{}", first.text);
        assert_eq!(refused.message["id"], json!(1));
        assert_eq!(refused.message["error"]["data"]["error"], "too_many_calls");
        assert!(without.call("tools/call", quick.clone()).await.is_result(), "it has ended");
    }
}
