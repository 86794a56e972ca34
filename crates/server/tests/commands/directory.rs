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
        &["tokens", "revoke", "an-id", "--until", "1d"],
    ] {
        let said = world.run(&[command, &["--database-url", url]].concat()).expect(4);
        said.has(&["there is no directory of users at", "elsewhere/users.db", "server init"]);
        assert!(!world.path("elsewhere").exists(), "{command:?}");
    }
    world.run(&["users", "add", "carol", "--database-url", url]).expect(0);
    world.run(&["users", "list", "--database-url", url]).expect(0).has(&["carol"]);
}
