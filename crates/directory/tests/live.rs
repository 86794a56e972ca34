//! What is answered from memory: as fresh as promised, and no longer than promised.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::{path::Path, sync::LazyLock, time::Duration};

use auth_core::{Issuer, NumericDate, Subject};
use directory::{
    AnyDirectory, CacheSettings, CachedDirectory, Directory, DirectoryError, Edit, NewUser,
    RevokedToken, Stamp, Store, UserName, UserStatus, authorization::AuthorizationStore,
};
use sqlx::{Connection, PgConnection, SqliteConnection, migrate::Migrator};
use tempfile::TempDir;
use testkit::{ManualClock, Postgres};
use tokio::time::{Instant, sleep};

const NOW: i64 = 1_800_000_000;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

static POSTGRES: LazyLock<Option<Postgres>> = LazyLock::new(Postgres::for_tests);

/// A database that outlives what is opened on it.
struct Place {
    url: String,
    folder: Option<TempDir>,
}

impl Place {
    /// One of each kind: SQLite, and PostgreSQL where it is installed.
    async fn each() -> Vec<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("users.db").display());
        let server = tokio::task::spawn_blocking(|| {
            POSTGRES.as_ref().map(|server| server.database().unwrap())
        });
        let server = server.await.unwrap().map(|url| Self { url, folder: None });
        [Self { url, folder: Some(folder) }].into_iter().chain(server).collect()
    }

    async fn open(&self) -> AnyDirectory {
        AnyDirectory::open(&self.url).await.unwrap()
    }

    /// Changes the tables behind the directory's back.
    async fn sql(&self, statement: &'static str) {
        if self.folder.is_some() {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let url = self.url.clone();
            let server = POSTGRES.as_ref().unwrap();
            let psql = tokio::task::spawn_blocking(move || server.query(&url, statement));
            psql.await.unwrap().unwrap();
        }
    }
}

async fn cached(
    store: AnyDirectory,
    max: usize,
    max_age: Duration,
) -> CachedDirectory<AnyDirectory> {
    let clock = ManualClock::at(NOW);
    let settings = CacheSettings { max_in_memory: max, max_age, clock };
    let cached = CachedDirectory::load(store, settings).await.unwrap();
    let following = cached.clone();
    tokio::spawn(async move { following.keep_fresh().await });
    cached
}

async fn is_active(directory: &impl Directory, subject: &str) -> Option<bool> {
    let found = directory.find(&issuer(), &subject.parse().unwrap()).await.unwrap();
    found.map(|user| user.is_active())
}

/// Waits until `holds`, for the second that a change may take.
async fn within_a_second(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < SECOND, "{what}: not within a second");
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_user_whom_another_node_has_added_is_there_for_who_would_have_added_it() {
    for place in Place::each().await {
        for max in [1000, 0] {
            // Nothing follows the changes of others meanwhile.
            let settings =
                CacheSettings { max_in_memory: max, max_age: MINUTE, clock: ManualClock::at(NOW) };
            let mine = CachedDirectory::load(place.open().await, settings).await.unwrap();
            let name = format!("twice-{max}");
            assert_eq!(is_active(&mine, &name).await, None);
            add(&place.open().await, &name).await;
            let added = mine.add(new_user(&name), &stamp()).await;
            assert!(matches!(added, Err(DirectoryError::Exists { .. })), "{added:?}");
            assert_eq!(is_active(&mine, &name).await, Some(true));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_node_changes_counts_within_a_second() {
    for place in Place::each().await {
        for max in [1000, 0] {
            let (other, mine) = (place.open().await, cached(place.open().await, max, MINUTE).await);
            let name = format!("alice-{max}");
            let user = UserName { issuer: issuer(), subject: name.parse().unwrap() };
            assert_eq!(is_active(&mine, &name).await, None);
            add(&other, &name).await;
            within_a_second("added", async || is_active(&mine, &name).await == Some(true)).await;
            for status in [UserStatus::Disabled, UserStatus::Active, UserStatus::Disabled] {
                edit(&other, Edit::SetStatus(user.clone(), status)).await;
                let expected = Some(status == UserStatus::Active);
                within_a_second("status", async || is_active(&mine, &name).await == expected).await;
            }
            let token_id = format!("t-{max}").parse().unwrap();
            assert!(!mine.is_revoked(&issuer(), &token_id).await.unwrap());
            let token =
                RevokedToken { issuer: issuer(), token_id: token_id.clone(), expires_at: None };
            edit(&other, Edit::RevokeToken(token)).await;
            let revoked = async || mine.is_revoked(&issuer(), &token_id).await.unwrap();
            within_a_second("revoked", revoked).await;
            edit(&other, Edit::Remove(user)).await;
            within_a_second("removed", async || is_active(&mine, &name).await.is_none()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_by_hand_counts_too() {
    for place in Place::each().await {
        let mine = cached(place.open().await, 1000, MINUTE).await;
        for name in ["alice", "bob"] {
            add(&mine, name).await;
        }
        let roles = async |name: &str| {
            let found = mine.find(&issuer(), &name.parse().unwrap()).await.unwrap();
            found.map_or(99, |user| user.roles().len())
        };
        place.sql("UPDATE users SET status = 'disabled' WHERE subject = 'alice'").await;
        within_a_second("update", async || is_active(&mine, "alice").await == Some(false)).await;
        place.sql("DELETE FROM user_roles WHERE subject = 'bob'").await;
        within_a_second("role", async || roles("bob").await == 0).await;
        place.sql("DELETE FROM users WHERE subject = 'bob'").await;
        within_a_second("delete", async || is_active(&mine, "bob").await.is_none()).await;
        place
            .sql(
                "INSERT INTO revoked_tokens (issuer, token_id, revoked_at) \
                  VALUES ('https://issuer.example', 't', 1)",
            )
            .await;
        let revoked = async || mine.is_revoked(&issuer(), &"t".parse().unwrap()).await.unwrap();
        within_a_second("revoked", revoked).await;
        place.sql("DELETE FROM revoked_tokens").await;
        within_a_second("forgotten", async || !revoked().await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_after_missing_much_reads_all_again() {
    for place in Place::each().await {
        let mine = cached(place.open().await, 1000, MINUTE).await;
        add(&mine, "alice").await;
        let news = mine.store().changes_since(0).await.unwrap();
        let position = news.unwrap().position;
        assert!(mine.store().changes_since(position).await.unwrap().is_some());
        // Of a later number than there is: another database, or an older copy.
        assert!(mine.store().changes_since(position + 1).await.unwrap().is_none());
        place.sql("DELETE FROM feed").await;
        assert!(mine.store().changes_since(position).await.unwrap().is_none());
        place.sql("UPDATE users SET status = 'disabled'").await;
        within_a_second("all", async || is_active(&mine, "alice").await == Some(false)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_grows_too_large_is_held_in_part_and_answers_the_same() {
    for place in Place::each().await {
        let (other, mine) = (place.open().await, cached(place.open().await, 3, MINUTE).await);
        let name = |number: usize| format!("user-{number:02}");
        for number in 0..20 {
            add(&other, &name(number)).await;
        }
        let last = async || is_active(&mine, &name(19)).await == Some(true);
        within_a_second("grown", async || last().await && mine.held() <= 3).await;
        for _ in 0..2 {
            for number in 0..20 {
                assert_eq!(is_active(&mine, &name(number)).await, Some(true));
                assert_eq!(is_active(&mine, &format!("nobody-{number}")).await, None);
                assert!(mine.held() <= 3);
            }
        }
        let user = UserName { issuer: issuer(), subject: name(19).parse().unwrap() };
        edit(&other, Edit::SetStatus(user, UserStatus::Disabled)).await;
        within_a_second("change", async || is_active(&mine, &name(19)).await == Some(false)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_what_is_known_serves_for_a_bounded_time() {
    let max_age = Duration::from_secs(3);
    for place in Place::each().await {
        let mine = cached(place.open().await, 1000, max_age).await;
        add(&mine, "alice").await;
        let of_many = cached(place.open().await, 0, max_age).await;
        assert_eq!(is_active(&of_many, "alice").await, Some(true));
        assert_eq!((mine.unavailable_since(), of_many.unavailable_since()), (None, None));
        let fresh = Instant::now();
        mine.store().close().await;
        of_many.store().close().await;
        while mine.unavailable_since().is_none() {
            assert!(fresh.elapsed() < max_age, "nobody notices");
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(mine.unavailable_since().unwrap().as_secs(), NOW);

        // Who is known is known, and who is not there is known not to be.
        assert_eq!(is_active(&mine, "alice").await, Some(true));
        assert_eq!(is_active(&mine, "nobody").await, None);
        mine.ping().await.unwrap();
        // What is not held is an error, not nobody.
        let fault = of_many.find(&issuer(), &"nobody".parse().unwrap()).await.unwrap_err();
        assert!(matches!(fault, DirectoryError::Unavailable { .. }), "{fault:?}");

        sleep(max_age.saturating_sub(fresh.elapsed()) + Duration::from_millis(50)).await;
        assert!(mine.age() > Some(max_age) && mine.store().age().is_none());
        for directory in [&mine, &of_many] {
            let fault = directory.find(&issuer(), &"alice".parse().unwrap()).await.unwrap_err();
            assert!(matches!(fault, DirectoryError::Stale { .. }), "{fault:?}");
            let fault = directory.is_revoked(&issuer(), &"t".parse().unwrap()).await.unwrap_err();
            assert!(matches!(fault, DirectoryError::Stale { .. }), "{fault:?}");
            assert!(directory.ping().await.is_err());
        }
    }
}

/// Somebody who changes something and does not come to an end: a long import, or a shell that was
/// left open.
enum Writer {
    Sqlite(sqlx::pool::PoolConnection<sqlx::Sqlite>),
    Postgres(sqlx::pool::PoolConnection<sqlx::Postgres>),
}

impl Writer {
    async fn begin(directory: &AnyDirectory) -> Self {
        const TOUCH: &str = "UPDATE users SET display_name = 'touched' WHERE subject = 'bob'";
        match directory {
            AnyDirectory::Sqlite(it) => {
                let mut connection = it.pool().acquire().await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *connection).await.unwrap();
                sqlx::raw_sql(TOUCH).execute(&mut *connection).await.unwrap();
                Self::Sqlite(connection)
            }
            AnyDirectory::Postgres(it) => {
                let mut connection = it.pool().acquire().await.unwrap();
                sqlx::raw_sql("BEGIN").execute(&mut *connection).await.unwrap();
                sqlx::raw_sql(TOUCH).execute(&mut *connection).await.unwrap();
                Self::Postgres(connection)
            }
        }
    }

    async fn end(self) {
        match self {
            Self::Sqlite(mut connection) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.map(drop)
            }
            Self::Postgres(mut connection) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await.map(drop)
            }
        }
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_holds_the_write_lock_known_users_are_served() {
    let max_age = Duration::from_secs(2);
    for place in Place::each().await {
        let all = cached(place.open().await, 1000, max_age).await;
        let some = cached(place.open().await, 0, max_age).await;
        for name in ["alice", "bob"] {
            add(&all, name).await;
        }
        within_a_second("added", async || is_active(&some, "alice").await == Some(true)).await;
        let other = place.open().await;
        let writer = Writer::begin(&other).await;
        // More new users than there are connections of any kind, on either node.
        let adding: Vec<_> = (0..48)
            .map(|number| {
                let node = if number % 2 == 0 { all.clone() } else { some.clone() };
                tokio::spawn(async move {
                    let user = new_user(&format!("new-{number}"));
                    node.add(user, &stamp()).await
                })
            })
            .collect();
        let begun = Instant::now();
        while begun.elapsed() < 2 * max_age {
            for node in [&all, &some] {
                assert_eq!(is_active(node, "alice").await, Some(true));
                assert_eq!(is_active(node, "nobody").await, None);
                node.ping().await.unwrap();
                assert_eq!(node.unavailable_since(), None);
            }
            sleep(Duration::from_millis(50)).await;
        }
        // Those who wait give up in the end, also when the server ends what they do.
        if matches!(writer, Writer::Postgres(_)) {
            place
                .sql(
                    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                      WHERE wait_event_type = 'Lock'",
                )
                .await;
        }
        writer.end().await;
        for added in adding {
            let _ = added.await.unwrap();
        }
        for (node, name) in [(&all, "later"), (&some, "last")] {
            for number in 0..8 {
                add(node, &format!("{name}-{number}")).await;
            }
            node.store().prune(NumericDate::from_secs(NOW).unwrap()).await.unwrap();
        }
        within_a_second("added", async || is_active(&some, "later-7").await == Some(true)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_asked_for_all_once_it_is_back() {
    let started = tokio::task::spawn_blocking(Postgres::for_tests).await.unwrap();
    let Some(mut server) = started else { return };
    let url = server.database().unwrap();
    let mine = cached(AnyDirectory::open(&url).await.unwrap(), 1000, MINUTE).await;
    add(&mine, "alice").await;
    let name = async || {
        let found = mine.find(&issuer(), &"alice".parse().unwrap()).await.unwrap();
        found.unwrap().display_name().to_string()
    };
    for round in 0..2 {
        // What no trigger sees, as if another copy were put in its place.
        let sql = format!(
            "SET session_replication_role = replica; UPDATE users SET display_name = 'copy {round}'"
        );
        let on = url.clone();
        let before = name().await;
        let stopped = tokio::task::spawn_blocking(move || {
            server.query(&on, &sql).unwrap();
            // Real time: the server is a process.
            std::thread::sleep(2 * SECOND);
            server
        });
        server = stopped.await.unwrap();
        assert_eq!(name().await, before, "nothing has told of it");
        let stopped = tokio::task::spawn_blocking(move || {
            if round == 0 { server.stop() } else { server.kill() }.unwrap();
            server
        });
        server = stopped.await.unwrap();
        // The pool tries again for some seconds before it says so.
        let gone = Instant::now();
        while mine.unavailable_since().is_none() {
            assert!(gone.elapsed() < Duration::from_secs(10), "nobody notices");
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(is_active(&mine, "alice").await, Some(true));
        let started = tokio::task::spawn_blocking(move || {
            server.start_again().unwrap();
            server
        });
        server = started.await.unwrap();
        let back = Instant::now();
        while name().await != format!("copy {round}") || mine.unavailable_since().is_some() {
            assert!(back.elapsed() < Duration::from_secs(10), "it does not recover");
            sleep(Duration::from_millis(20)).await;
        }
    }
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_seen_is_written_down_on_a_graceful_stop_and_is_no_news() {
    for place in Place::each().await {
        let mine = cached(place.open().await, 1000, MINUTE).await;
        for number in 0..50 {
            add(&mine, &format!("user-{number}")).await;
        }
        let before = mine.store().changes_since(0).await.unwrap().unwrap().position;
        for number in 0..50 {
            let name: Subject = format!("user-{number}").parse().unwrap();
            let user = mine.find(&issuer(), &name).await.unwrap().unwrap();
            mine.touch(&user, NumericDate::from_secs(NOW + number).unwrap());
        }
        mine.close().await;
        let again = place.open().await;
        for user in again.list().await.unwrap() {
            let number: i64 =
                user.subject().as_str().strip_prefix("user-").unwrap().parse().unwrap();
            assert_eq!(user.last_seen_at().map(NumericDate::as_secs), Some(NOW + number));
        }
        assert_eq!(again.changes_since(0).await.unwrap().unwrap().position, before);
        // An earlier date takes nothing back, and one who is gone is passed over.
        let at = |secs| NumericDate::from_secs(secs).unwrap();
        let seen = ["user-1", "nobody"]
            .map(|it| (UserName { issuer: issuer(), subject: it.parse().unwrap() }, at(5)));
        again.write_last_seen(&seen).await.unwrap();
        let user = again.find(&issuer(), &"user-1".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(user.last_seen_at(), Some(at(NOW + 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_ended_long_ago_are_forgotten_and_no_others() {
    for place in Place::each().await {
        let directory = place.open().await;
        for (id, expires_at) in
            [("ended", Some(NOW - 3601)), ("late", Some(NOW - 3600)), ("ever", None)]
        {
            let expires_at = expires_at.map(|secs| NumericDate::from_secs(secs).unwrap());
            let token_id = id.parse().unwrap();
            let token = RevokedToken { issuer: issuer(), token_id, expires_at };
            edit(&directory, Edit::RevokeToken(token)).await;
        }
        directory.prune(NumericDate::from_secs(NOW).unwrap()).await.unwrap();
        let kept = directory.revoked_tokens().await.unwrap();
        let kept: Vec<_> = kept.iter().map(|token| token.token_id.as_str()).collect();
        assert_eq!(kept, ["ever", "late"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_down_cannot_be_changed() {
    for place in Place::each().await {
        let directory = place.open().await;
        add(&directory, "alice").await;
        for statement in ["UPDATE changes SET who = 'x'", "DELETE FROM changes"] {
            let failed = match &directory {
                AnyDirectory::Sqlite(it) => {
                    sqlx::query(statement).execute(it.pool()).await.map(|_| ())
                }
                AnyDirectory::Postgres(it) => {
                    sqlx::query(statement).execute(it.pool()).await.map(|_| ())
                }
            };
            assert!(failed.unwrap_err().to_string().contains("only added"), "{statement}");
        }
        assert_eq!(directory.record(10).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_server_elsewhere_must_prove_who_it_is() {
    let started = tokio::task::spawn_blocking(Postgres::for_tests_with_tls).await.unwrap();
    let Some(server) = started else { return };
    let url = server.database().unwrap();
    let directory = AnyDirectory::open(&url).await.unwrap();
    add(&directory, "alice").await;
    directory.close().await;
    // Without its authority nobody vouches for the certificate; and it is for another name.
    let bare = url.split('?').next().unwrap();
    for wrong in [
        format!("{bare}?sslmode=verify-full"),
        url.replace("@localhost", "@127.0.0.1"),
        format!("{bare}?sslmode=disable"),
    ] {
        let fault = AnyDirectory::open(&wrong).await.unwrap_err();
        assert!(matches!(fault, DirectoryError::Connect { .. }), "{fault:?}");
        let password = url.split([':', '@']).nth(2).unwrap();
        assert!(!format!("{fault} {fault:?}").contains(password), "{fault:?}");
    }
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_and_an_older_one_brought_up_to_date() {
    for place in Place::each().await {
        let directory = place.open().await;
        add(&directory, "alice").await;
        directory.close().await;
        place
            .sql(
                "INSERT INTO _sqlx_migrations \
                  (version, description, success, checksum, execution_time) \
                  VALUES (9999, 'later', TRUE, 'x', 0)",
            )
            .await;
        match AnyDirectory::open(&place.url).await.unwrap_err() {
            DirectoryError::NewerSchema { found: 9999, .. } => {}
            other => panic!("{other:?}"),
        }
    }
    for version in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("users.db").display());
        let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
        let mut migrations = Migrator::new(Path::new("migrations/sqlite")).await.unwrap();
        migrations.migrations.to_mut().retain(|it| it.version <= version);
        migrations.run_direct(None, &mut connection, false).await.unwrap();
        sqlx::raw_sql(OLD_USER).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let directory = AnyDirectory::open(&url).await.unwrap();
        assert_eq!(is_active(&directory, "old").await, Some(true), "{version}");
        add(&directory, "new").await;
        assert!(has_authorizations(directory).await, "{version}");
    }
    let started = tokio::task::spawn_blocking(Postgres::for_tests).await.unwrap();
    let Some(server) = started else { return };
    for version in 1..=2 {
        let url = server.database().unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let mut migrations = Migrator::new(Path::new("migrations/postgres")).await.unwrap();
        migrations.migrations.to_mut().retain(|it| it.version <= version);
        migrations.run_direct(None, &mut connection, false).await.unwrap();
        sqlx::raw_sql(OLD_USER).execute(&mut connection).await.unwrap();
        let directory = AnyDirectory::open(&url).await.unwrap();
        assert_eq!(is_active(&directory, "old").await, Some(true), "{version}");
        assert!(has_authorizations(directory).await, "{version}");
    }
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

const OLD_USER: &str = "INSERT INTO users (issuer, subject, display_name, status, created_at) \
                        VALUES ('https://issuer.example', 'old', '', 'active', 1)";

/// Whether what an authorization server keeps can be kept.
async fn has_authorizations(directory: AnyDirectory) -> bool {
    let name = UserName { issuer: issuer(), subject: "old".parse().unwrap() };
    let store = AuthorizationStore::new(directory);
    let now = NumericDate::from_secs(NOW).unwrap();
    store.set_password(&name, Some("$argon2id$"), now).await.unwrap()
}

async fn add(directory: &impl Directory, subject: &str) {
    directory.add(new_user(subject), &stamp()).await.unwrap();
}

fn new_user(subject: &str) -> NewUser {
    NewUser {
        issuer: issuer(),
        subject: subject.parse().unwrap(),
        display_name: String::new(),
        roles: ["user".parse().unwrap()].into(),
    }
}

async fn edit(directory: &impl Directory, edit: Edit) {
    assert_eq!(directory.edit(edit, &stamp()).await.unwrap(), directory::EditOutcome::Changed);
}

fn stamp() -> Stamp {
    Stamp::new("a test", NumericDate::from_secs(NOW).unwrap())
}

fn issuer() -> Issuer {
    "https://issuer.example".parse().unwrap()
}
