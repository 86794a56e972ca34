//! One record for each command that changed something.

use auth_core::audit::Entry;

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
        &["tokens", "revoke", "an-id", "--until", "1d"],
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
        "tokens revoke an-id",
        "tokens revoke --user alice",
    ];
    assert_eq!(texts, wanted);
    assert!(changes.iter().all(|change| change.by.contains('@')));
    world.run(&["audit", "verify"]).expect(0).has(&["ok: audit-commands.jsonl"]);
}
