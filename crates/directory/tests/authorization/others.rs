//! Consents, counts of attempts, and assertions.

use std::time::Duration;

use auth_core::{ClientId, NumericDate, ResourceUri, oauth::SingleUse};
use directory::{
    Edit,
    authorization::{AddGrant, Consent, Throttle},
};

use crate::{APP, DAY, DOCUMENT, Nodes, at, at_once, code, digest, grant, of_client, user};

fn resource(name: &str) -> ResourceUri {
    format!("https://{name}.example").parse().unwrap()
}

fn client_of(name: &str) -> ClientId {
    name.parse().unwrap()
}

pub(crate) async fn a_consent_is_remembered_by_client_and_resource(nodes: Nodes) {
    let remember = async |subject, name, place, scopes: &str, secs| {
        let (user, client, resource) = (user(subject), client_of(name), resource(place));
        let consent = allowed(scopes);
        nodes
            .one
            .remember_consent(&user, (&client, DOCUMENT), &resource, &consent, at(secs))
            .await
            .unwrap();
    };
    let consented = async |subject, name, place| {
        let (user, client, resource) = (user(subject), client_of(name), resource(place));
        let consent = nodes.other.consented(&user, &client, &resource).await.unwrap();
        assert!(consent.declined().is_empty());
        consent.allowed().to_string()
    };
    assert_eq!(consented("alice", APP, "a").await, "");
    remember("alice", APP, "a", "b a", 0).await;
    remember("alice", APP, "b", "c", 0).await;
    remember("alice", "another", "a", "d", 0).await;
    assert_eq!(consented("alice", APP, "a").await, "a b");
    assert_eq!(consented("alice", APP, "b").await, "c");
    assert_eq!(consented("alice", APP, "c").await, "");
    assert_eq!(consented("bob", APP, "a").await, "");
    remember("alice", APP, "a", "a", 1).await;
    assert_eq!(consented("alice", APP, "a").await, "a");
    remember("nobody", APP, "a", "a", 1).await;
    assert_eq!(consented("nobody", APP, "a").await, "");

    nodes.one.forget_consents(&user("bob"), &client_of(APP)).await.unwrap();
    assert_eq!(consented("alice", APP, "a").await, "a");
    nodes.one.forget_consents(&user("alice"), &client_of(APP)).await.unwrap();
    assert_eq!(consented("alice", APP, "a").await, "");
    assert_eq!(consented("alice", APP, "b").await, "");
    assert_eq!(consented("alice", "another", "a").await, "d");
    nodes.edit(Edit::Remove(user("alice"))).await;
    crate::add_user(nodes.one.users(), "alice").await;
    assert_eq!(consented("alice", "another", "a").await, "");
}

/// The consent of a user who was offered `scopes` alone, and allowed them.
pub(crate) fn allowed(scopes: &str) -> Consent {
    let scopes = scopes.parse().unwrap();
    Consent::default().after(&scopes, &scopes)
}

pub(crate) async fn where_a_client_was_sent_back_to_is_known_while_its_grant_is(nodes: Nodes) {
    let known = async |subject, client, place| {
        let (user, client) = (user(subject), client_of(client));
        let found = nodes.other.consented_redirects(&user, &client, &place).await.unwrap();
        let mut found: Vec<String> = found.iter().map(ToString::to_string).collect();
        found.sort();
        found
    };
    let here: ResourceUri = crate::RESOURCE.parse().unwrap();
    assert_eq!(known("alice", APP, here.clone()).await, [""; 0]);
    let web = "https://app.example/callback";
    for (byte, uri) in [(1, None), (2, None), (3, Some(web))] {
        let grant = grant(byte, "alice", APP);
        let mut code = code(&grant);
        if let Some(uri) = uri {
            code.redirect_uri = uri.parse().unwrap();
        }
        let added = nodes.one.issue_code(&grant, DOCUMENT, &digest(byte), &code).await.unwrap();
        assert_eq!(added, AddGrant::Added);
    }
    let both = ["http://127.0.0.1:4000/callback?a=%20b", web];
    assert_eq!(known("alice", APP, here.clone()).await, both);
    for (subject, client, place) in [
        ("bob", APP, here.clone()),
        ("alice", "another", here.clone()),
        ("alice", APP, resource("a")),
    ] {
        assert_eq!(known(subject, client, place).await, [""; 0], "{subject} {client}");
    }
    // Ended grants are kept for a day, and known no longer.
    assert_eq!(nodes.one.end_grants(&of_client(APP), at(1)).await.unwrap().grants, 3);
    assert_eq!(known("alice", APP, here).await, [""; 0]);
}

pub(crate) async fn what_was_offered_and_left_out_is_remembered(nodes: Nodes) {
    let (user, client, resource) = (user("alice"), client_of(APP), resource("a"));
    for (secs, offered, chosen, is_allowed, is_declined) in [
        (0, "a b c", "a", "a", "b c"),
        // Of what was not offered, nothing changes; what was not offered cannot be chosen.
        (1, "d", "d e", "a d", "b c"),
        // Allowed later, it is not left out any more, and the other way round.
        (2, "a b", "b", "b d", "a c"),
        (3, "c", "", "b d", "a c"),
        (4, "a b c d", "a b c d", "a b c d", ""),
    ] {
        let before = nodes.other.consented(&user, &client, &resource).await.unwrap();
        let after = before.after(&offered.parse().unwrap(), &chosen.parse().unwrap());
        nodes
            .one
            .remember_consent(&user, (&client, DOCUMENT), &resource, &after, at(secs))
            .await
            .unwrap();
        let known = nodes.other.consented(&user, &client, &resource).await.unwrap();
        assert_eq!(known, after, "{secs}");
        assert_eq!(known.allowed().to_string(), is_allowed, "{secs}");
        assert_eq!(known.declined().to_string(), is_declined, "{secs}");
    }
}

pub(crate) async fn attempts_are_counted_in_windows(nodes: Nodes) {
    let window = Duration::from_mins(1);
    let count = async |key, secs| nodes.one.count_attempt(key, window, at(secs)).await.unwrap();
    let known = async |key, secs| nodes.other.throttle(key, at(secs)).await.unwrap();
    let throttle = |failures, secs| Throttle { failures, ends_at: Some(at(secs)) };
    assert_eq!(known("alice", 0).await, Throttle::default());
    assert_eq!(count("alice", 0).await, throttle(1, 60));
    assert_eq!(count("alice", 59).await, throttle(2, 60));
    assert_eq!(known("alice", 59).await, throttle(2, 60));
    assert_eq!(known("Alice", 59).await, Throttle::default());
    // One that was right makes up for itself alone.
    nodes.other.forgive_attempt("alice").await.unwrap();
    assert_eq!(known("alice", 59).await, throttle(1, 60));
    nodes.other.forgive_attempt("alice").await.unwrap();
    assert_eq!(known("alice", 59).await, throttle(1, 60));
    // The window is over, and the next one begins.
    assert_eq!(known("alice", 60).await, Throttle::default());
    assert_eq!(count("alice", 60).await, throttle(1, 120));
    assert_eq!(count("é 2001:db8::/64", 0).await, throttle(1, 60));
    nodes.other.clear_attempts("alice").await.unwrap();
    assert_eq!(known("alice", 61).await, Throttle::default());
    nodes.other.prune_authorizations(at(59), DAY).await.unwrap();
    assert_eq!(known("é 2001:db8::/64", 59).await, throttle(1, 60));
    nodes.other.prune_authorizations(at(60), DAY).await.unwrap();
    assert_eq!(known("é 2001:db8::/64", 59).await, Throttle::default());
}

pub(crate) async fn attempts_at_once_are_all_counted(nodes: Nodes) {
    let counts = nodes.each(40).map(|node| async move {
        let window = Duration::from_mins(1);
        node.count_attempt("alice", window, at(0)).await.unwrap().failures
    });
    let mut counts = at_once(counts).await;
    counts.sort_unstable();
    assert_eq!(counts, (1..=40).collect::<Vec<u64>>());
}

pub(crate) async fn an_assertion_is_used_once_by_its_issuer(nodes: Nodes) {
    let (here, there) = ("https://here.example", "https://there.example");
    let assertion = |id: &str, until: NumericDate| SingleUse { id: id.parse().unwrap(), until };
    let used = async |issuer: &str, id: &str| {
        nodes.other.use_assertion(issuer, &assertion(id, at(60))).await.unwrap()
    };
    let at_the_same_time = nodes.each(8).map(|node| async move {
        let assertion = SingleUse { id: "one".parse().unwrap(), until: at(60) };
        node.use_assertion("https://here.example", &assertion).await.unwrap()
    });
    assert_eq!(at_once(at_the_same_time).await.iter().filter(|used| **used).count(), 1);
    assert!(!used(here, "one").await);
    assert!(used(here, "ONE").await && used(there, "one").await);
    // Many are forgotten, in several steps.
    for number in 0..501 {
        assert!(used(there, &format!("n{number}")).await);
    }
    nodes.one.prune_authorizations(at(59), DAY).await.unwrap();
    assert!(!used(here, "one").await && !used(there, "n0").await);
    nodes.one.prune_authorizations(at(60), DAY).await.unwrap();
    assert!(used(here, "one").await && used(there, "n0").await && used(there, "n500").await);
}

pub(crate) async fn consents_of_a_user_are_bounded(nodes: Nodes) {
    let (alice, resource, consent) = (user("alice"), resource("a"), allowed("a"));
    let remember = async |number: u16, secs| {
        let client = client_of(&format!("c{number:03}"));
        nodes
            .one
            .remember_consent(&alice, (&client, DOCUMENT), &resource, &consent, at(secs))
            .await
            .unwrap();
    };
    let knows = async |number: u16| {
        let client = client_of(&format!("c{number:03}"));
        nodes.other.consented(&alice, &client, &resource).await.unwrap() == consent
    };
    let consents = nodes.each(500).zip(0_u16..).map(|(node, number)| {
        let (alice, resource) = (user("alice"), self::resource("a"));
        async move {
            let (client, consent) = (client_of(&format!("c{number:03}")), allowed("a"));
            let at = at(i64::from(number) + 1);
            node.remember_consent(&alice, (&client, DOCUMENT), &resource, &consent, at)
                .await
                .unwrap();
        }
    });
    at_once(consents).await;
    assert!(knows(0).await);
    // One that is given again is not the oldest any more.
    remember(0, 600).await;
    remember(500, 601).await;
    assert!(knows(0).await && !knows(1).await && knows(2).await && knows(500).await);
}
