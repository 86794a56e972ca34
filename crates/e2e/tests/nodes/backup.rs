//! Backup while a server runs, loss of everything, restore: the scripts of `docs/deploy/`.

use std::{os::unix::fs::MetadataExt, path::Path, process::Command};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use testkit::Postgres;

use crate::site::{Node, Site, USER, example, get_time, http, program, status};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_comes_back_with_all_that_was_decided() {
    if program("sqlite3").is_none() {
        return;
    }
    let site = Site::new(None);
    let file = site.database_url.strip_prefix("sqlite://").unwrap().to_owned();
    let lose = || {
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{file}{ending}"));
        }
        site.database_url.clone()
    };
    backup_and_restore(&site, None, lose).await;

    // Over one that is there it does not write.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    script("backup", &site.database_url, &copy, None).unwrap();
    let fault = script("restore", &site.database_url, &copy, None).unwrap_err();
    assert!(fault.contains("move it away first"), "{fault}");
    assert!(script("backup", &site.database_url, &copy, None).is_err(), "nor over another backup");

    // Run by root it gives the file to the owner of the folder, who is the server's user.
    let others = folder.path().join("others");
    std::fs::create_dir(&others).unwrap();
    if std::os::unix::fs::chown(&others, Some(1), Some(1)).is_ok() {
        let file = others.join("directory.db");
        script("restore", &format!("sqlite://{}", file.display()), &copy, None).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().uid(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_postgres_database_comes_back_with_all_that_was_decided() {
    let Some(postgres) = Postgres::for_tests() else { return };
    let site = Site::new(Some(postgres.database().unwrap()));
    let programs = postgres.program("pg_dump").get_program().to_owned();
    let programs = Path::new(&programs).parent().unwrap();
    let lose = || {
        let name = site.database_url.rsplit_once('/').unwrap().1;
        postgres.query(&postgres.url(), &format!("drop database {name}")).unwrap();
        postgres.database().unwrap()
    };
    backup_and_restore(&site, Some(programs), lose).await;

    // Over what is there it does not write.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let full = Site::new(Some(postgres.database().unwrap()));
    script("backup", &full.database_url, &copy, Some(programs)).unwrap();
    let fault = script("restore", &full.database_url, &copy, Some(programs)).unwrap_err();
    assert!(fault.contains("already exists"), "{fault}");
}

/// Makes a backup while a server runs and is changed, loses the database, and restores it to what
/// `lose` says.
async fn backup_and_restore(site: &Site, programs: Option<&Path>, lose: impl FnOnce() -> String) {
    let mut node = site.node();
    node.start();
    for args in [
        &["users", "add", "carol", "--role", "admin"][..],
        &["users", "add", "dave", "--role", "admin"],
        &["users", "disable", "carol"],
    ] {
        node.admin(args);
    }
    let (http, now) = (http(), || site.token(USER));
    let (good, revoked) = (now(), now());
    // It was not made here, though it has the issuer of this place.
    let (issuer, id) = (claim(&revoked, "iss"), claim(&revoked, "jti"));
    node.admin(&["tokens", "revoke", "--issuer", &issuer, &id]);

    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("backup");
    let busy = std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            for number in 0..5 {
                node.admin(&["users", "add", &format!("late-{number}")]);
            }
        });
        script("backup", &site.database_url, &copy, programs).unwrap();
        busy.join()
    });
    busy.unwrap();
    let before = users(&node);
    node.stop();
    let restored = lose();
    script("restore", &restored, &copy, programs).unwrap();

    let mut node = site.node_on(&restored);
    node.start();
    let after = users(&node);
    let known = |user: &&String| !user.contains("late-");
    let [before, after] =
        [&before, &after].map(|users| users.iter().filter(known).collect::<Vec<_>>());
    assert_eq!(before, after);
    assert_eq!(before.len(), 4, "{before:?}");
    let url = node.url("/mcp");
    assert_eq!(status(&http, &url, Some(&good)).await, Some(200));
    assert_eq!(status(&http, &url, Some(&revoked)).await, Some(401));
    assert_eq!(status(&http, &url, Some(&site.token("carol"))).await, Some(403));
    let answer = get_time(&http, &url, Some(&site.token("dave"))).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Every user, as JSON, one a line.
fn users(node: &Node) -> Vec<String> {
    let list = node.admin(&["users", "list", "--output", "json"]).out;
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    list.iter().map(ToString::to_string).collect()
}

/// A claim of a token.
fn claim(token: &str, name: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    claims.get(name).unwrap().as_str().unwrap().to_owned()
}

/// What the script complains about, if it does. It finds `programs` before the system's.
fn script(
    name: &str,
    database_url: &str,
    file: &Path,
    programs: Option<&Path>,
) -> Result<(), String> {
    let first = programs.map_or_else(String::new, |folder| format!("{}:", folder.display()));
    let done = Command::new(example(name))
        .arg(file)
        .env("PATH", format!("{first}/usr/local/bin:/usr/bin:/bin"))
        .env("DATABASE_URL", database_url)
        .output()
        .unwrap();
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8(done.stderr).unwrap())
}
