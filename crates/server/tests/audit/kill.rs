//! A server that is killed while it writes.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::task::JoinSet;

use crate::world::{World, eventually};

/// How often it is killed, and how many call it meanwhile.
const KILLS: usize = 100;
const CALLERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_verifies_after_each_kill_and_goes_on() {
    let mut world = World::with(&[("AUDIT_CHECKPOINT_RECORDS", "7")]);
    let token = world.token("bob", "User.Read");
    let answered = Arc::new(AtomicUsize::new(0));
    for round in 0..KILLS {
        world.start();
        let wanted = answered.load(Ordering::Relaxed) + round % 10;
        let is_killed = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let request = world.request("whoami", Some(&token));
            let (answered, is_killed) = (Arc::clone(&answered), Arc::clone(&is_killed));
            callers.spawn(async move {
                while !is_killed.load(Ordering::Relaxed) {
                    // A connection to the server before may be tried first.
                    if let Ok(response) = request.try_clone().unwrap().send().await {
                        assert_eq!(response.status(), 200);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        eventually(|| answered.load(Ordering::Relaxed) > wanted);
        world.kill();
        is_killed.store(true, Ordering::Relaxed);
        callers.join_all().await;
        // The end may not be complete, and nothing else is wrong.
        let said = world.run(&["audit", "verify", "audit.jsonl"]);
        if !said.err.is_empty() {
            drop(said.expect(10).has(&["is not complete"]));
        }
    }
    world.start();
    world.stop();
    drop(world.run(&["audit", "verify"]).expect(0));
    // A kill loses what was collected at that moment, and calls that were not answered are there.
    let recorded = world.decisions().len();
    assert!(recorded > 0 && recorded <= answered.load(Ordering::Relaxed) + KILLS * CALLERS);
}

#[tokio::test]
async fn a_decision_is_in_the_file_a_moment_after_the_answer() {
    let mut world = World::new();
    world.start();
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    eventually(|| world.decisions().len() == 1);
}

#[tokio::test]
async fn the_database_knows_the_log_of_a_server_that_was_killed() {
    let mut world = World::new();
    world.start();
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    // That of the commands, and that of the server.
    let known = "which the database knows";
    eventually(|| world.run(&["audit", "verify"]).out.matches(known).count() == 2);
    world.kill();
    fs::remove_file(world.path("audit.jsonl")).unwrap();
    drop(world.run(&["audit", "verify"]).expect(10).has(&["the log was cut off"]));
}
