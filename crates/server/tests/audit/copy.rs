//! The copy of the audit log in a PostgreSQL database, which is ended, started again and changed.

use std::{
    fs,
    io::{Seek, Write},
};

use tokio::task::JoinSet;

use crate::{
    database::{Database, PASSWORD, records, sql},
    world::{World, eventually},
};

const LAGS: &str = "copying the audit log to the database fails";

#[tokio::test]
async fn every_record_is_copied_and_a_role_that_may_only_add_is_enough() {
    let Some(database) = Database::start().await else { return };
    let world = database.written().await;
    let lines = database.ask("SELECT line FROM audit_records ORDER BY log DESC, sequence");
    let files = ["audit.jsonl", "audit-commands.jsonl"];
    let files = files.map(|name| fs::read_to_string(world.path(name)).unwrap());
    assert_eq!(lines, files.concat().trim_end());
    let found = database.ask(
        "SELECT DISTINCT outcome, subject, client, action, target FROM audit_records \
         WHERE outcome = 'permitted'",
    );
    assert_eq!(found, "permitted|bob|a-client|tools/call|whoami");
    let said = world.run(&["audit", "verify", "--database"]).expect(0);
    drop(said.has(&["audit.jsonl in the database", "audit-commands.jsonl in the database"]));
    let said = world.run(&["audit", "show", "--database", "--outcome", "unauthenticated"]);
    drop(said.expect(0).lacks("bob"));
    let said = world.run(&["audit", "export", "--database", "--user", "alice"]).expect(0);
    drop(said.has(&["users disable"]));
    for sql in [
        "UPDATE audit_records SET line = ''",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
        "DROP TABLE audit_records",
    ] {
        let error = database.postgres.query(&database.role, sql).unwrap_err().to_string();
        assert!(error.contains("permission denied") || error.contains("owner"), "{error}");
    }
    let log = world.log();
    assert!(!log.contains(PASSWORD), "{log}");
}

/// What the metric for the lag says, in seconds.
async fn lag(admin: &str) -> f64 {
    let text = reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap();
    let sample = text.lines().find_map(|it| it.strip_prefix("bartizan_audit_copy_lag_seconds "));
    sample.unwrap().parse().unwrap()
}

/// Eight callers, each with so many calls, which are answered.
fn callers(world: &World, token: &str, count: usize) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let request = world.request("whoami", Some(token));
        callers.spawn(async move {
            for _ in 0..count {
                let answer = request.try_clone().unwrap().send().await.unwrap();
                assert_eq!(answer.status(), 200);
            }
        });
    }
    callers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_stops_no_call() {
    let Some(mut database) = Database::start().await else { return };
    let admin = format!("127.0.0.1:{}", testkit::free_port().unwrap());
    let mut world = database.world(&[("AUDIT_ROTATE_MIB", "1"), ("ADMIN_BIND", &admin)]);
    world.start();
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    eventually(|| database.count() > 2);
    let end = |database: &mut Database| tokio::task::block_in_place(|| database.postgres.kill());
    // Ended while records are written, and over files that are renamed meanwhile.
    let calls = callers(&world, &token, 250);
    end(&mut database).unwrap();
    calls.join_all().await;
    until(&world, true).await;
    assert!(world.readiness().await.starts_with("ready\n"));
    while lag(&admin).await == 0.0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(world.path("audit.000000000001.jsonl").exists(), "a file was full meanwhile");
    tokio::task::block_in_place(|| database.postgres.start_again()).unwrap();
    until(&world, false).await;
    callers(&world, &token, 10).join_all().await;
    eventually(|| database.count() == records(&world));
    assert!(lag(&admin).await == 0.0);
    let log = world.log();
    assert!(log.contains("is not copied to the database"), "{log}");
    assert!(log.contains("is copied to the database again"), "{log}");
    // A server that is started while it is away serves.
    end(&mut database).unwrap();
    world.stop();
    world.start();
    assert_eq!(world.call(Some(&token)).await, 200);
    until(&world, true).await;
    tokio::task::block_in_place(|| database.postgres.start_again()).unwrap();
    eventually(|| database.count() == records(&world));
    world.stop();
    assert_eq!(database.count(), records(&world));
    drop(world.run(&["audit", "verify", "--database"]).expect(0));
}

/// Waits until the server says that records are not copied, or no longer says so.
async fn until(world: &World, fails: bool) {
    while world.readiness().await.contains(LAGS) != fails {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn rows_that_another_person_has_changed_are_named() {
    let Some(database) = Database::start().await else { return };
    let world = database.written().await;
    let of_server = "log LIKE '%audit.jsonl'";
    let last = world.records("audit.jsonl").len();
    for (change, code, text) in [
        ("UPDATE audit_records SET subject = 'eve' WHERE sequence = 3", 8, "row 3 of"),
        (
            "UPDATE audit_records SET line = replace(line, 'permitted', 'denied'), \
             outcome = 'denied' WHERE sequence = 2",
            8,
            "record 2 was changed",
        ),
        ("DELETE FROM audit_records WHERE sequence = 3", 8, "record 3 is missing"),
        ("DELETE FROM audit_records WHERE sequence > 5", 10, "record 6 is missing"),
        ("DELETE FROM audit_records WHERE sequence = 1", 8, "record 1 is missing"),
        // All of a log is gone; the other one is there.
        ("DELETE FROM audit_records WHERE true", 10, "record 1 is missing: the log was cut off"),
        (
            "UPDATE audit_records SET sequence = sequence + 1000 WHERE sequence = 4",
            8,
            "row 1004 of",
        ),
    ] {
        database.ask("CREATE TABLE kept AS TABLE audit_records");
        database.ask(&format!("{change} AND {of_server}"));
        drop(world.run(&["audit", "verify", "--database"]).expect(code).has(&[text]));
        database.ask("TRUNCATE audit_records; INSERT INTO audit_records TABLE kept");
        database.ask("DROP TABLE kept");
    }
    drop(world.run(&["audit", "verify", "--database"]).expect(0));
    assert!(last > 6);
    // All of both.
    database.ask("TRUNCATE audit_records");
    let said = world.run(&["audit", "verify", "--database"]).expect(10);
    drop(said.has(&["record 1 is missing: the log was cut off"]));
    let said = world.run(&["audit", "show", "--database"]).expect(2);
    drop(said.has(&["there is no audit log in the database yet"]));
}

#[tokio::test]
async fn a_table_that_has_another_record_is_reported_and_left_as_it_is() {
    let Some(database) = Database::start().await else { return };
    let mut world = database.written().await;
    let last = world.records("audit.jsonl").len();
    let of_server = "log LIKE '%audit.jsonl'";
    let good = fs::read(world.path("audit.jsonl")).unwrap();
    database.ask(&format!(
        "UPDATE audit_records SET hash = repeat('0', 64) WHERE {of_server} AND sequence = {last}"
    ));
    let count = database.count();
    world.start();
    let named = format!("record {last} of the log");
    eventually(|| world.log().contains(&named));
    assert!(world.log().contains("is not the one in the file"));
    assert!(world.readiness().await.contains(LAGS));
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    world.stop();
    assert_eq!(database.count(), count);
    // The table has a record that the files have not.
    let more = "INSERT INTO audit_records (log, sequence, node, recorded_at, kind, hash, line) \
                SELECT log, 9999, node, recorded_at, kind, hash, line FROM audit_records \
                WHERE log LIKE '%audit.jsonl' AND sequence = 1";
    database.ask(more);
    world.start();
    eventually(|| world.log().contains("the database has record 9999"));
    world.stop();
    assert!(fs::read(world.path("audit.jsonl")).unwrap().starts_with(&good));
}

#[tokio::test]
async fn two_nodes_have_one_table() {
    let Some(database) = Database::start().await else { return };
    let one = database.written().await;
    let mut other = database.world(&[]);
    other.start();
    let token = other.token("bob", "User.Read");
    assert_eq!(other.call(Some(&token)).await, 200);
    other.stop();
    assert_eq!(database.count(), records(&one) + records(&other));
    assert_eq!(database.ask("SELECT count(DISTINCT log) FROM audit_records"), "4");
    drop(other.run(&["audit", "verify", "--database"]).expect(0));
}

#[tokio::test]
async fn a_second_database_of_the_same_cluster_gets_the_table_with_its_grants_or_nothing() {
    let Some(database) = Database::start().await else { return };
    let other = database.postgres.database().unwrap();
    database.postgres.query(&other, &sql()).unwrap();
    let (_, place) = other.split_once('@').unwrap();
    let role = format!("postgres://bartizan_audit:{PASSWORD}@{place}");
    let count = database.postgres.query(&role, "SELECT count(*) FROM audit_records").unwrap();
    assert_eq!(count, "0");
    // What fails at its end leaves no table without grants.
    let third = database.postgres.database().unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(sql().replace("GRANT SELECT, INSERT", "GRANT NOTHING").as_bytes()).unwrap();
    file.rewind().unwrap();
    let mut psql = database.postgres.program("psql");
    let done = psql.args(["--set=ON_ERROR_STOP=1", &third]).stdin(file).output().unwrap();
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    database.postgres.query(&third, "SELECT 1 FROM audit_records").unwrap_err();
}

#[tokio::test]
async fn a_database_without_the_table_is_reported_and_calls_are_served() {
    let Some(database) = Database::start().await else { return };
    database.ask("DROP TABLE audit_records");
    let mut world = database.world(&[]);
    world.start();
    eventually(|| world.log().contains("docs/deploy/audit.sql"));
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    world.stop();
    drop(world.run(&["audit", "verify", "--database"]).expect(4).has(&["audit.sql"]));
    let none = [("AUDIT_DATABASE_URL", "")];
    let said = world.run_with(&none, &["audit", "verify", "--database"]).expect(2);
    drop(said.has(&["Set AUDIT_DATABASE_URL"]));
    let wrong = [("AUDIT_DATABASE_URL", "postgres://me:hush@host:x/name")];
    let said = world.run_with(&wrong, &["--bind", "127.0.0.1:0"]).expect(2);
    drop(said.has(&["AUDIT_DATABASE_URL"]).lacks("hush"));
}
