//! What an operator does: look after users, read the log, stop the server.

use crate::world::World;

#[test]
fn users_are_looked_after_while_the_server_runs() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    let users = |args: &[&str]| world.run("server", &[&["users"], args].concat());

    let table = users(&["list"]).expect_code(0).out;
    assert!(table.starts_with("SUBJECT         NAME            STATUS  ROLES"), "{table}");
    assert!(table.contains("user-userson    User Userson    active  admin"), "{table}");

    world.client(&server, &[]).expect_code(0);
    users(&["disable", "user-userson"]).expect_code(0);
    world.client(&server, &[]).expect_code(5);
    server.log_with("-> User is disabled!");
    users(&["enable", "user-userson"]).expect_code(0);
    world.client(&server, &[]).expect_code(0);

    users(&["revoke-role", "user-userson", "admin"]).expect_code(0);
    users(&["grant", "user-userson", "user"]).expect_code(0);
    world.client(&server, &[]).expect_code(5).expect_err(&["roles do not allow it"]);
    users(&["grant", "user-userson", "admin"]).expect_code(0);
    world.client(&server, &[]).expect_code(0);

    users(&["add", "carol", "--name", "Carol", "--role", "guest"]).expect_code(0);
    users(&["add", "carol"]).expect_code(5).expect_err(&["already"]);
    users(&["add", "dave", "--role", "king"]).expect_code(2).expect_err(&["admin, guest, user"]);
    let shown = users(&["show", "carol", "--output", "json"]).expect_code(0).out;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["display_name"], "Carol");
    assert_eq!(shown["roles"], serde_json::json!(["guest"]));
    users(&["remove", "carol"]).expect_code(2).expect_err(&["--yes"]);
    users(&["remove", "carol", "--yes"]).expect_code(0);
    for gone in [&["show", "carol"][..], &["disable", "carol"], &["remove", "carol", "--yes"]] {
        users(gone).expect_code(5).expect_err(&["no user \"carol\"", "server users list"]);
    }
}

#[test]
fn tokens_are_revoked_while_the_server_runs() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    world.client(&server, &[]).expect_code(0);
    let revoke = |args: &[&str]| world.run("server", &[&["tokens", "revoke"], args].concat());
    let token = world.run("mint-token", &[]).expect_code(0).out;
    let piped = ["tokens", "revoke", "-"];
    world.run_reading("server", &piped, &token).expect_code(0).expect_out(&["is revoked"]);
    let with = [("MCP_TOKEN", token.trim())];
    let url = ["--url", server.url.as_str()];
    world.run_with("client", &url, &with).expect_code(4).expect_err(&["refuses the token"]);
    world.client(&server, &[]).expect_code(0);
    world.run_reading("server", &piped, "nonsense").expect_code(2).expect_err(&["standard input"]);

    revoke(&["--user", "user-userson"]).expect_code(0).expect_out(&["user-userson"]);
    world.client(&server, &[]).expect_code(4).expect_err(&["refuses the token"]);
    server.log_with("reason=\"revoked\"");
    revoke(&["some-id"]).expect_code(0).expect_out(&["some-id", "is revoked"]);
    revoke(&["some-id"]).expect_code(0).expect_out(&["was revoked already"]);
    revoke(&["--user", "nobody"]).expect_code(5).expect_err(&["no user \"nobody\""]);
    revoke(&["a.b.c"]).expect_code(2).expect_err(&["looks like a token", "standard input"]);
    revoke(&[]).expect_code(2);
}

#[test]
fn the_log_is_json_when_it_is_asked_for() {
    let world = World::ready();
    let server = world.start(&[], &[("LOG_FORMAT", "json")]);
    world.client(&server, &[]).expect_code(0);
    let log = server.log_with("User has required scope, proceeding...");
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = events.iter().find(|event| event["action"] == "tools/call get_time").unwrap();
    assert_eq!(event["message"], "User has required scope, proceeding...");
    assert_eq!(event["subject"], "user-userson");
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
