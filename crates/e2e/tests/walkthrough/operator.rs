//! What an operator does: look after users, read the log, stop the server.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::world::World;

#[test]
fn users_are_looked_after_while_the_server_runs() {
    for world in World::each() {
        let server = world.start(&[], &[]);
        let users = |args: &[&str]| world.run("server", &[&["users"], args].concat());

        let table = users(&["list"]).expect_code(0).out;
        assert!(table.starts_with("SUBJECT  NAME   STATUS  ROLES"), "{table}");
        assert!(table.contains("alice    Alice  active  admin"), "{table}");

        world.client(&server, &[]).expect_code(0);
        let soon = "running servers follow within a second";
        users(&["disable", "alice"]).expect_code(0).expect_out(&[soon]);
        world.client_soon(&server, 5);
        server.log_with("-> User is disabled!");
        users(&["enable", "alice"]).expect_code(0);
        world.client_soon(&server, 0);

        users(&["revoke-role", "alice", "admin"]).expect_code(0).expect_out(&[soon]);
        users(&["grant", "alice", "user"]).expect_code(0);
        world.client_soon(&server, 5).expect_err(&["roles do not allow it"]);
        users(&["grant", "alice", "admin", "--until", "1h"]).expect_code(0);
        world.client_soon(&server, 0);

        users(&["add", "carol", "--name", "Carol", "--role", "guest"]).expect_code(0);
        users(&["add", "carol"]).expect_code(5).expect_err(&["already"]);
        users(&["add", "dave", "--role", "king"])
            .expect_code(2)
            .expect_err(&["admin, guest, user"]);
        let shown = users(&["show", "carol", "--output", "json"]).expect_code(0).out;
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["display_name"], "Carol");
        assert_eq!(shown["roles"], serde_json::json!(["guest"]));
        users(&["show", "carol"]).expect_code(0).expect_out(&[
            "User       carol\nName       Carol\nStatus     active\nRoles      guest\n",
        ]);
        users(&["remove", "carol"]).expect_code(2).expect_err(&["--yes"]);
        users(&["remove", "carol", "--yes"]).expect_code(0);
        for gone in [&["show", "carol"][..], &["disable", "carol"], &["remove", "carol", "--yes"]] {
            users(gone).expect_code(5).expect_err(&["no user \"carol\"", "server users list"]);
        }
        users(&["add", "carol"])
            .expect_code(0)
            .expect_out(&["a token is accepted if it is issued at 2"]);
        let said = users(&["add", "eve"]).expect_code(0);
        assert_eq!(said.out, "eve is added\n");
    }
}

#[test]
fn nothing_that_the_database_has_commands_a_terminal() {
    let world = World::ready();
    let risky = "a\u{2028}\u{202e}\u{200b}\u{e0041}";
    let subject = "eve\u{2028}\u{202e}\u{2066}";
    let server = |args: &[&str]| {
        let said = world.run("server", args);
        for text in [&said.out, &said.err] {
            let is_risky = |c| auth_core::display::is_risky(c) && c != '\n' && c != '\t';
            assert!(!text.contains(is_risky), "{args:?}: {text:?}");
        }
        said
    };
    server(&["users", "add", subject, "--name", risky]).expect_code(0);
    server(&["users", "add", subject]).expect_code(5);
    let elsewhere = "https://login.example";
    server(&["tokens", "revoke", subject, "--issuer", elsewhere]).expect_code(0);
    for args in [
        &["users", "list"][..],
        &["users", "show", subject],
        &["users", "changes"],
        &["users", "export"],
        &["users", "disable", subject],
        &["users", "show", "\u{202e}"],
        &["tokens", "list"],
        &["tokens", "revoke", "--user", subject],
    ] {
        server(args);
        if args != ["users", "export"] {
            server(&[args, &["--output", "json"]].concat());
        }
    }
    server(&["users", "list"])
        .expect_out(&["eve\\u{2028}\\u{202e}\\u{2066}", "a\\u{2028}\\u{202e}"]);
    let shown = server(&["users", "show", subject, "--output", "json"]).expect_code(0).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (shown["subject"].as_str(), shown["display_name"].as_str()),
        (Some(subject), Some(risky))
    );
}

#[test]
fn users_are_exported_and_imported_whole() {
    for world in World::each() {
        let server = |args: &[&str]| world.run("server", args);
        server(&["users", "grant", "alice", "guest", "--until", "1d"]).expect_code(0);
        server(&["tokens", "revoke", "5yPq0Zr1Q2mXn8sV3kWbTA", "--until", "1d"]).expect_code(0);
        server(&["tokens", "revoke", "--user", "bob"]).expect_code(0);
        server(&["users", "export", "all.jsonl"]).expect_code(0);
        server(&["users", "export", "all.jsonl"]).expect_code(2).expect_err(&["all.jsonl"]);
        let lines = std::fs::read_to_string(world.path("all.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), 3, "{lines}");

        let other = ["--database-url", "sqlite://other.db"];
        let there = |args: &[&str]| server(&[args, &other].concat());
        there(&["users", "import", "all.jsonl"])
            .expect_code(0)
            .expect_out(&["3 lines", "3 of 3 lines applied"]);
        there(&["users", "import", "all.jsonl"])
            .expect_code(0)
            .expect_out(&["0 of 3 lines applied"]);
        assert_eq!(there(&["users", "export"]).expect_code(0).out, lines);

        // A line that is wrong, or a user who differs, and nothing is imported.
        let carol = lines.lines().next().unwrap().replace("alice", "carol");
        let differs = lines.replace("Alice", "Other");
        for (tail, says) in [
            ("{\"user\":{}}", "line 2"),
            ("nonsense", "line 2"),
            (&*carol.replace("\"admin\"", "\"king\""), "no role \"king\""),
            (&*differs, "--overwrite"),
        ] {
            std::fs::write(world.path("bad.jsonl"), format!("{carol}\n{tail}")).unwrap();
            there(&["users", "import", "bad.jsonl"]).expect_code(2).expect_err(&[says]);
            assert_eq!(there(&["users", "export"]).out, lines);
        }
        std::fs::write(world.path("differs.jsonl"), &differs).unwrap();
        let overwrite = ["users", "import", "differs.jsonl", "--overwrite"];
        there(&overwrite).expect_code(2).expect_err(&["--yes"]);
        let said =
            there(&[&overwrite[..], &["--yes", "--output", "json"]].concat()).expect_code(0).out;
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said, serde_json::json!({ "lines": 3, "changed": 1 }));
        assert_eq!(there(&["users", "export"]).expect_code(0).out, differs);
        world.run_reading("server", &["users", "import", "-"], &differs).expect_code(2);
    }
}

#[test]
fn what_was_done_is_shown_with_who_and_when() {
    for world in World::each() {
        let server = |args: &[&str]| world.run("server", args);
        let json = |args: &[&str]| -> serde_json::Value {
            let args = [args, &["--output", "json"]].concat();
            serde_json::from_str(&server(&args).expect_code(0).out).unwrap()
        };
        let said = json(&["users", "disable", "alice"]);
        assert_eq!(
            (said["what"].as_str(), said["changed"].as_bool()),
            (Some("disable"), Some(true))
        );
        assert_eq!(json(&["users", "disable", "alice"])["changed"], false);
        json(&["tokens", "revoke", "5yPq0Zr1Q2mXn8sV3kWbTA"]);
        assert_eq!(json(&["tokens", "list"])[0]["token_id"], "5yPq0Zr1Q2mXn8sV3kWbTA");
        server(&["tokens", "list"]).expect_code(0).expect_out(&[
            "REMEMBERED",
            "5yPq0Zr1Q2mXn8sV3kWbTA",
            "forever",
        ]);
        let changes = json(&["users", "changes"]);
        let words: Vec<_> =
            changes.as_array().unwrap().iter().map(|it| it["what"].clone()).collect();
        assert_eq!(words, ["revoke-token", "disable", "add", "add"]);
        assert!(changes[0]["who"].as_str().unwrap().contains('@'), "{changes}");
        assert_eq!(changes[2]["who"], "server init");
        assert_eq!(json(&["users", "changes", "--limit", "1"]).as_array().unwrap().len(), 1);
        let table = server(&["users", "changes"]).expect_code(0).out;
        assert!(table.starts_with("WHEN") && table.contains("alice"), "{table}");
    }
}

#[test]
fn tokens_are_revoked_while_the_server_runs() {
    for world in World::each() {
        let server = world.start(&[], &[]);
        world.client(&server, &[]).expect_code(0);
        let revoke = |args: &[&str]| world.run("server", &[&["tokens", "revoke"], args].concat());
        let token = world.run("mint-token", &[]).expect_code(0).out;
        let piped = ["tokens", "revoke", "-"];
        world
            .run_reading("server", &piped, &token)
            .expect_code(0)
            .expect_out(&["is revoked; running servers follow within a second"]);
        let with = [("MCP_TOKEN", token.trim())];
        let url = ["--url", server.url.as_str()];
        let until = std::time::Instant::now() + Duration::from_secs(1);
        while world.run_with("client", &url, &with).code == Some(0) {
            assert!(std::time::Instant::now() < until, "a revoked token counts after a second");
        }
        world.run_with("client", &url, &with).expect_code(4).expect_err(&["refuses the token"]);
        world.client(&server, &[]).expect_code(0);
        world
            .run_reading("server", &piped, "nonsense")
            .expect_code(2)
            .expect_err(&["standard input"]);

        revoke(&["--user", "alice"])
            .expect_code(0)
            .expect_out(&["alice", "New tokens are accepted once this command has ended"]);
        let token = world.run("mint-token", &[]).expect_code(0).out;
        world.client_soon(&server, 4).expect_err(&["refuses the token"]);
        world.run_with("client", &url, &[("MCP_TOKEN", token.trim())]).expect_code(0);
        server.log_with("reason=\"revoked\"");
        revoke(&["some-id"]).expect_code(2).expect_err(&["has 22 characters"]);
        let id = "5yPq0Zr1Q2mXn8sV3kWbTA";
        revoke(&[id]).expect_code(0).expect_out(&[id, "is revoked"]);
        revoke(&[id]).expect_code(0).expect_out(&["was revoked already"]);
        revoke(&["--user", "nobody"]).expect_code(5).expect_err(&["no user \"nobody\""]);
        revoke(&["a.b.c"]).expect_code(2).expect_err(&["looks like a token", "standard input"]);
        revoke(&[]).expect_code(2);
    }
}

#[test]
fn the_log_is_json_when_it_is_asked_for() {
    let world = World::ready();
    let server = world.start(&[], &[("LOG_FORMAT", "json")]);
    world.client(&server, &[]).expect_code(0);
    let log = server.log_with("tools/call get_time");
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = events.iter().find(|event| event["action"] == "tools/call get_time").unwrap();
    assert_eq!(event["message"], "User has required scope, proceeding...");
    assert_eq!(event["subject"], "alice");
    assert_eq!(event["level"], "INFO");
    assert!(event["request_id"].is_string() && event["timestamp"].is_string());
}

#[test]
fn a_server_that_is_asked_to_stop_ends_well() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    world.client(&server, &[]).expect_code(0);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_policy_is_checked_without_a_server() {
    let world = World::empty();
    let said = world.run("server", &["policy", "check"]).expect_code(0);
    assert!(
        said.out.starts_with("ok: policy built in: 4 scopes, 3 roles, 3 rules"),
        "{}",
        said.out
    );
}

#[test]
fn as_many_connections_are_open_at_once_as_the_setting_says() {
    let world = World::ready();
    let answer = |address: &str, path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).unwrap();
        (String::from_utf8_lossy(&bytes[..length]).into_owned(), stream)
    };
    for setting in ["MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS"] {
        let server = world.start(&[], &[(setting, "1")]);
        let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp");
        let (first, held) = answer(address, "/nothing");
        assert!(first.contains(" 404 "), "{setting}: {first}");
        let (second, _) = answer(address, "/nothing");
        assert!(second.contains(" 503 ") && second.contains("retry-after"), "{setting}: {second}");
        assert!(answer(address, "/healthz").0.contains(" 200 "), "{setting}");
        drop(held);
    }
}
