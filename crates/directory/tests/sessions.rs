//! Sessions and secrets, which nodes share: one contract, in every database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use auth_core::{NumericDate, Owner};
use directory::{AnyDirectory, Shared};
use tempfile::TempDir;
use testkit::{NOW, Postgres};

const DAY: i64 = 24 * 3600;

fn at(secs: i64) -> NumericDate {
    NumericDate::from_secs(NOW + secs).unwrap()
}

fn owner(subject: &str, client: Option<&str>) -> Owner {
    Owner::Principal {
        issuer: "https://issuer.example".parse().unwrap(),
        subject: subject.parse().unwrap(),
        client_id: client.map(|client| client.parse().unwrap()),
    }
}

/// Two nodes on one database.
async fn nodes(url: &str) -> [Shared; 2] {
    let one = AnyDirectory::open(url).await.unwrap();
    [Shared::new(one), Shared::new(AnyDirectory::open(url).await.unwrap())]
}

async fn contract(url: &str) {
    let [one, other] = nodes(url).await;

    // A secret is made once.
    let first = one.secret("seal", b"first").await.unwrap();
    assert_eq!(first, b"first");
    assert_eq!(other.secret("seal", b"second").await.unwrap(), b"first");
    assert_eq!(other.secret("another", b"third").await.unwrap(), b"third");
    let at = |secs: i64| NumericDate::from_secs(1_800_000_000 + secs).unwrap();
    assert_eq!(one.announce_keys(&["a", "b"], at(0), at(-60)).await.unwrap(), ["a", "b"]);
    assert_eq!(other.announce_keys(&["c"], at(50), at(-10)).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(one.announce_keys(&["a"], at(90), at(30)).await.unwrap(), ["a", "c"]);
    // After a day it is forgotten, and secrets are not.
    let day = at(24 * 3600 + 60);
    assert_eq!(one.announce_keys(&[], day, at(0)).await.unwrap(), ["a"]);
    assert_eq!(other.secret("another", b"fourth").await.unwrap(), b"third");

    // The last head of each log is kept.
    assert_eq!(one.audit_head("a log").await.unwrap(), None);
    one.keep_audit_head("a log", "1:x").await.unwrap();
    one.keep_audit_head("another", "9:z").await.unwrap();
    other.keep_audit_head("a log", "2:y").await.unwrap();
    assert_eq!(one.audit_head("a log").await.unwrap().as_deref(), Some("2:y"));
    assert_eq!(other.audit_head("another").await.unwrap().as_deref(), Some("9:z"));

    // So are the names of logs that are copied.
    assert_eq!(one.copied_audit_logs().await.unwrap(), [""; 0]);
    for log in ["b log", "a log", "b log"] {
        one.note_copied_audit_log(log).await.unwrap();
    }
    assert_eq!(other.copied_audit_logs().await.unwrap(), ["a log", "b log"]);

    // A session that one node began, the other takes up: for its owner, and for nobody else.
    let owners = [
        owner("alice", Some("app")),
        owner("alice", None),
        owner("bob", Some("app")),
        Owner::Anonymous,
    ];
    for mine in &owners {
        let id = format!("session of {mine:?}");
        one.begin_session(&id, mine, b"state", at(0)).await.unwrap();
        for whose in &owners {
            let state = other.take_up_session(&id, whose, at(1)).await.unwrap();
            assert_eq!(state.as_deref(), (whose == mine).then_some(&b"state"[..]), "{whose:?}");
        }
        // Nobody else ends it, or begins it again.
        for whose in owners.iter().filter(|whose| *whose != mine) {
            other.end_session(&id, whose).await.unwrap();
            other.begin_session(&id, whose, b"stolen", at(1)).await.unwrap();
        }
        assert_eq!(one.take_up_session(&id, mine, at(2)).await.unwrap().unwrap(), b"state");
        other.end_session(&id, mine).await.unwrap();
        assert_eq!(one.take_up_session(&id, mine, at(2)).await.unwrap(), None);
    }

    // Taken up, it lasts for another day; then it is gone, and later forgotten.
    let alice = &owners[0];
    one.begin_session("s", alice, b"state", at(0)).await.unwrap();
    assert!(other.take_up_session("s", alice, at(DAY)).await.unwrap().is_some());
    assert!(one.take_up_session("s", alice, at(2 * DAY)).await.unwrap().is_some());
    assert!(one.take_up_session("s", alice, at(3 * DAY + 1)).await.unwrap().is_none());
    one.prune_sessions(at(3 * DAY)).await.unwrap();
    assert!(one.take_up_session("s", alice, at(3 * DAY)).await.unwrap().is_some());
    one.prune_sessions(at(4 * DAY + 1)).await.unwrap();
    assert!(one.take_up_session("s", alice, at(3 * DAY)).await.unwrap().is_none());

    // One more than a hundred ends the oldest, and no other's.
    one.begin_session("bob's", &owners[2], b"state", at(0)).await.unwrap();
    for number in 0..101 {
        one.begin_session(&format!("s{number}"), alice, b"state", at(number)).await.unwrap();
    }
    assert!(other.take_up_session("s0", alice, at(200)).await.unwrap().is_none());
    assert!(other.take_up_session("s1", alice, at(200)).await.unwrap().is_some());
    assert!(other.take_up_session("bob's", &owners[2], at(200)).await.unwrap().is_some());
}

#[tokio::test]
async fn sqlite() {
    let folder = TempDir::new().unwrap();
    contract(&format!("sqlite://{}", folder.path().join("directory.db").display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let Some(mut postgres) = Postgres::for_tests() else { return };
    let url = postgres.database().unwrap();
    contract(&url).await;

    // A database that is away is no "no such session".
    let [one, _] = nodes(&url).await;
    let alice = owner("alice", None);
    one.begin_session("s", &alice, b"state", at(0)).await.unwrap();
    postgres.stop().unwrap();
    assert!(one.take_up_session("s", &alice, at(0)).await.is_err());
    postgres.start_again().unwrap();
    assert!(one.take_up_session("s", &alice, at(0)).await.unwrap().is_some());
}
