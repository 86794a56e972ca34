//! One record for each command that changed something.

use auth_core::audit::Entry;
use serde_json::json;

use crate::world::World;

const COMMANDS: &str = "audit-commands.jsonl";

#[test]
fn commands_that_change_something_are_recorded_and_no_others() {
    let world = World::new();
    for command in [
        &["users", "add", "carol", "--role", "user"][..],
        &["users", "grant", "carol", "admin", "--until", "1h"],
        &["users", "code", "carol"],
        &["users", "remove", "carol", "--yes"],
        &["tokens", "revoke", "5yPq0Zr1Q2mXn8sV3kWbTA", "--until", "1d"],
        &["tokens", "revoke", "--user", "alice"],
    ] {
        drop(world.run(command).expect(0));
    }
    for command in [
        &["users", "list"][..],
        &["users", "show", "alice"],
        &["users", "changes"],
        &["tokens", "list"],
        &["clients", "list"],
        &["grants", "list"],
        &["policy", "check"],
        &["audit", "verify"],
    ] {
        drop(world.run(command).expect(0));
    }
    // What failed has changed nothing.
    drop(world.run(&["users", "disable", "nobody"]).expect(5));
    let changes: Vec<_> = world
        .records(COMMANDS)
        .into_iter()
        .filter_map(|line| match line.entry {
            Entry::Change(change) => Some(*change),
            _ => None,
        })
        .collect();
    let texts: Vec<_> = changes
        .iter()
        .map(|it| [Some(&it.command), it.object.as_ref(), it.detail.as_ref()])
        .map(|it| it.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "))
        .collect();
    let wanted = [
        "init",
        "users add carol user",
        "users grant carol admin",
        "users code carol",
        "users remove carol",
        "tokens revoke 5yPq0Zr1Q2mXn8sV3kWbTA",
        "tokens revoke --user alice",
    ];
    assert_eq!(texts, wanted);
    assert!(changes.iter().all(|change| change.by.contains('@')));
    world.run(&["audit", "verify"]).expect(0).has(&["ok: audit-commands.jsonl"]);
}

#[tokio::test]
async fn changes_at_the_authorization_server_are_in_the_log_of_the_server() {
    let mut world = World::with(&[("SIGN_IN", "on")]);
    world.start();
    let body = json!({ "client_name": "New", "redirect_uris": ["http://127.0.0.1/callback"] });
    assert_eq!(world.post("/register", None, &body).await, 201);
    world.stop();
    let changes = world.records("audit.jsonl").into_iter().filter_map(|line| match line.entry {
        Entry::Change(change) => Some(*change),
        _ => None,
    });
    let [change] = <[_; 1]>::try_from(changes.collect::<Vec<_>>()).unwrap();
    assert_eq!((change.by.as_str(), change.command.as_str()), ("anyone", "client register"));
    assert_eq!(change.detail.as_deref(), Some("New"));
    let id = change.object.unwrap();
    drop(world.run(&["clients", "list", "--all"]).expect(0).has(&[&id]));
    let said = world.run(&["audit", "show", "--action", "client register"]).expect(0);
    drop(said.has(&["changed", &id]));
}

#[tokio::test]
async fn questions_about_tokens_are_recorded_without_the_tokens() {
    let mut world = World::new();
    world.start();
    let token = world.token("alice", "Admin.Read");
    let asked = world.token("bob", "User.Read");
    let params = json!({ "token": asked, "tool": "get_time" });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "admin/explain", "params": params });
    for (token, status) in [(&token, 200), (&asked, 403)] {
        assert_eq!(world.post("/admin/explain", Some(token), &body).await, status);
    }
    world.stop();
    let decisions = world.decisions();
    let found = decisions.iter().map(|it| {
        let text = |at: &str| it.pointer(at).and_then(|it| it.as_str()).unwrap_or_default();
        [text("/outcome"), text("/who/subject"), text("/what/method")].join(" ")
    });
    let wanted = ["permitted alice admin/explain", "denied bob admin/explain"];
    assert_eq!(found.collect::<Vec<_>>(), wanted);
    let log = std::fs::read_to_string(world.path("audit.jsonl")).unwrap();
    assert!(!log.contains(&asked) && !log.contains(&token));
}

#[tokio::test]
async fn a_user_who_is_added_at_its_first_use_is_recorded_once() {
    let provision = [("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "user")];
    let mut world = World::with(&provision);
    world.start();
    let token = world.token("dave", "User.Read");
    let (one, two) = tokio::join!(world.call(Some(&token)), world.call(Some(&token)));
    assert_eq!((one.as_u16(), two.as_u16()), (200, 200));
    world.stop();
    let changes = world.records("audit.jsonl").into_iter().filter_map(|line| match line.entry {
        Entry::Change(change) => Some(*change),
        _ => None,
    });
    let [change] = <[_; 1]>::try_from(changes.collect::<Vec<_>>()).unwrap();
    assert_eq!(change.by, "issuer http://localhost:8000");
    assert_eq!(change.command, "users add");
    assert_eq!(change.object.as_deref(), Some("dave"));
    assert_eq!(change.detail.as_deref(), Some("user"));
    let said = world.run(&["audit", "show", "--user", "dave", "--action", "users add"]);
    drop(said.expect(0).has(&["changed", "issuer http://localhost:8000"]));
}
