//! A server over stdio behind the gateway, called by the client.
#![cfg(unix)]

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::world::World;

/// A server over stdio whose tools are in a file.
const NOTES: &str = include_str!("../../../server/tests/commands/notes.sh");
const TOOLS: &str = r#"[{"name":"get_note","inputSchema":{"type":"object"}},
    {"name":"put_note","inputSchema":{"type":"object"}}]"#;
/// At the resource for which tokens are minted.
const SECTION: &str = "[upstreams.notes]\ncommand = [\"sh\", \"notes.sh\"]\npath = \"/mcp\"\n";

#[test]
fn a_server_in_any_language_is_behind_the_guard() {
    let world = World::ready();
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    fs::write(world.path("tools.json"), TOOLS.replace('\n', "")).unwrap();
    fs::write(world.path("bartizan.toml"), SECTION).unwrap();
    world.run("server", &["gateway"]).expect_code(2);
    world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);

    let server = world.start(&["gateway"], &[]);
    let save = |user: &str| {
        let scopes = ["--scope", "notes:read notes:write"];
        world.run("mint-token", &[&["--sub", user, "--save"][..], &scopes].concat());
    };
    save("alice");
    let said = world.client(&server, &["call", "put_note"]).expect_code(0);
    assert!(said.out.contains("noted"), "{}", said.out);
    save("bob");
    let said = world.client(&server, &["tools"]).expect_code(0);
    assert!(said.out.contains("get_note") && !said.out.contains("put_note"), "{}", said.out);
    world.client(&server, &["call", "get_note"]).expect_code(0);
    let said = world.client(&server, &["call", "put_note"]);
    assert!(said.code != Some(0) && said.err.contains("notes:write"), "{}", said.err);

    // A token for one tool, by its own policy; and why it may not call another one.
    world.run("mint-token", &["--for-tool", "notes/get_note", "--save"]).expect_code(0);
    world.client(&server, &["call", "get_note"]).expect_code(0);
    let said = world.run("mint-token", &["--for-tool", "notes/get_note"]).expect_code(0);
    fs::write(world.path("token.txt"), said.out.trim()).unwrap();
    let explain = |tool: &str, more: &[&str]| {
        world.run("mint-token", &[&["explain", "token.txt", "--tool", tool], more].concat())
    };
    explain("notes/get_note", &[]).expect_code(0);
    explain("notes/put_note", &[]).expect_code(4);
    // The running gateway says the same, and follows its policy when that changes.
    world.run("mint-token", &["--scope", "Admin.Read", "--save"]).expect_code(0);
    let ask = || explain("put_note", &["--url", server.url.as_str()]);
    ask().expect_code(4);
    let policy = fs::read_to_string(world.path("notes.policy.toml")).unwrap();
    let open = policy.replace("put_note = \"notes:write\"", "put_note = \"notes:read\"");
    assert_ne!(open, policy);
    fs::write(world.path("notes.policy.toml"), &open).unwrap();
    server.log_with("in force: the policy and lock file of notes");
    ask().expect_code(0);
    // Who may no longer hold the scope may not ask.
    let closed = open.replace(", \"Admin.Read\"]", "]");
    assert_ne!(closed, open);
    fs::write(world.path("notes.policy.toml"), closed).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while ask().code == Some(0) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    ask().expect_code(5).expect_err(&["403"]);

    // What changes is hidden and denied at once.
    let changed = TOOLS.replace("\"get_note\",", "\"get_note\",\"description\":\"x\",");
    fs::write(world.path("tools.json"), changed.replace('\n', "")).unwrap();
    save("alice");
    let said = world.client(&server, &["tools"]).expect_code(0);
    assert!(said.out.contains("put_note") && !said.out.contains("get_note"), "{}", said.out);
    assert_ne!(world.client(&server, &["call", "get_note"]).code, Some(0));
    server.log_with("A definition has changed since it was accepted");
}

/// The command that `hint` names, up to the end of its quotes or its line.
fn hinted<'a>(error: &'a str, program: &str) -> Vec<&'a str> {
    let hint = error.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
    let command = hint.split(&format!("{program} ")).nth(1).unwrap_or_else(|| panic!("{error}"));
    let (command, scopes) = match command.split_once(" --scope \"") {
        Some((command, scopes)) => (command, scopes.strip_suffix('"')),
        None => (command.split('`').next().unwrap(), None),
    };
    command.split(' ').chain(scopes.into_iter().flat_map(|it| ["--scope", it])).collect()
}

#[test]
fn hints_about_a_server_at_a_path_of_its_own_lead_to_it() {
    let world = World::ready();
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    fs::write(world.path("tools.json"), TOOLS.replace('\n', "")).unwrap();
    fs::write(world.path("bartizan.toml"), SECTION.replace("path = \"/mcp\"\n", "")).unwrap();
    world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);
    let server = world.start(&["gateway"], &[]);
    assert!(server.url.ends_with("/mcp/notes"), "{}", server.url);
    let put = || world.client(&server, &["call", "put_note"]);

    // The token of `.env` is for the demo: refused, and the hint gets one for this server.
    let said = put().expect_code(4);
    let args = hinted(&said.err, "mint-token");
    assert_eq!(args, ["--save", "--resource", "http://localhost:8000/mcp/notes"]);
    world.run("mint-token", &args).expect_code(0);
    // That one has not the scope, and the hint gets one that has.
    let said = put().expect_code(5);
    let args = hinted(&said.err, "mint-token");
    assert_eq!(args[..3], ["--save", "--resource", "http://localhost:8000/mcp/notes"]);
    world.run("mint-token", &args).expect_code(0);
    put().expect_code(0);
    // What is not there is listed by a command to this server.
    let said = world.client(&server, &["call", "nothing"]);
    assert_ne!(said.code, Some(0));
    let args = hinted(&said.err, "client");
    assert_eq!(args, ["tools", "--url", &server.url]);
    world.run("client", &args).expect_code(0);
}

#[test]
fn the_client_explains_what_a_token_may_do_at_a_server_behind_the_gateway() {
    let world = World::ready();
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    fs::write(world.path("tools.json"), TOOLS.replace('\n', "")).unwrap();
    fs::write(world.path("bartizan.toml"), SECTION).unwrap();
    let port = testkit::free_port().unwrap();
    let url = format!("http://localhost:{port}/mcp");
    let env = [("MCP_RESOURCE", url.as_str())];
    world.run_with("server", &["upstreams", "accept", "notes"], &env).expect_code(0);
    let server = world.start_at(&format!("127.0.0.1:{port}"), &["gateway"], &env);
    world.run_with("mint-token", &["--for-tool", "notes/get_note", "--save"], &env).expect_code(0);
    let explain = |tool| world.run("client", &["explain", "--url", &url, "--tool", tool]);
    explain("get_note").expect_code(0);
    explain("put_note").expect_code(5).expect_out(&["put_note", "notes:write"]);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn what_had_changed_and_is_as_before_is_served_again_once_it_is_accepted() {
    let world = World::ready();
    let offer = |tools: &str| {
        fs::write(world.path("tools.json"), tools.replace('\n', "")).unwrap();
    };
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    fs::write(world.path("bartizan.toml"), SECTION).unwrap();
    offer(TOOLS);
    world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);
    let server = world.start(&["gateway"], &[]);
    let ready = || {
        let url = server.url.replace("/mcp", "/readyz");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() })
    };
    let args = ["--sub", "alice", "--scope", "notes:read notes:write", "--save"];
    world.run("mint-token", &args).expect_code(0);
    let call = || world.client(&server, &["call", "get_note"]).code;
    assert_eq!(call(), Some(0));
    offer(&TOOLS.replace("\"get_note\",", "\"get_note\",\"description\":\"x\","));
    let said = world.client(&server, &["tools"]).expect_code(0);
    assert!(!said.out.contains("get_note"), "{}", said.out);
    offer(TOOLS);
    assert_ne!(call(), Some(0));
    world.run("server", &["upstreams", "status"]).expect_code(0).expect_out(&[
        "notes: as it was accepted",
        "A running gateway still hides definitions that it saw change",
        "upstreams accept NAME",
    ]);
    assert_ne!(call(), Some(0), "asking is not accepting");
    assert!(ready().contains("notes: 1 changed and 0 new definitions are hidden"), "{}", ready());
    let said = world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);
    said.expect_out(&["accepted 2 tools"]);
    let until = Instant::now() + Duration::from_secs(10);
    while call() != Some(0) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(call(), Some(0));
    assert_eq!(ready(), "ready\n");
}
