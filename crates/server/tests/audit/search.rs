//! What `audit show` and `audit export` find in the database is what they find in the files.

use tokio::task::JoinSet;

use crate::{
    database::{Database, records},
    world::{World, eventually},
};

/// A name of a tool that is longer than what a column has of it.
fn long(last: &str) -> String {
    format!("{}{last}", "t".repeat(300))
}

/// Records of every kind, more than are read at once.
async fn written(database: &Database) -> World {
    let provision = [("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "user")];
    let settings = [("AUDIT_CHECKPOINT_RECORDS", "50"), ("AUDIT_ROTATE_MIB", "1")];
    let mut world = database.world(&[&provision[..], &settings].concat());
    world.start();
    let (bob, dave) = (world.token("bob", "User.Read"), world.token("dave", "User.Read"));
    for (tool, token, status) in [
        ("whoami", Some(&dave), 200),
        ("whoami", None, 401),
        ("get_time", Some(&bob), 403),
        (&long("x"), Some(&bob), 403),
        (&long("y"), Some(&dave), 403),
        ("a tool", Some(&bob), 403),
    ] {
        assert_eq!(world.call_tool(tool, token.map(String::as_str)).await, status);
    }
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let request = world.request("whoami", Some(&bob));
        callers.spawn(async move {
            for _ in 0..100 {
                let answer = request.try_clone().unwrap().send().await.unwrap();
                assert_eq!(answer.status(), 200);
            }
        });
    }
    callers.join_all().await;
    drop(world.run(&["users", "disable", "alice"]).expect(0));
    drop(world.run(&["users", "grant", "bob", "admin"]).expect(0));
    world.stop();
    eventually(|| database.count() == records(&world));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_in_the_database_finds_what_a_search_in_the_files_finds() {
    let Some(database) = Database::start().await else { return };
    let world = written(&database).await;
    let (x, prefix) = (long("x"), "t".repeat(300));
    let both = format!("tools/call {x}");
    // The second in which the last record was written.
    let last = world.records("audit.jsonl").into_iter().next_back().unwrap().time.to_string();
    let last = format!("{}Z", &last[..19]);
    for (filter, least) in [
        (&[][..], 800),
        (&["--user", "bob"], 800),
        (&["--user", "alice"], 1),
        (&["--user", "dave"], 3),
        (&["--user", "nobody"], 0),
        (&["--action", "tools/call"], 800),
        (&["--action", "tools/call a tool"], 1),
        (&["--action", "a tool"], 1),
        (&["--action", &x], 1),
        (&["--action", &both], 1),
        (&["--action", &prefix], 0),
        (&["--action", "users grant"], 1),
        (&["--outcome", "denied"], 4),
        (&["--outcome", "refused"], 1),
        (&["--outcome", "changed"], 2),
        (&["--outcome", "started"], 2),
        (&["--outcome", "changed", "--user", "alice"], 1),
        (&["--outcome", "removed"], 0),
        (&["--outcome", "denied", "--user", "dave"], 1),
        (&["--outcome", "permitted", "--action", "whoami", "--user", "dave"], 1),
        (&["--since", "1h"], 800),
        (&["--since", &last], 0),
        (&["--until", &last], 0),
        (&["--until", "1h"], 0),
    ] {
        for (command, most) in [
            (&["audit", "show", "--output", "plain"][..], usize::MAX),
            (&["audit", "show", "--output", "json"], usize::MAX),
            (&["audit", "show", "--output", "plain", "--limit", "3"], 3),
            (&["audit", "show", "--output", "plain", "--limit", "700"], 700),
        ] {
            let args = [command, filter].concat();
            let of_files = world.run(&args).expect(0).out;
            let of_database = world.run(&[&args[..], &["--database"]].concat()).expect(0).out;
            assert_eq!(of_database, of_files, "{args:?}");
            if !args.contains(&"json") {
                let count = of_files.lines().count();
                assert!(count >= least.min(most) && count <= most, "{args:?}: {count}");
            }
        }
        for format in ["jsonl", "ocsf"] {
            let args = [&["audit", "export", "--format", format][..], filter].concat();
            let said = [&args[..], &["--database"]].concat();
            let [of_files, of_database] = [&args, &said].map(|args| {
                let mut lines: Vec<_> =
                    world.run(args).expect(0).out.lines().map(str::to_owned).collect();
                // The logs stand in another order.
                lines.sort();
                lines
            });
            assert_eq!(of_database, of_files, "{args:?}");
        }
    }
}
