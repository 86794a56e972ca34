//! The table of audit records in a real PostgreSQL: what a search finds, in which order, by which
//! index, and how much is read at once.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::{fs, time::Duration};

use auth_core::audit::{
    Chain, Change, Decision, Entry, Event, Head, Line, Outcome, Timestamp, What, Who,
};
use directory::{AuditRow, AuditSearch, AuditTable, Before};
use testkit::Postgres;

const LOG: &str = "a /var/log/audit.jsonl";
const NOW_MILLIS: u64 = 1_800_000_000_000;

/// A database with the table, and the table as its owner.
struct Database {
    postgres: Postgres,
    table: AuditTable,
}

impl Database {
    /// `None` on a machine without PostgreSQL, where none is required.
    async fn start() -> Option<Self> {
        let started = tokio::task::spawn_blocking(|| {
            let postgres = Postgres::for_tests()?;
            let sql = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/deploy/audit.sql");
            postgres.query(&postgres.url(), &fs::read_to_string(sql).unwrap()).unwrap();
            Some(postgres)
        });
        let postgres = started.await.unwrap()?;
        let table = AuditTable::at(&postgres.url()).unwrap();
        Some(Self { postgres, table })
    }

    fn ask(&self, sql: &str) -> String {
        tokio::task::block_in_place(|| self.postgres.query(&self.postgres.url(), sql).unwrap())
    }

    async fn insert(&self, log: &str, rows: &[AuditRow]) {
        for rows in rows.chunks(500) {
            assert_eq!(self.table.insert(log, rows).await.unwrap(), None);
        }
    }

    /// Every row that a search is for, by number, in pages of `limit`.
    async fn all(&self, search: &AuditSearch, limit: i64) -> Vec<i64> {
        let (mut found, mut last) = (Vec::new(), 0);
        loop {
            let rows = self.table.page(LOG, search, last, limit).await.unwrap();
            let Some(row) = rows.last() else { return found };
            assert!(rows.len() <= usize::try_from(limit).unwrap());
            last = row.sequence;
            found.extend(rows.iter().map(|row| row.sequence));
        }
    }

    /// The same from the newest on.
    async fn all_from_the_newest(&self, search: &AuditSearch, limit: i64) -> Vec<i64> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let rows = self.table.newest(LOG, search, before, limit).await.unwrap();
            let Some(row) = rows.last() else { return found };
            before = Some(Before { millis: row.millis, sequence: row.sequence });
            found.extend(rows.iter().map(|row| row.sequence));
        }
    }
}

fn time(millis: u64) -> Timestamp {
    Timestamp::since_epoch(Duration::from_millis(NOW_MILLIS + millis))
}

fn decision(outcome: Outcome, subject: &str, method: &str, target: &str) -> Entry {
    let who = Who {
        issuer: "https://login.example".into(),
        subject: subject.into(),
        client: None,
        actors: Vec::new(),
    };
    Entry::Decision(Box::new(Decision {
        outcome,
        reason: None,
        who: Some(who),
        what: What {
            resource: "http://localhost/mcp".into(),
            method: Some(method.into()),
            target: Some(target.into()),
            arguments: None,
            values: Vec::new(),
        },
        policy: None,
        request: "r".into(),
        trace: None,
        address: None,
    }))
}

fn change(by: &str, command: &str, object: &str) -> Entry {
    let (by, command, object) = (by.into(), command.into(), Some(object.into()));
    Entry::Change(Box::new(Change { by, command, object, issuer: None, detail: None }))
}

/// A log of these entries, at these times.
fn rows(entries: impl IntoIterator<Item = (u64, Entry)>) -> Vec<AuditRow> {
    let mut chain = Chain::after(Head::EMPTY, "a");
    let row = |(millis, entry): (u64, Entry)| {
        let line = chain.append(time(millis), &entry);
        AuditRow::of(&Line::parse(line.as_bytes()).unwrap(), &line)
    };
    entries.into_iter().map(row).collect()
}

fn user(user: &str) -> AuditSearch {
    AuditSearch { user: Some(user.into()), ..AuditSearch::default() }
}

fn action(action: &str) -> AuditSearch {
    AuditSearch { action: Some(action.into()), ..AuditSearch::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_each_record_that_fits_and_goes_on_behind_a_page() {
    let Some(database) = Database::start().await else { return };
    let long = |last: &str| format!("{}{last}", "é".repeat(150));
    let rows = rows([
        (0, decision(Outcome::Permitted, "bob", "tools/call", "get_time")),
        (1, decision(Outcome::Denied, "carol", "tools/call", "get_time")),
        (2, change("user bob", "password set", "bob")),
        (3, change("root@a", "users disable", "carol")),
        (3, decision(Outcome::Denied, "bob", "tools/call", "a tool")),
        // The clock was set back.
        (1, decision(Outcome::Permitted, "root@a", "ping", "")),
        (4, decision(Outcome::Permitted, &long("x"), "tools/call", &long("x"))),
        (5, Entry::Skipped { count: 3 }),
        (6, change("anyone", "client register", "get_time")),
        (7, decision(Outcome::Permitted, "a\0b' OR true --", "tools/call a", "tool")),
    ]);
    database.insert(LOG, &rows).await;
    database.insert("another log", &rows).await;
    let between = |since, until| AuditSearch {
        since: Some(time(since)),
        until: Some(time(until)),
        ..AuditSearch::default()
    };
    for (search, wanted) in [
        (AuditSearch::default(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10][..]),
        // As the caller, as who made a change and as what was changed; not the account of a
        // command.
        (user("bob"), &[1, 3, 5]),
        (user("carol"), &[2, 4]),
        (user("root@a"), &[6]),
        (user("user bob"), &[]),
        (user("a\0b' OR true --"), &[10]),
        (user(&long("x")), &[7]),
        (action("tools/call"), &[1, 2, 5, 7]),
        (action("get_time"), &[1, 2]),
        (action("tools/call get_time"), &[1, 2]),
        // Each place of the space.
        (action("tools/call a tool"), &[5, 10]),
        (action("client register"), &[9]),
        (action("'"), &[]),
        (between(1, 4), &[2, 3, 4, 5, 6]),
        (AuditSearch { event: Some(Event::Decision(Outcome::Denied)), ..user("bob") }, &[5]),
        (AuditSearch { event: Some(Event::Changed), ..AuditSearch::default() }, &[3, 4, 9]),
        (AuditSearch { event: Some(Event::Skipped), ..AuditSearch::default() }, &[8]),
        (AuditSearch { action: Some("tools/call".into()), ..user("bob") }, &[1, 5]),
        (AuditSearch { until: Some(time(2)), ..action("get_time") }, &[1, 2]),
    ] {
        for limit in [1, 3, 500] {
            assert_eq!(database.all(&search, limit).await, wanted, "{search:?}");
            let mut newest = database.all_from_the_newest(&search, limit).await;
            newest.sort_unstable();
            assert_eq!(newest, wanted, "{search:?}");
        }
    }
    // So many places of a space are no part of the statement: who searches compares.
    assert_eq!(database.all(&action(&" ".repeat(40)), 500).await.len(), rows.len());
    // A column has the beginning of a text, so others with this beginning are found, too.
    assert_eq!(database.all(&user(&long("y")), 10).await, [7]);
    // By time, those of a time by number.
    let newest = database.all_from_the_newest(&AuditSearch::default(), 2).await;
    assert_eq!(newest, [10, 9, 8, 7, 5, 4, 3, 6, 2, 1]);
    assert_eq!(database.table.logs().await.unwrap(), [LOG, "another log"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_has_no_name() {
    let Some(database) = Database::start().await else { return };
    assert_eq!(database.table.logs().await.unwrap(), [""; 0]);
    let names: Vec<_> = (0..7).map(|number| format!("log {number}")).collect();
    for name in &names {
        database
            .insert(name, &rows([(0, change("a", "b", "c")), (1, change("a", "b", "c"))]))
            .await;
    }
    assert_eq!(database.table.logs().await.unwrap(), names);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_long_records_is_shorter_and_none_is_left_out() {
    let Some(database) = Database::start().await else { return };
    let long = |number: u64| {
        let entry = decision(Outcome::Permitted, "bob", "tools/call", "get_time");
        let Entry::Decision(decision) = entry else { return (number, entry) };
        let reason = Some("x".repeat(1024 * 1024));
        (number, Entry::Decision(Box::new(Decision { reason, ..*decision })))
    };
    for row in rows((0..10).map(long)) {
        database.insert(LOG, &[row]).await;
    }
    let search = user("bob");
    assert_eq!(database.table.page(LOG, &search, 0, 500).await.unwrap().len(), 4);
    assert_eq!(database.table.newest(LOG, &search, None, 500).await.unwrap().len(), 4);
    assert_eq!(database.all(&search, 500).await, (1..=10).collect::<Vec<_>>());
    let newest = database.all_from_the_newest(&search, 500).await;
    assert_eq!(newest, (1..=10).rev().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_answered_by_an_index() {
    let Some(database) = Database::start().await else { return };
    let entry = |number: u64| {
        let (user, tool) = (format!("user-{}", number % 2000), format!("tool-{}", number % 2000));
        let outcome = if number % 2000 == 7 { Outcome::Failed } else { Outcome::Permitted };
        (number, decision(outcome, &user, "tools/call", &tool))
    };
    database.insert(LOG, &rows((0..20_000).map(entry))).await;
    database.ask("VACUUM ANALYZE audit_records");
    let late = AuditSearch { since: Some(time(19_990)), ..AuditSearch::default() };
    let failed =
        AuditSearch { event: Some(Event::Decision(Outcome::Failed)), ..AuditSearch::default() };
    for (search, wanted, index) in [
        (user("user-5"), 10, "subject"),
        (action("tool-5"), 10, "target"),
        (action("tools/call tool-5"), 10, "action"),
        (failed, 10, "outcome"),
        (late, 10, "time"),
    ] {
        database.ask("SELECT pg_stat_reset()");
        let table = AuditTable::at(&database.postgres.url()).unwrap();
        assert_eq!(table.page(LOG, &search, 0, 500).await.unwrap().len(), wanted);
        assert_eq!(table.newest(LOG, &search, None, 500).await.unwrap().len(), wanted);
        // What a connection has counted is known once it has ended.
        table.close().await;
        let scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = ";
        let scans = format!("{scans}'audit_records_{index}'");
        for _ in 0..500 {
            if database.ask(&scans) != "0" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_ne!(database.ask(&scans), "0", "{index}");
        let whole = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'audit_records'";
        assert_eq!(database.ask(whole), "0", "{search:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_the_table_is_named_with_its_own_words_once() {
    let Some(database) = Database::start().await else { return };
    database.ask("DROP TABLE audit_records CASCADE");
    let text = auth_core::display::chain(&database.table.logs().await.unwrap_err());
    let said = "relation \"audit_records\" does not exist";
    assert_eq!(text.matches(said).count(), 1, "{text}");
    // That would be a line of PostgreSQL's source.
    assert!(!text.contains(" at line "), "{text}");
}
