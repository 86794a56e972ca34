//! A database that cannot be written for a while: everything works again once it can, without a
//! restart.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use auth_core::{
    Issuer, NumericDate, Owner,
    oauth::{AuthorizationCode, CodeState, StoredCode},
};
use directory::{
    AnyDirectory, Directory, DirectoryError, Edit, NewUser, RevokedToken, Shared, SqliteDirectory,
    Stamp, Store, UserName,
    authorization::{AddGrant, AuthorizationStore, ClientSource, GrantId, NewGrant},
};
use sqlx::{AssertSqlSafe, query};
use tempfile::TempDir;

const NOW: i64 = 1_800_000_000;

/// More often than there are connections of any kind.
const OFTEN: usize = 6;

/// What no change gets past. `ROLLBACK` is what SQLite does when the disk is full: it ends the
/// transaction by itself, and a statement that says so afterwards is refused. `ABORT` leaves the
/// transaction open.
const BREAK: &str = "\
    CREATE TRIGGER no_user BEFORE INSERT ON users BEGIN SELECT RAISE(FAULT, 'full'); END; \
    CREATE TRIGGER no_date BEFORE UPDATE OF last_seen_at ON users \
        BEGIN SELECT RAISE(FAULT, 'full'); END; \
    CREATE TRIGGER no_session BEFORE INSERT ON sessions \
        BEGIN SELECT RAISE(FAULT, 'full'); END; \
    CREATE TRIGGER no_grant BEFORE INSERT ON grants \
        BEGIN SELECT RAISE(FAULT, 'full'); END; \
    CREATE TRIGGER no_count BEFORE INSERT ON throttles \
        BEGIN SELECT RAISE(FAULT, 'full'); END; \
    CREATE TRIGGER no_end BEFORE DELETE ON revoked_tokens \
        BEGIN SELECT RAISE(FAULT, 'full'); END";
const MEND: &str = "DROP TRIGGER no_user; DROP TRIGGER no_date; DROP TRIGGER no_end; \
                    DROP TRIGGER no_session; DROP TRIGGER no_grant; DROP TRIGGER no_count";

/// A database in a file, and one in memory.
async fn each() -> [(SqliteDirectory, Option<TempDir>); 2] {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("users.db").display());
    let file = SqliteDirectory::open(&url).await.unwrap();
    let memory = SqliteDirectory::open("sqlite::memory:").await.unwrap();
    [(file, Some(folder)), (memory, None)]
}

async fn sql(directory: &SqliteDirectory, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(directory.pool()).await.unwrap();
}

async fn add(directory: &SqliteDirectory, subject: &str) -> Result<(), DirectoryError> {
    let user = NewUser {
        issuer: issuer(),
        subject: subject.parse().unwrap(),
        display_name: "x".repeat(250),
        roles: ["user".parse().unwrap()].into(),
    };
    directory.add(user, &Stamp::new("a test", at(NOW))).await
}

async fn see(directory: &SqliteDirectory, subject: &str, date: i64) -> Result<(), DirectoryError> {
    let name = UserName::new(&issuer(), &subject.parse().unwrap());
    directory.write_last_seen(&[(name, at(date))]).await
}

/// A token that is over, so that there is something to remove.
async fn revoke(directory: &SqliteDirectory, id: &str) -> Result<(), DirectoryError> {
    let token_id = id.parse().unwrap();
    let token = RevokedToken { issuer: issuer(), token_id, expires_at: Some(at(NOW - 7200)) };
    directory.edit(Edit::RevokeToken(token), &Stamp::new("a test", at(NOW))).await.map(drop)
}

async fn begin_session(directory: &SqliteDirectory, id: &str) -> Result<(), DirectoryError> {
    let shared = Shared::new(AnyDirectory::Sqlite(directory.clone()));
    shared.begin_session(id, &Owner::Anonymous, b"state", at(NOW)).await
}

/// Issues a code to a user.
async fn issue_code(directory: &SqliteDirectory, subject: &str) -> Result<(), DirectoryError> {
    let store = AuthorizationStore::new(AnyDirectory::Sqlite(directory.clone()));
    let mut random = [0; 16];
    for (place, byte) in random.iter_mut().zip(subject.bytes().rev()) {
        *place = byte;
    }
    let grant = NewGrant {
        id: GrantId::from_random(random),
        user: UserName::new(&issuer(), &subject.parse().unwrap()),
        client_id: "app".parse().unwrap(),
        client_name: None,
        resource: "https://mcp.example".parse().unwrap(),
        scopes: "a".parse().unwrap(),
        created_at: at(NOW),
    };
    let code = StoredCode {
        client_id: grant.client_id.clone(),
        redirect_uri: "http://127.0.0.1/".parse().unwrap(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse().unwrap(),
        resource: grant.resource.clone(),
        issued_at: at(NOW),
        state: CodeState::Unused,
    };
    let digest: AuthorizationCode = subject.parse().unwrap();
    let added = store.issue_code(&grant, ClientSource::Document, &digest.digest(), &code).await?;
    assert_eq!(added, AddGrant::Added);
    Ok(())
}

async fn count_attempt(directory: &SqliteDirectory, key: &str) -> Result<(), DirectoryError> {
    let store = AuthorizationStore::new(AnyDirectory::Sqlite(directory.clone()));
    store.count_attempt(key, std::time::Duration::from_mins(1), at(NOW)).await.map(drop)
}

/// Additions, dates, removing, sessions, codes and counts all work.
async fn assert_works(directory: &SqliteDirectory, name: &str) {
    for number in 0..OFTEN {
        let subject = format!("{name}-{number}");
        add(directory, &subject).await.unwrap();
        see(directory, &subject, NOW + 5).await.unwrap();
        let found = directory.find(&issuer(), &subject.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(found.last_seen_at(), Some(at(NOW + 5)));
        revoke(directory, &subject).await.unwrap();
        directory.prune(at(NOW)).await.unwrap();
        assert_eq!(directory.revoked_tokens().await.unwrap(), []);
        begin_session(directory, &subject).await.unwrap();
        issue_code(directory, &subject).await.unwrap();
        count_attempt(directory, &subject).await.unwrap();
    }
}

fn assert_unavailable(result: Result<(), DirectoryError>) {
    let fault = result.unwrap_err();
    assert!(matches!(fault, DirectoryError::Unavailable { .. }), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_spoils_no_connection_whoever_rolls_it_back() {
    for (directory, _folder) in each().await {
        add(&directory, "before").await.unwrap();
        for fault in ["ROLLBACK", "ABORT"] {
            revoke(&directory, "t").await.unwrap();
            sql(&directory, &BREAK.replace("FAULT", fault)).await;
            for number in 0..OFTEN {
                assert_unavailable(add(&directory, &format!("no-{number}")).await);
                assert_unavailable(see(&directory, "before", NOW + 1).await);
                assert_unavailable(directory.prune(at(NOW)).await);
                assert_unavailable(begin_session(&directory, "no").await);
                assert_unavailable(issue_code(&directory, "before").await);
                assert_unavailable(count_attempt(&directory, "no").await);
            }
            sql(&directory, MEND).await;
            assert_works(&directory, fault).await;
        }
        // Nothing of what failed is there, and all of what was.
        let users = directory.list().await.unwrap();
        assert!(users.iter().all(|user| !user.subject().as_str().starts_with("no-")));
        assert!(users.iter().any(|user| user.subject().as_str() == "before"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_broken_off_spoils_no_connection() {
    for (directory, _folder) in each().await {
        for number in 0..50 {
            let subject = format!("off-{number}");
            let adding = add(&directory, &subject);
            let moment = std::time::Duration::from_micros(100 * number);
            let _ = tokio::time::timeout(moment, adding).await;
            let counting = count_attempt(&directory, &subject);
            let _ = tokio::time::timeout(moment, counting).await;
        }
        assert_works(&directory, "after").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_not_grow_is_written_again_once_it_may() {
    for (directory, folder) in each().await {
        for round in 0..OFTEN {
            // The bound is the connection's: it is lifted by hand where the connection stays.
            query("PRAGMA max_page_count = 1").execute(directory.pool()).await.unwrap();
            let mut failed = None;
            for number in 0..1000 {
                failed = add(&directory, &format!("full-{round}-{number}")).await.err();
                if failed.is_some() {
                    break;
                }
            }
            let fault = failed.unwrap();
            let source = std::error::Error::source(&fault).unwrap().to_string();
            assert!(source.contains("full"), "{source}");
            if folder.is_none() {
                query("PRAGMA max_page_count = 1000000").execute(directory.pool()).await.unwrap();
            }
            assert_works(&directory, &format!("after-{round}")).await;
        }
    }
}

/// A small file system in memory, until it is dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None` where this process may not mount one. With `TEST_MOUNT=required` that is a failure.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let options = format!("size={size}");
        let is_mounted = is_root && mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], folder.path());
        #[expect(clippy::disallowed_methods, reason = "the gate says what must be there")]
        let is_required = std::env::var_os("TEST_MOUNT").is_some_and(|it| it == "required");
        assert!(is_mounted || !is_required, "TEST_MOUNT=required, and a tmpfs cannot be mounted");
        if !is_mounted {
            eprintln!("left out: only root can mount a small disk");
        }
        is_mounted.then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn resize(&self, size: &str) {
        assert!(mount(&["-o", &format!("remount,size={size}")], self.path()));
    }

    /// Takes all the room that is left; gives the file that does.
    fn fill(&self) -> PathBuf {
        let filler = self.path().join("filler");
        let _ = fs::write(&filler, vec![0; 64 << 20]);
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    let done = Command::new("mount").args(options).arg(folder).output();
    done.is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_forgotten_once_there_is_room() {
    let Some(disk) = SmallDisk::mount("1m") else { return };
    let data = disk.path().join("data");
    let url = format!("sqlite://{}", data.join("users.db").display());
    let directory = SqliteDirectory::open(&url).await.unwrap();
    add(&directory, "before").await.unwrap();
    revoke(&directory, "t").await.unwrap();
    let fill = async |directory: &SqliteDirectory, name: &str| {
        for number in 0..10_000 {
            if add(directory, &format!("{name}-{number}")).await.is_err() {
                return;
            }
        }
        panic!("the disk does not get full");
    };
    for round in 0..OFTEN {
        let filler = disk.fill();
        fill(&directory, &format!("full-{round}")).await;
        for number in 0..OFTEN {
            assert_unavailable(add(&directory, &format!("no-{round}-{number}")).await);
            let _ = see(&directory, "before", NOW + i64::try_from(round).unwrap()).await;
            let _ = directory.prune(at(NOW)).await;
        }
        // What is known can be read all the while.
        assert!(directory.find(&issuer(), &"before".parse().unwrap()).await.unwrap().is_some());
        if round == 0 {
            disk.resize("16m");
        }
        fs::remove_file(filler).unwrap();
        assert_works(&directory, &format!("after-{round}")).await;
    }
    directory.close().await;
}

fn at(secs: i64) -> NumericDate {
    NumericDate::from_secs(secs).unwrap()
}

fn issuer() -> Issuer {
    "https://issuer.example".parse().unwrap()
}
