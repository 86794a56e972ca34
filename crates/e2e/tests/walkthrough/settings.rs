//! The settings of a running server, read again: issuers, bounds, and the servers behind the
//! gateway.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::world::{Running, World};

const IN_FORCE: &str = "and in force: the settings";
const REFUSED: &str = "Read again, and refused, so that the old one stays in force: the settings";
const OTHER: &str = "https://other.example";
const NOTES: &str = include_str!("../../../server/tests/commands/notes.sh");

/// Puts `text` into a file of `world` by a rename, as an operator should.
fn put(world: &World, name: &str, text: &str) {
    fs::write(world.path("new"), text).unwrap();
    fs::rename(world.path("new"), world.path(name)).unwrap();
}

/// How many lines of the log hold `text`.
fn count(server: &Running, text: &str) -> usize {
    server.log_with("").lines().filter(|line| line.contains(text)).count()
}

/// Waits until so many lines of the log hold `text`.
#[track_caller]
fn wait_for(server: &Running, text: &str, least: usize) {
    let until = Instant::now() + Duration::from_secs(20);
    while count(server, text) < least {
        assert!(Instant::now() < until, "{text:?} {least} times:\n{}", server.log_with(""));
        thread::sleep(Duration::from_millis(10));
    }
}

/// A world with a key of another issuer, a token that it signed, and a user who has it.
fn with_another_issuer() -> (World, String) {
    let world = World::ready();
    world.run("mint-token", &["keygen", "--alg", "EdDSA", "--out", "other.pem"]).expect_code(0);
    let mint = ["--key", "other.pem", "--issuer", OTHER, "--sub", "carol"];
    let scope = ["--scope", "User.Read Admin.Write"];
    let token = world.run("mint-token", &[&mint[..], &scope].concat()).expect_code(0).out;
    let add = ["users", "add", "--issuer", OTHER, "--name", "Carol", "--role", "admin", "carol"];
    world.run("server", &add).expect_code(0);
    (world, token.trim().to_owned())
}

fn section() -> String {
    section_of(OTHER)
}

fn section_of(issuer: &str) -> String {
    format!("[issuers.\"{issuer}\"]\nkeys = {{ file = \"other.pem\" }}\n")
}

#[test]
fn an_issuer_is_trusted_from_the_change_of_its_file_on_and_no_longer() {
    let (world, token) = with_another_issuer();
    let without = section_of("https://third.example");
    put(&world, "issuers.toml", &without);
    let env = [("ISSUERS_FILE", "issuers.toml")];
    let server = world.start(&[], &env);
    let carol = || {
        let url = ["--url", server.url.as_str()];
        world.run_with("client", &url, &[("MCP_TOKEN", token.as_str())]).code
    };
    assert_ne!(carol(), Some(0));
    // No call of others is dropped meanwhile.
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                world.client(&server, &[]).expect_code(0);
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
        for round in 1..=3 {
            put(&world, "issuers.toml", &section());
            server.hang_up();
            wait_for(&server, IN_FORCE, 2 * round - 1);
            assert_eq!(carol(), Some(0));
            put(&world, "issuers.toml", &without);
            wait_for(&server, IN_FORCE, 2 * round);
            assert_ne!(carol(), Some(0));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(calls.into_inner() > 3, "no load");

    // What cannot be used changes nothing, and is named.
    put(&world, "issuers.toml", &section().replace("keys", "kyes"));
    server.log_with(REFUSED);
    let (status, text) = server.ready();
    assert_eq!(status, 200);
    let refused = "a change of the settings is refused, as the server cannot be configured so";
    assert!(text.contains(refused) && text.contains("(callers are served)"), "{text}");
    world.client(&server, &[]).expect_code(0);
    put(&world, "issuers.toml", &section());
    wait_for(&server, IN_FORCE, 7);
    assert_eq!(server.ready(), (200, "ready\n".into()));
    assert_eq!(carol(), Some(0));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_configuration_file_is_read_again_but_for_what_needs_a_restart() {
    let (world, token) = with_another_issuer();
    let server = world.start(&[], &[]);
    let carol = || {
        let url = ["--url", server.url.as_str()];
        world.run_with("client", &url, &[("MCP_TOKEN", token.as_str())]).code
    };
    // A file that was not there at the start.
    put(&world, "bartizan.toml", &section());
    wait_for(&server, IN_FORCE, 1);
    assert_eq!(carol(), Some(0));
    // The policy is watched on, with the new settings.
    let fixed = format!("[limits]\nmax_connections = 7\n{}", section());
    put(&world, "bartizan.toml", &fixed);
    server.log_with("this takes effect with a restart: MAX_CONNECTIONS");
    let (_, text) = server.ready();
    assert!(text.contains("is refused, as it takes effect with a restart"), "{text}");
    put(&world, "bartizan.toml", &format!("{}[sign_in.work]\npreset = \"entra\"\n", section()));
    server.log_with("this takes effect with a restart: [sign_in]");
    put(&world, "bartizan.toml", "[limts]\n");
    server.log_with("unknown section: did you mean `limits`?");
    assert_eq!(carol(), Some(0));
    // A bound of bodies, and no other issuer any more.
    put(&world, "bartizan.toml", "[limits]\nmax_body_memory = 1\n");
    wait_for(&server, IN_FORCE, 2);
    assert_ne!(carol(), Some(0));
    world.client(&server, &[]).expect_code(0);
    assert_eq!(server.ready(), (200, "ready\n".into()));
}

/// A gateway's section for the server `name`, whose tools are those of `notes.sh`.
fn upstream(name: &str, shell: &str) -> String {
    format!(
        "[upstreams.{name}]\ncommand = [\"{shell}\", \"notes.sh\"]\npolicy = \"{name}.policy.toml\"\n"
    )
}

/// The process ids of the servers that a gateway has started from `folder`.
fn children(world: &World) -> Vec<u32> {
    let folder = fs::canonicalize(world.path(".")).unwrap();
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let is_there = fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == folder);
        is_there && String::from_utf8_lossy(&command).contains("notes.sh")
    })
    .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn servers_behind_the_gateway_come_and_go_and_those_that_stay_run_on() {
    let world = World::ready();
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    let tools = r#"[{"name":"get_note","inputSchema":{"type":"object"}}]"#;
    fs::write(world.path("tools.json"), tools).unwrap();
    let one = upstream("one", "sh");
    put(&world, "bartizan.toml", &one);
    world.run("server", &["upstreams", "accept", "one"]).expect_code(0);
    let server = world.start(&["gateway"], &[]);
    let call = |name: &str| {
        let url = server.url.replace("/mcp/one", &format!("/mcp/{name}"));
        let resource = format!("http://localhost:8000/mcp/{name}");
        let mint = ["--resource", &resource, "--scope", &format!("{name}:read")];
        let token = world.run("mint-token", &mint).expect_code(0).out;
        let call = ["--url", url.as_str(), "call", "get_note"];
        world.run_with("client", &call, &[("MCP_TOKEN", token.trim())])
    };
    call("one").expect_code(0);
    let first = children(&world);
    assert_eq!(first.len(), 1);

    // A server that no one has accepted is not served, and the others are.
    let both = format!("{one}{}", upstream("two", "sh"));
    put(&world, "bartizan.toml", &both);
    server.log_with(REFUSED);
    let (_, text) = server.ready();
    assert!(text.contains("is refused, as it is not accepted"), "{text}");
    assert_ne!(call("two").code, Some(0));
    call("one").expect_code(0);
    // As soon as it is accepted, it is there.
    world.run("server", &["upstreams", "accept", "two"]).expect_code(0);
    wait_for(&server, IN_FORCE, 1);
    call("two").expect_code(0);
    call("one").expect_code(0);
    let two: Vec<u32> = children(&world).into_iter().filter(|id| !first.contains(id)).collect();
    assert_eq!(two.len(), 1);
    assert!(children(&world).contains(&first[0]), "the first one was started anew");

    // One that is removed ends; one that is changed is started as it is now.
    put(&world, "bartizan.toml", &one.replace("\"sh\"", "\"/bin/sh\""));
    wait_for(&server, IN_FORCE, 2);
    assert_ne!(call("two").code, Some(0));
    call("one").expect_code(0);
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let left = children(&world);
        if left.len() == 1 && !two.contains(&left[0]) && !first.contains(&left[0]) {
            break;
        }
        assert!(Instant::now() < until, "{left:?}, was {first:?} and {two:?}");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_hundred_changes_of_the_settings_under_load_drop_no_call() {
    const CHANGES: usize = 100;
    let (world, _) = with_another_issuer();
    put(&world, "bartizan.toml", "");
    let server = world.start(&[], &[]);
    let token = world.run("mint-token", &["--scope", "Admin.Write"]).expect_code(0).out;
    let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(async {
                    let client = reqwest::Client::new();
                    while !stop.load(Ordering::Relaxed) {
                        assert_eq!(call(&client, &server.url, token.trim()).await, 200);
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            });
        }
        for change in 1..=CHANGES {
            let text = if change % 2 == 0 { String::new() } else { section() };
            put(&world, "bartizan.toml", &text);
            server.hang_up();
            wait_for(&server, IN_FORCE, change);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(calls.into_inner() > CHANGES, "no load");
    assert_eq!(server.ready(), (200, "ready\n".into()));
    assert_eq!(server.terminate(), Some(0));
}

/// The status of a call of `get_time` in the revision without sessions.
async fn call(client: &reqwest::Client, url: &str, token: &str) -> u16 {
    let version = "2026-07-28";
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_time","arguments":{{}},
        "_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}",
        "io.modelcontextprotocol/clientInfo":{{"name":"t","version":"1"}},
        "io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    let request = client.post(url).bearer_auth(token).body(body);
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", version),
        ("mcp-method", "tools/call"),
        ("mcp-name", "get_time"),
    ];
    let request = headers.into_iter().fold(request, |it, (name, value)| it.header(name, value));
    request.send().await.unwrap().status().as_u16()
}
