//! Keys take turns while calls are made: none is refused, and the server is not started anew.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::world::World;

/// How long the new key waits: longer than the server needs to look at its file.
const CACHE: &str = "4s";

#[test]
fn keys_take_turns_under_load_and_no_call_is_refused() {
    let world = World::empty();
    world.run("server", &["init"]).expect_code(0);
    let rotate = ["rotate", "keys", "--cache", CACHE, "--max-ttl", "1m"];
    world.run("mint-token", &rotate).expect_code(0).expect_out(&["Plan for keys", "Done"]);
    let key_file = world.path("keys/jwks.json");
    let server = world.start(&[], &[("JWT_KEY_FILE", key_file.to_str().unwrap())]);

    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (refused, heads) = (Mutex::new(Vec::new()), Mutex::new(std::collections::BTreeSet::new()));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let minted = world.run("mint-token", &["--key", "keys", "--ttl", "30s"]);
                    let token = minted.expect_code(0).out.trim().to_owned();
                    heads.lock().unwrap().insert(token.split('.').next().unwrap().to_owned());
                    let url = ["--url", server.url.as_str()];
                    let said = world.run_with("client", &url, &[("MCP_TOKEN", &token)]);
                    calls.fetch_add(1, Ordering::Relaxed);
                    if said.code != Some(0) {
                        refused.lock().unwrap().push(said.err);
                    }
                }
            });
        }
        for _ in 0..2 {
            thread::sleep(Duration::from_secs(2));
            world.run("mint-token", &rotate).expect_code(0);
            thread::sleep(Duration::from_secs(5));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let refused = refused.into_inner().unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    let (calls, heads) = (calls.into_inner(), heads.into_inner().unwrap());
    assert_eq!(heads.len(), 3, "three keys signed in turn");
    assert!(calls >= 20, "{calls} calls are no load");
    server.log_with("were read again");
}

#[test]
fn the_server_accepts_what_its_own_keys_sign_and_follows_their_rotation() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    let mint = ["--save", "--key", "data/keys"];
    // A token of the secret, and one of the first key, at the same server.
    world.client(&server, &[]).expect_code(0);
    world.run("mint-token", &mint).expect_code(0).expect_err(&["ES256"]);
    world.client(&server, &[]).expect_code(0);
    let rotate = ["rotate", "data/keys", "--cache", "1s", "--max-ttl", "1h"];
    world.run("mint-token", &rotate).expect_code(0).expect_out(&["(ES256)", "Done"]);
    server.log_with("were read again");
    thread::sleep(Duration::from_secs(1));
    let before = std::fs::read_to_string(world.path(".env")).unwrap();
    world.run("mint-token", &mint).expect_code(0);
    assert_ne!(std::fs::read_to_string(world.path(".env")).unwrap(), before);
    world.client(&server, &[]).expect_code(0);
    world.run("mint-token", &["--save"]).expect_code(0);
    world.client(&server, &[]).expect_code(0);
}
