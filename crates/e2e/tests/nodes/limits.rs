//! Two nodes that count rates together in a real Redis.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use testkit::Redis;
use tokio::task::JoinSet;

use crate::site::{Node, Site, USER, eventually, get_time, http, status};

/// How often one caller may have the time, in a day: none becomes due while a test runs.
const RATE: u32 = 60;

/// A site whose nodes count together in `redis`, and the folder of its policy.
fn site(redis: &Redis) -> (Site, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let policy = include_str!("../../../server/policy.toml");
    let rule = "get_time = \"Admin.Write\"";
    assert!(policy.contains(rule));
    let rated = format!("get_time = {{ all = [\"Admin.Write\"], rate = \"{RATE}/day\" }}");
    fs::write(&path, policy.replace(rule, &rated)).unwrap();
    let site = Site::new(None)
        .with("POLICY_FILE", path.to_str().unwrap())
        .with("LIMITS_STORE", &redis.url());
    (site, folder)
}

/// Two nodes that are connected to the store.
fn two(site: &Site) -> [Arc<Node>; 2] {
    [(); 2].map(|()| {
        let mut node = site.node();
        node.start();
        Arc::new(node)
    })
}

async fn connected(nodes: &[Arc<Node>], times: usize) {
    eventually("the nodes are connected to the store", async || {
        let text = "Rates are counted in the limits store";
        nodes.iter().all(|node| node.log().matches(text).count() >= times)
    })
    .await;
}

/// The body of `/readyz`, which is 200.
async fn ready(node: &Node) -> String {
    let answer = http().get(node.url("/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "callers are served");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_are_asked_at_once_permit_no_more_than_the_rate_together() {
    let Some(redis) = Redis::for_tests() else { return };
    let (site, _folder) = site(&redis);
    let nodes = two(&site);
    connected(&nodes, 1).await;
    let (http, token) = (http(), site.token(USER));
    let mut calls = JoinSet::new();
    for number in 0..3 * RATE {
        let url = nodes[number as usize % 2].url("/mcp");
        let (http, token) = (http.clone(), token.clone());
        calls.spawn(async move { status(&http, &url, Some(&token)).await.unwrap() });
    }
    let (mut permitted, mut refused) = (0, 0);
    for answer in calls.join_all().await {
        match answer {
            200 => permitted += 1,
            429 => refused += 1,
            other => panic!("{other}"),
        }
    }
    // What the store did not answer in time on a busy machine, a node decided alone.
    let alone = nodes.iter().any(|node| node.log().contains("The limits store cannot be asked"));
    println!(
        "at two nodes, {} calls at once of a caller who has {RATE}: {permitted} permitted, \
         {refused} refused: {} too many; decided alone: {alone}",
        3 * RATE,
        permitted - i64::from(RATE)
    );
    assert!(permitted == i64::from(RATE) || alone, "{permitted}");
    assert!(permitted <= 2 * i64::from(RATE), "{permitted}");
    for node in &nodes {
        let answer = get_time(&http, &node.url("/mcp"), Some(&token)).send().await.unwrap();
        assert_eq!(answer.status(), 429);
        assert!(answer.headers().contains_key("retry-after"));
        let text = answer.text().await.unwrap();
        assert!(text.contains("[tools] \\\"get_time\\\" allows each caller 60/day"), "{text}");
    }
    let keys = redis.ask(&["KEYS", "*"]).unwrap();
    assert!(!keys.contains(USER) && keys.contains("bartizan:limits:1:"), "{keys}");
    let log = nodes[0].log();
    assert!(!log.contains(redis.password()), "the password is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_or_is_killed_under_load_holds_up_no_call_and_lifts_no_limit() {
    let Some(mut redis) = Redis::for_tests() else { return };
    let (site, _folder) = site(&redis);
    let nodes = two(&site);
    let (http, token) = (http(), site.token(USER));
    for (time, is_killed) in [false, true].into_iter().enumerate() {
        connected(&nodes, time + 1).await;
        let stop = Arc::new(AtomicBool::new(false));
        let [permitted, refused] = [(); 2].map(|()| Arc::new(AtomicU32::new(0)));
        let mut callers = JoinSet::new();
        for caller in 0..8_usize {
            let url = nodes[caller % 2].url("/mcp");
            let (http, token, stop) = (http.clone(), token.clone(), Arc::clone(&stop));
            let (permitted, refused) = (Arc::clone(&permitted), Arc::clone(&refused));
            callers.spawn(async move {
                let mut longest = Duration::ZERO;
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    match status(&http, &url, Some(&token)).await {
                        Some(200) => permitted.fetch_add(1, Ordering::Relaxed),
                        Some(429) => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other:?}"),
                    };
                    longest = longest.max(begun.elapsed());
                }
                longest
            });
        }
        let total = || permitted.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed);
        let goes_on = async |what: &str| {
            let before = total();
            eventually(what, async || total() > before + 50).await;
        };
        goes_on("calls are answered").await;
        if is_killed {
            redis.kill().unwrap();
        } else {
            redis.hang().unwrap();
        }
        eventually("the nodes say so", async || {
            let text = "The limits store cannot be asked";
            nodes.iter().all(|node| node.log().matches(text).count() > time)
        })
        .await;
        goes_on("calls are answered without the store").await;
        for node in &nodes {
            let text = ready(node).await;
            assert!(text.contains("counting rates in the limits store fails"), "{text}");
        }
        if is_killed {
            redis.start_again().unwrap();
        } else {
            redis.go_on().unwrap();
        }
        connected(&nodes, time + 2).await;
        goes_on("calls are answered with the store").await;
        stop.store(true, Ordering::Relaxed);
        let longest = callers.join_all().await.into_iter().max().unwrap();
        let permitted = permitted.load(Ordering::Relaxed);
        println!(
            "killed: {is_killed}: {permitted} of {} calls were permitted, by two nodes; the \
             longest took {longest:?}",
            total()
        );
        // Each node's own budget holds whatever the store does.
        assert!(permitted <= 2 * RATE, "{permitted}");
        for node in &nodes {
            let text = ready(node).await;
            assert!(!text.contains("counting rates"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_without_its_store_and_uses_it_once_it_is_there() {
    let Some(mut redis) = Redis::for_tests() else { return };
    redis.kill().unwrap();
    let (site, _folder) = site(&redis);
    let mut node = site.node();
    node.start();
    let node = Arc::new(node);
    assert_eq!(status(&http(), &node.url("/mcp"), Some(&site.token(USER))).await, Some(200));
    redis.start_again().unwrap();
    connected(&[node], 1).await;
}
