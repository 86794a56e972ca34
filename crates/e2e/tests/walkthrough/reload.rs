//! Files that a running server reads again: on change, and when SIGHUP asks for it.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use crate::world::{Running, World};

/// A server whose policy is in a file, and the text of that policy. The caller may call both tools.
fn served() -> (World, Running, String) {
    let world = World::ready();
    let policy = world.run("server", &["policy", "show"]).expect_code(0).out;
    fs::write(world.path("policy.toml"), &policy).unwrap();
    let server = world.start(&["--policy", "policy.toml"], &[]);
    (world, server, policy)
}

fn edited(policy: &str, from: &str, to: &str) -> String {
    assert!(policy.contains(from), "{policy}");
    policy.replace(from, to)
}

/// How many lines of the log hold `text`.
fn count(server: &Running, text: &str) -> usize {
    server.log_with("").lines().filter(|line| line.contains(text)).count()
}

/// Waits until so many lines of the log hold `text`.
fn wait_for(server: &Running, text: &str, least: usize) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while count(server, text) < least {
        assert!(std::time::Instant::now() < until, "{}", server.log_with(""));
        thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_policy_is_read_again_under_load_and_no_call_is_dropped() {
    const IN_FORCE: &str = "and in force: the policy";
    let (world, server, policy) = served();
    let open = edited(&policy, "get_time = \"Admin.Write\"", "get_time = []");
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for tool in ["get_time", "whoami"] {
            let (world, server, stop, calls) = (&world, &server, &stop, &calls);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    world.client(server, &["call", tool]).expect_code(0);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for (number, text) in [&open, &policy, &open, &policy, &open].into_iter().enumerate() {
            let path = world.path("policy.toml");
            if number % 2 == 0 {
                fs::write(world.path("new.toml"), text).unwrap();
                fs::rename(world.path("new.toml"), path).unwrap();
                server.hang_up();
            } else {
                // In place, and no one says so.
                fs::write(path, text).unwrap();
            }
            wait_for(&server, IN_FORCE, number + 1);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(calls.into_inner() > 5, "no load");
    let log = server.log_with("The policy changes: + user gains tools/call get_time");
    assert!(log.contains("The policy changes: - user loses tools/call get_time"), "{log}");
    assert!(
        log.contains("~ tools/call get_time: needed Admin.Write; needs any signed-in user"),
        "{log}"
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_policy_that_cannot_be_used_keeps_the_old_one_in_force_and_is_named() {
    let (world, server, policy) = served();
    world.client(&server, &[]).expect_code(0);
    server.hang_up();
    server.log_with("Read again, and as before: the policy");
    let path = world.path("policy.toml");
    fs::write(&path, edited(&policy, "get_time = ", "other = ")).unwrap();
    server.hang_up();
    let log = server.log_with("Read again, and refused, so that the old one stays in force");
    assert!(log.contains("no rule for tools/call get_time"), "{log}");
    let (status, text) = server.ready();
    assert_eq!(status, 200);
    let reason =
        "a change of the policy is refused, as it has no rule for something that is offered";
    assert!(text.starts_with(&format!("ready\n{reason} since 2")), "{text}");
    assert!(text.ends_with("(callers are served)\n"), "{text}");
    world.client(&server, &[]).expect_code(0);
    // Asked once more, it says so once more.
    server.hang_up();
    wait_for(&server, "Read again, and refused", 2);

    fs::write(&path, edited(&policy, "get_time = \"Admin.Write\"", "get_time = \"Typo\"")).unwrap();
    server.log_with("the policy is invalid");
    let less =
        edited(&policy, "scopes = [\"Admin.Read\", \"Admin.Write\"]", "scopes = [\"Admin.Read\"]");
    fs::write(&path, less).unwrap();
    world.client_soon(&server, 5);
    assert_eq!(server.ready(), (200, "ready\n".into()));
    fs::write(&path, &policy).unwrap();
    world.client_soon(&server, 0);
}
