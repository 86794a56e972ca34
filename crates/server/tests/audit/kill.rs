//! A server that is killed while it writes.

use crate::world::{World, eventually};

/// How often it is killed.
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_verifies_after_each_kill_and_goes_on() {
    let mut world = World::with(&[("AUDIT_CHECKPOINT_RECORDS", "7")]);
    let token = world.token("bob", "User.Read");
    let mut answered = 0;
    for round in 0..KILLS {
        world.start();
        for _ in 0..=round {
            assert_eq!(world.call(Some(&token)).await, 200);
            answered += 1;
        }
        world.kill();
        // The end may not be complete, and nothing else is wrong.
        let said = world.run(&["audit", "verify", "audit.jsonl"]);
        if !said.err.is_empty() {
            drop(said.expect(10).has(&["is not complete"]));
        }
    }
    world.start();
    world.stop();
    drop(world.run(&["audit", "verify"]).expect(0));
    // A kill loses what was collected at that moment.
    let recorded = world.decisions().len();
    assert!(recorded > 0 && recorded <= answered, "{recorded} of {answered}");
}

#[tokio::test]
async fn a_decision_is_in_the_file_a_moment_after_the_answer() {
    let mut world = World::new();
    world.start();
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    eventually(|| world.decisions().len() == 1);
}
