//! Browsers that are signed in.

use std::time::Duration;

use auth_core::oauth::SecretDigest;
use directory::{Directory, Edit, authorization::NewSession};

use crate::{DAY, Nodes, at, at_once, digest, user};

const IDLE: Duration = Duration::from_hours(1);

fn session(number: u8, subject: &str) -> NewSession {
    NewSession {
        digest: digest(number),
        id: format!("s{number:03}"),
        user: user(subject),
        method: "password+totp".parse().unwrap(),
        user_agent: "Mozilla/5.0 '\" é".into(),
        created_at: at(0),
        expires_at: at(86_400),
    }
}

async fn begin(nodes: &Nodes, number: u8, subject: &str) -> bool {
    nodes.one.begin_browser_session(&session(number, subject)).await.unwrap()
}

async fn is_alive(nodes: &Nodes, digest: &SecretDigest, secs: i64) -> bool {
    nodes.other.use_browser_session(digest, IDLE, at(secs)).await.unwrap().is_some()
}

async fn ids(nodes: &Nodes, subject: &str, secs: i64) -> Vec<String> {
    let sessions = nodes.other.browser_sessions(&user(subject), at(secs)).await.unwrap();
    sessions.into_iter().map(|session| session.begun.id).collect()
}

pub(crate) async fn a_session_is_found_by_its_cookie_alone(nodes: Nodes) {
    assert!(begin(&nodes, 1, "alice").await);
    let found = nodes.other.use_browser_session(&digest(1), IDLE, at(5)).await.unwrap().unwrap();
    let begun = session(1, "alice");
    assert_eq!(format!("{:?}", found.begun), format!("{begun:?}"));
    assert_eq!((found.begun.digest, found.last_used_at), (begun.digest, at(0)));
    assert!(!is_alive(&nodes, &digest(2), 5).await);
    // Its name in lists opens nothing, and a name is one session's.
    let again = NewSession { digest: digest(2), ..begun };
    assert!(nodes.one.begin_browser_session(&again).await.is_err());
}

pub(crate) async fn a_session_ends_by_disuse_and_by_its_date(nodes: Nodes) {
    assert!(begin(&nodes, 1, "alice").await);
    // A use within a minute is not written down.
    assert!(is_alive(&nodes, &digest(1), 59).await);
    assert!(!is_alive(&nodes, &digest(1), 3601).await);
    assert!(is_alive(&nodes, &digest(1), 3600).await);
    assert!(!is_alive(&nodes, &digest(1), 7201).await);
    for hour in 2..24 {
        assert!(is_alive(&nodes, &digest(1), 3600 * hour).await);
    }
    assert!(is_alive(&nodes, &digest(1), 86_399).await);
    assert!(!is_alive(&nodes, &digest(1), 86_400).await);
    assert!(ids(&nodes, "alice", 86_400).await.is_empty());
    nodes.one.prune_authorizations(at(86_399), DAY).await.unwrap();
    assert!(is_alive(&nodes, &digest(1), 86_399).await);
    nodes.one.prune_authorizations(at(86_400), DAY).await.unwrap();
    assert!(!is_alive(&nodes, &digest(1), 86_399).await);
}

pub(crate) async fn disabling_a_user_ends_the_sessions(nodes: Nodes) {
    assert!(begin(&nodes, 1, "alice").await);
    nodes.disable("alice").await;
    assert!(!is_alive(&nodes, &digest(1), 1).await);
    assert!(ids(&nodes, "alice", 1).await.is_empty());
    assert!(!begin(&nodes, 2, "alice").await);
    assert!(!begin(&nodes, 2, "nobody").await);
    // Disabling ended it: it is not alive again.
    nodes.enable("alice").await;
    assert!(!is_alive(&nodes, &digest(1), 1).await);
    assert!(ids(&nodes, "alice", 1).await.is_empty());
    // No change of the status, and no session of another user ends.
    assert!(begin(&nodes, 3, "alice").await && begin(&nodes, 4, "bob").await);
    nodes.enable("alice").await;
    assert!(is_alive(&nodes, &digest(3), 1).await);
    // An import disables a user, too.
    let users = nodes.one.users().list().await.unwrap();
    let alice = users.iter().find(|it| it.subject().as_str() == "alice").unwrap();
    let mut alice = serde_json::to_value(alice).unwrap();
    *alice.get_mut("status").unwrap() = "disabled".into();
    let alice = serde_json::from_value(alice).unwrap();
    nodes.edit(Edit::Import { user: alice, overwrite: true }).await;
    nodes.enable("alice").await;
    assert!(!is_alive(&nodes, &digest(3), 1).await);
    assert!(is_alive(&nodes, &digest(4), 1).await);
    assert!(begin(&nodes, 1, "alice").await);
    nodes.edit(Edit::Remove(user("alice"))).await;
    assert!(!is_alive(&nodes, &digest(1), 1).await);
}

pub(crate) async fn sessions_end_one_by_one_or_all_others(nodes: Nodes) {
    for number in 1..6 {
        assert!(begin(&nodes, number, "alice").await);
    }
    assert!(begin(&nodes, 6, "bob").await);
    assert!(is_alive(&nodes, &digest(2), 100).await);
    assert_eq!(ids(&nodes, "alice", 100).await, ["s002", "s001", "s003", "s004", "s005"]);

    nodes.one.end_browser_session(&digest(1)).await.unwrap();
    assert!(!is_alive(&nodes, &digest(1), 100).await);
    let kept = digest(2);
    let end = async |subject, id, keep| {
        nodes.one.end_browser_sessions_of(&user(subject), id, keep).await.unwrap()
    };
    // Nobody ends another's.
    assert_eq!(end("bob", Some("s003"), None).await, 0);
    assert_eq!(end("alice", Some("s003"), None).await, 1);
    assert_eq!(end("alice", None, Some(&kept)).await, 2);
    assert_eq!(ids(&nodes, "alice", 100).await, ["s002"]);
    assert_eq!(end("alice", None, None).await, 1);
    assert_eq!(ids(&nodes, "bob", 100).await, ["s006"]);
}

pub(crate) async fn a_user_has_a_hundred_sessions(nodes: Nodes) {
    assert!(begin(&nodes, 200, "bob").await);
    for number in 0..100 {
        assert!(begin(&nodes, number, "alice").await);
    }
    assert!(is_alive(&nodes, &digest(0), 100).await);
    assert!(begin(&nodes, 100, "alice").await);
    let left = ids(&nodes, "alice", 100).await;
    assert_eq!(left.len(), 100);
    assert!(left.contains(&"s000".into()) && left.contains(&"s100".into()));
    assert_eq!(ids(&nodes, "bob", 100).await.len(), 1);
}

pub(crate) async fn many_uses_at_once_are_all_answered(nodes: Nodes) {
    assert!(begin(&nodes, 1, "alice").await);
    let tasks = nodes.each(16).map(|node| async move {
        node.use_browser_session(&digest(1), IDLE, at(600)).await.unwrap().is_some()
    });
    assert_eq!(at_once(tasks).await, [true; 16]);
}
