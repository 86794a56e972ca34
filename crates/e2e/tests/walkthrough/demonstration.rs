//! Mint a token, start the server, call the tool; see it fail; the two ways out.

use std::fs;

use crate::world::World;

const NEEDS_ADMIN: &str = r#"get_time = "Admin.Write""#;
const NEEDS_USER: &str = r#"get_time = "User.Write""#;

#[test]
fn set_up_happens_once_and_asks_nothing() {
    let world = World::empty();
    let first = world.run("server", &["init"]).expect_code(0);
    assert!(first.out.contains("fresh secret") && first.out.contains("Alice"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for private in [".env", "data/directory.db"] {
            let mode = fs::metadata(world.path(private)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{private}");
        }
    }
    let made = fs::read_to_string(world.path(".env")).unwrap();
    let secret = made.lines().find_map(|line| line.strip_prefix("JWT_SECRET=")).unwrap();
    assert!(secret.len() >= 43 && !secret.contains('<'));

    let again = world.run("server", &["init"]).expect_code(0);
    assert_eq!(again.out, "");
    assert_eq!(fs::read_to_string(world.path(".env")).unwrap(), made);

    let minted = world.run("mint-token", &["--save"]).expect_code(0);
    let saved = fs::read_to_string(world.path(".env")).unwrap();
    let token = saved.lines().find_map(|line| line.strip_prefix("MCP_TOKEN=")).unwrap();
    assert_eq!(minted.out, format!("{token}\n"));
    assert!(!minted.err.contains(token), "the token is on standard output alone");
    let without = |text: &str| -> Vec<String> {
        let other = |line: &&str| !line.contains("MCP_TOKEN=");
        text.lines().filter(other).map(str::to_owned).collect()
    };
    assert_eq!(without(&saved), without(&made), "nothing but the token has changed");

    // A directory of an earlier version keeps its users, and tokens are minted for its first one.
    let former = World::empty();
    former.run("server", &["init"]).expect_code(0);
    former.run("server", &["users", "remove", "--yes", "alice"]).expect_code(0);
    let add = ["users", "add", "user-userson", "--name", "User Userson", "--role", "admin"];
    former.run("server", &add).expect_code(0);
    former.run("server", &["init"]).expect_code(0).expect_out(&["minted for user-userson"]);
    former.run("mint-token", &["--save"]).expect_code(0).expect_err(&["for user-userson at"]);
    assert_eq!(former.run("server", &["init"]).expect_code(0).out, "");
    let server = former.start(&[], &[]);
    former.client(&server, &[]).expect_code(0);
    drop(server);

    let another = World::empty();
    another.run("server", &["init"]).expect_code(0);
    assert!(!fs::read_to_string(another.path(".env")).unwrap().contains(secret));
}

#[test]
fn the_client_gets_the_time_and_the_server_says_each_step() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    let said = world.client(&server, &[]).expect_code(0);
    let value = |name: &str| {
        let line = said.out.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim().to_owned()
    };
    let rfc3339 = value("current_time");
    assert!(rfc3339.len() >= 25 && rfc3339.as_bytes()[10] == b'T', "{rfc3339}");
    assert!(value("timestamp").parse::<f64>().unwrap() > 1.7e9);
    assert_eq!(value("formatted").len(), "2026-01-02 03:04:05".len());
    assert!(!value("timezone").is_empty());
    assert_eq!(said.err, "");

    let log = server.log_with("User has required scope, proceeding...");
    for step in ["Valid token, proceeding...", "User exists, proceeding..."] {
        assert!(log.contains(step), "{log}");
    }

    let json = world.client(&server, &["--output", "json"]).expect_code(0).out;
    let result: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(result["isError"], false);
    let text = result["content"][0]["text"].as_str().unwrap();
    let text: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(text, result["structuredContent"]);

    let tools = world.client(&server, &["tools"]).expect_code(0).out;
    assert!(tools.contains("get_time") && tools.contains("whoami"), "{tools}");
    let me = world.client(&server, &["call", "whoami"]).expect_code(0).out;
    assert!(me.contains("Alice"), "{me}");
}

#[test]
fn the_other_verbs_of_the_client_meet_the_same_server() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    let run = |args: &[&str]| world.client(&server, args).expect_code(0).out;

    let info = run(&["info"]);
    assert!(info.contains("2026-07-28") && info.contains("Alice"), "{info}");
    assert!(run(&["resources"]).contains("server://info"));
    let read = run(&["read", "server://info", "--output", "json"]);
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["contents"][0]["uri"], "server://info");
    assert!(run(&["ping"]).starts_with("answered in "));
    assert!(run(&["call", "whoami", "--help"]).contains("client call whoami"));
    let unknown = ["call", "nope", "--help"];
    world.client(&server, &unknown).expect_code(2).expect_err(&["lists no tool `nope`"]);
    // Nobody knows the secrets of a resource that is not there.
    world.client(&server, &["read", "server://secrets"]).expect_code(5).expect_err(&["reading"]);

    let anonymous = ["--env-file", "none", "info"];
    fs::write(world.path("none"), "").unwrap();
    world.client(&server, &anonymous).expect_code(4);
}

#[test]
fn a_changed_rule_is_seen_to_fail_and_there_are_two_ways_out() {
    let world = World::ready();
    let policy = world.run("server", &["policy", "show"]).expect_code(0).out;
    assert!(policy.contains(NEEDS_ADMIN));
    fs::write(world.path("policy.toml"), policy.replace(NEEDS_ADMIN, NEEDS_USER)).unwrap();

    let server = world.start(&[], &[("POLICY_FILE", "policy.toml")]);
    world.client(&server, &[]).expect_code(5).expect_err(&[
        "needs a scope that the token does not have",
        "User.Write",
        "Admin.Write User.Read",
        "mint-token --save --scope",
    ]);
    let log = server.log_with("-> Missing required scope!");
    let last = log.lines().rev().take(3).collect::<Vec<_>>();
    assert!(last[0].contains("-> Missing required scope!"), "{log}");
    assert!(last[1].contains("User exists, proceeding..."), "{log}");
    assert!(last[2].contains("Valid token, proceeding..."), "{log}");

    // One way out: a token that has the scope.
    world.run("mint-token", &["--save", "--scope", "User.Read User.Write"]).expect_code(0);
    world.client(&server, &[]).expect_code(0);
    drop(server);

    // The other: the rule as it was.
    world.run("mint-token", &["--save"]).expect_code(0);
    fs::write(world.path("policy.toml"), policy).unwrap();
    let server = world.start(&["--policy", "policy.toml"], &[]);
    world.client(&server, &[]).expect_code(0);
}

#[test]
fn each_cause_has_its_words_and_its_exit_code() {
    let world = World::ready();
    let nowhere = ["--url", "http://127.0.0.1:1/mcp"];
    world.run("client", &nowhere).expect_code(3).expect_err(&["cannot reach", "/server`"]);

    let server = world.start(&[], &[]);
    let with_token = |token: &str| {
        let args = ["--url", server.url.as_str()];
        world.run_with("client", &args, &[("MCP_TOKEN", token)])
    };
    let refused = with_token("not-a-token").expect_code(4);
    let refused = refused.expect_err(&["refuses the token", "mint-token --save`"]);
    let log = server.log_with("-> Invalid token!");
    assert!(log.contains("reason=not a signed JWT"), "{log}");
    let id = refused.err.lines().find_map(|line| line.strip_prefix("  request  "));
    let id = id.unwrap_or_else(|| panic!("no request in:\n{}", refused.err));
    let log = server.log_with(id);
    let line = log.lines().find(|line| line.contains(id)).unwrap();
    assert!(line.contains("-> Invalid token!"), "{line}");
    assert!(line.contains("address=127.0.0.1") || line.contains("address=::1"), "{line}");

    let mint = |args: &[&str]| world.run("mint-token", args).expect_code(0).out.trim().to_owned();
    with_token(&mint(&["--aud", "https://other.example/mcp"])).expect_code(4);
    server.log_with("aud does not name this resource");
    with_token(&mint(&["--iss", "https://other.example"])).expect_code(4);
    server.log_with("iss is not a trusted issuer");
    with_token(&mint(&["--sub", "nobody"]))
        .expect_code(5)
        .expect_err(&["you are nobody of http://localhost:8000", "server users add nobody"]);
    server.log_with("-> User does not exist!");

    fs::write(world.path("no-token.env"), "").unwrap();
    let anonymous = ["--env-file", "no-token.env"];
    world
        .client(&server, &anonymous)
        .expect_code(4)
        .expect_err(&["none is set", "mint-token --save`"]);
    server.log_with("-> Missing Authorization header!");
}

#[test]
fn what_is_given_to_init_is_in_the_file_that_it_makes() {
    let world = World::empty();
    let flags = ["--bind", "127.0.0.1:0", "--resource", "http://localhost:9/mcp"];
    let init = [&["init", "--issuer", "http://localhost:9"], &flags[..]].concat();
    world
        .run("server", &init)
        .expect_code(0)
        .expect_out(&["Made .env with a fresh secret, BIND_ADDR, MCP_RESOURCE, JWT_ISSUER\n"]);
    let file = fs::read_to_string(world.path(".env")).unwrap();
    for line in ["BIND_ADDR=127.0.0.1:0", "MCP_RESOURCE=http://localhost:9/mcp"] {
        assert!(file.lines().any(|it| it == line), "{line} is not in:\n{file}");
    }
    // What is there already is not worth a word, and what is not is not written.
    let again = world.run("server", &init).expect_code(0);
    assert!(!again.out.contains("not changed"), "{}", again.out);
    let other = ["init", "--bind", "127.0.0.1:1"];
    world.run("server", &other).expect_code(0).expect_out(&["not changed: set BIND_ADDR there"]);
    assert_eq!(fs::read_to_string(world.path(".env")).unwrap(), file);
    let world = World::empty();
    for (flag, value) in [("--resource", "x"), ("--issuer", "a b"), ("--bind", "a #b")] {
        world.run("server", &["init", flag, value]).expect_code(2).expect_err(&[value]);
        assert!(!world.path(".env").exists(), "{flag}");
    }
}
