//! The directory of users where there is none.

use crate::world::World;

#[test]
fn commands_that_only_read_or_change_make_no_directory() {
    let world = World::new();
    let url = "sqlite://elsewhere/users.db";
    for command in [
        &["users", "list"][..],
        &["users", "disable", "alice"],
        &["clients", "list"],
        &["grants", "list"],
        &["tokens", "revoke", "5yPq0Zr1Q2mXn8sV3kWbTA", "--until", "1d"],
    ] {
        let said = world.run(&[command, &["--database-url", url]].concat()).expect(4);
        said.has(&["there is no directory of users at", "elsewhere/users.db", "server init"]);
        assert!(!world.path("elsewhere").exists(), "{command:?}");
    }
    world.run(&["users", "add", "carol", "--database-url", url]).expect(0);
    world.run(&["users", "list", "--database-url", url]).expect(0).has(&["carol"]);
}

#[test]
fn a_user_is_shown_with_what_its_roles_hold_and_with_its_last_change() {
    let world = World::new();
    world.run(&["users", "show", "bob"]).expect(0).has(&["Scopes     User.Read User.Write\n"]);
    let show = ["users", "show", "alice"];
    let shown = world.run(&show).expect(0).out;
    assert!(shown.contains("\nScopes     ") && shown.contains("Admin.Write"), "{shown}");
    world.run(&["users", "grant", "alice", "guest", "--until", "2099-01-01T00:00:00Z"]).expect(0);
    let changed = world.run(&show).expect(0).out;
    let line = changed.lines().find(|line| line.starts_with("Changed ")).unwrap();
    assert!(line.ends_with(": grant guest until 2099-01-01T00:00:00Z"), "{line}");
    let json = world.json(&show);
    assert_eq!(json["last_change"]["what"], "grant");
    assert_eq!(json["scopes"], "Admin.Read Admin.Write User.Read User.Write");
    // Of another policy, and of roles that have ended.
    let policy = "scopes = { Walk = \"Walk\" }\nroles = { user = [\"Walk\"] }\n";
    std::fs::write(world.path("walk.toml"), policy).unwrap();
    let said = world.run(&["users", "show", "bob", "--policy", "walk.toml"]).expect(0);
    said.has(&["Scopes     Walk\n"]);
    let user = r#"{"user":{"issuer":"http://localhost:8000","subject":"dave","display_name":"Dave","status":"active","roles":["user"],"role_expiry":{"user":1},"created_at":0}}"#;
    std::fs::write(world.path("users.jsonl"), format!("{user}\n")).unwrap();
    world.run(&["users", "import", "users.jsonl"]).expect(0);
    world.run(&["users", "show", "dave"]).expect(0).has(&["Scopes     -\n"]);
}
