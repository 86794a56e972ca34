//! What only a directory in a file can do, or suffer.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use auth_core::{Issuer, NumericDate, RoleName, Subject};
use directory::{
    Directory, DirectoryError, Edit, EditOutcome, NewUser, SqliteDirectory, Stamp, Store, UserName,
    UserStatus,
};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

#[tokio::test]
async fn users_outlive_the_process() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;
    let before = directory.list().await.unwrap();
    directory.close().await;
    assert_eq!(file.files(), ["users.db"]);

    let directory = file.open().await.unwrap();
    assert_eq!(directory.list().await.unwrap(), before);
    assert_eq!(before.len(), 1);
}

#[tokio::test]
async fn a_closed_directory_answers_nothing() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    let clone = directory.clone();
    directory.close().await;
    let fault = clone.find(&issuer(), &alice()).await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Unavailable { .. }));
    assert!(fault.source().is_some());
    assert!(clone.ping().await.is_err());
}

#[tokio::test]
async fn changes_of_another_process_are_seen_at_once() {
    let file = Database::new();
    let server = file.open().await.unwrap();
    assert_eq!(server.find(&issuer(), &alice()).await.unwrap(), None);

    let command = file.open().await.unwrap();
    add_alice(&command).await;
    let user = server.find(&issuer(), &alice()).await.unwrap().unwrap();
    assert!(user.is_active() && user.roles().contains(&admin()));

    let change = command.edit(Edit::RevokeRole(name(), admin()), &stamp()).await;
    assert_eq!(change.unwrap(), EditOutcome::Changed);
    let user = server.find(&issuer(), &alice()).await.unwrap().unwrap();
    assert!(user.roles().is_empty());

    let (issuer, alice) = (issuer(), alice());
    let disable = Edit::SetStatus(name(), UserStatus::Disabled);
    assert_eq!(command.edit(disable, &stamp()).await.unwrap(), EditOutcome::Changed);
    command.close().await;
    let user = server.find(&issuer, &alice).await.unwrap().unwrap();
    assert!(!user.is_active());
}

#[tokio::test]
async fn readers_do_not_wait_for_a_writer() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;

    let mut writer = file.connect().await;
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("DELETE FROM users").execute(&mut *transaction).await.unwrap();
    assert!(directory.find(&issuer(), &alice()).await.unwrap().is_some());
    transaction.commit().await.unwrap();
    assert_eq!(directory.find(&issuer(), &alice()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_a_new_file_at_once() {
    for _ in 0..5 {
        let file = Database::new();
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let url = file.url();
                tokio::spawn(async move { SqliteDirectory::open(&url).await })
            })
            .collect();
        for directory in opening {
            directory.await.unwrap().unwrap().ping().await.unwrap();
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a/b");
    let file = Database { path: folder.join("users.db"), _folder: root };
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.parent().unwrap()), 0o700);
    assert_eq!(file.files(), ["users.db", "users.db-shm", "users.db-wal"]);
    for name in file.files() {
        assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;
    directory.close().await;
    file.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await;
    let before = fs::read(&file.path).unwrap();

    let fault = file.open().await.unwrap_err();
    assert!(matches!(fault, DirectoryError::NewerSchema { found: 9999, known: 5, .. }));
    file.is_named_in(&fault);
    assert!(fault.to_string().contains("newer program"));
    assert!(fs::read(&file.path).unwrap() == before);
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let file = Database::new();
    file.open().await.unwrap().close().await;
    file.execute("UPDATE _sqlx_migrations SET checksum = x'00'").await;
    let fault = file.open().await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Migration { .. }));
    file.is_named_in(&fault);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    // A file of one byte counts as empty: some file systems cannot keep an emptier one.
    for garbage in ["xy".to_owned(), "not a database\n".repeat(1000)] {
        let file = Database::new();
        fs::write(&file.path, &garbage).unwrap();
        let fault = file.open().await.unwrap_err();
        assert!(matches!(fault, DirectoryError::NotADatabase { .. }), "{fault:?}");
        file.is_named_in(&fault);
        assert_eq!(fs::read_to_string(&file.path).unwrap(), garbage);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let folder = root.path().join("file/folder");
    let file = Database { path: folder.join("users.db"), _folder: root };
    let fault = file.open().await.unwrap_err();
    assert!(matches!(&fault, DirectoryError::Folder { path, .. } if *path == folder));
    assert!(fault.to_string().contains(folder.to_str().unwrap()));
    assert!(fault.source().is_some());
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_is_named() {
    let file = Database::new();
    fs::create_dir(&file.path).unwrap();
    let fault = file.open().await.unwrap_err();
    assert!(matches!(fault, DirectoryError::File { .. }), "{fault:?}");
    file.is_named_in(&fault);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_or_file_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let file = Database::new();
    let folder = file.path.parent().unwrap();
    set_mode(folder, 0o500);
    if fs::write(folder.join("probe"), "").is_ok() {
        return; // root may write anywhere
    }
    let fault = file.open().await.unwrap_err();
    assert!(matches!(fault, DirectoryError::File { .. }), "{fault:?}");
    file.is_named_in(&fault);

    set_mode(folder, 0o700);
    file.open().await.unwrap().close().await;
    set_mode(&file.path, 0o400);
    let fault = file.open().await.unwrap_err();
    assert!(matches!(fault, DirectoryError::File { .. }), "{fault:?}");
    file.is_named_in(&fault);
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused() {
    let opened = SqliteDirectory::open("mysql://app:hunter2@db.example/users").await;
    let fault = opened.unwrap_err();
    assert!(matches!(&fault, DirectoryError::UnsupportedUrl { scheme } if scheme == "mysql"));
    assert!(fault.to_string().contains("sqlite::memory:"));
    assert!(!format!("{fault} {fault:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_lost_table_is_an_error_not_a_missing_user() {
    for table in ["users", "user_roles"] {
        let file = Database::new();
        let directory = file.open().await.unwrap();
        add_alice(&directory).await;
        file.execute(&format!("PRAGMA foreign_keys = OFF; DROP TABLE {table}")).await;
        for subject in [alice(), "bob".parse().unwrap()] {
            let fault = directory.find(&issuer(), &subject).await.unwrap_err();
            assert!(matches!(fault, DirectoryError::Unavailable { .. }), "{fault:?}");
            file.is_named_in(&fault);
        }
        assert!(directory.list().await.is_err());
        assert!(directory.ping().await.is_err());
    }
}

#[tokio::test]
async fn a_table_that_was_lost_is_noticed_on_opening() {
    let file = Database::new();
    file.open().await.unwrap().close().await;
    file.execute("DROP TABLE users").await;
    let fault = file.open().await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Migration { .. }), "{fault:?}");
    file.is_named_in(&fault);
}

#[tokio::test]
async fn values_that_cannot_be_read_are_an_error_not_a_missing_role() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;
    file.execute("UPDATE user_roles SET role = 'ad' || char(10) || 'min'").await;
    let fault = directory.find(&issuer(), &alice()).await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Corrupt { column: "role", .. }));
    assert!(fault.source().is_some());
}

#[tokio::test]
async fn the_tables_hold_only_what_a_user_can_be() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;
    for statement in [
        "UPDATE users SET status = 'Active'",
        "UPDATE users SET status = NULL",
        "UPDATE users SET subject = ''",
        "UPDATE users SET created_at = -1",
        "UPDATE users SET created_at = 'now'",
        "UPDATE user_roles SET role = ''",
        "INSERT INTO user_roles (issuer, subject, role) VALUES ('https://issuer.example', 'bob', 'admin')",
    ] {
        let mut connection = file.connect().await;
        let refused = sqlx::query(statement).execute(&mut connection).await;
        assert!(refused.is_err(), "{statement}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_replaced_is_not_believed() {
    let file = Database::new();
    let directory = file.open().await.unwrap();
    add_alice(&directory).await;
    for name in file.files() {
        fs::remove_file(file.path.with_file_name(name)).unwrap();
    }
    for _ in 0..2 {
        let fault = directory.find(&issuer(), &alice()).await.unwrap_err();
        assert!(matches!(fault, DirectoryError::Replaced { .. }), "{fault:?}");
        file.is_named_in(&fault);
        assert!(directory.ping().await.is_err());
        assert!(directory.edit(Edit::Grant(name(), admin(), None), &stamp()).await.is_err());
        // A new one in its place is no better, until it is opened.
        let new = file.open().await.unwrap();
        assert_eq!(new.find(&issuer(), &alice()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn two_directories_in_memory_are_two() {
    let first = SqliteDirectory::open("sqlite::memory:").await.unwrap();
    let second = SqliteDirectory::open("sqlite::memory:").await.unwrap();
    add_alice(&first).await;
    assert_eq!(first.clone().list().await.unwrap().len(), 1);
    assert_eq!(second.list().await.unwrap(), []);
}

/// A place for a database file in a folder of its own.
struct Database {
    path: PathBuf,
    _folder: TempDir,
}

impl Database {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("users.db"), _folder: folder }
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.path.display())
    }

    async fn open(&self) -> Result<SqliteDirectory, DirectoryError> {
        SqliteDirectory::open(&self.url()).await
    }

    /// A connection past the directory.
    async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.path);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    async fn execute(&self, statements: &str) {
        let mut connection = self.connect().await;
        let statements = AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The files beside it, and itself, by name.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path.parent().unwrap()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn is_named_in(&self, fault: &DirectoryError) {
        let text = fault.to_string();
        assert!(text.contains(self.path.to_str().unwrap()), "{text}");
    }
}

async fn add_alice(directory: &SqliteDirectory) {
    let user = NewUser {
        issuer: issuer(),
        subject: alice(),
        display_name: "Alice".into(),
        roles: [admin()].into(),
    };
    directory.add(user, &stamp()).await.unwrap();
}

fn name() -> UserName {
    UserName::new(&issuer(), &alice())
}

fn stamp() -> Stamp {
    Stamp::new("a test", NumericDate::from_secs(1_800_000_000).unwrap())
}

fn issuer() -> Issuer {
    "https://issuer.example".parse().unwrap()
}

fn alice() -> Subject {
    "alice".parse().unwrap()
}

fn admin() -> RoleName {
    "admin".parse().unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn users_that_anybody_may_write_are_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = data.join("directory.db");
    let url = format!("sqlite://{}", file.display());
    SqliteDirectory::open(&url).await.unwrap().close().await;
    for (path, loose, tight) in [(&file, 0o666, 0o600), (&data, 0o777, 0o700)] {
        fs::set_permissions(path, fs::Permissions::from_mode(loose)).unwrap();
        let fault = SqliteDirectory::open(&url).await.unwrap_err();
        assert!(
            matches!(&fault, DirectoryError::InsecurePermissions { path: named } if named == path)
        );
        assert!(fault.to_string().contains("chmod"), "{fault}");
        fs::set_permissions(path, fs::Permissions::from_mode(tight)).unwrap();
    }
    assert!(SqliteDirectory::open(&url).await.is_ok());
}
