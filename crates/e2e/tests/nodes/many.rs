//! Two servers, one PostgreSQL, and a client that alternates between them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use testkit::Postgres;
use tokio::task::{JoinSet, spawn_blocking};

use crate::site::{Node, Site, USER, eventually, http, status};

/// Two nodes that run.
fn two(site: &Site) -> [Arc<Node>; 2] {
    [(); 2].map(|()| {
        let mut node = site.node();
        node.start();
        Arc::new(node)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_through_one_node_is_refused_by_the_other_within_a_second() {
    let Some(postgres) = Postgres::for_tests() else { return };
    let site = Site::new(Some(postgres.database().unwrap()));
    let [a, b] = two(&site);
    let (http, token) = (http(), site.token(USER));
    let mut waits = Vec::new();
    let mut whole = Vec::new();
    for time in 0..100 {
        let url = b.url("/mcp");
        assert_eq!(status(&http, &url, Some(&token)).await, Some(200), "{time}");
        let begun = Instant::now();
        let node = Arc::clone(&a);
        let command = spawn_blocking(move || {
            node.admin(&["users", "disable", USER]);
            Instant::now()
        });
        let refused = loop {
            let asked = Instant::now();
            if status(&http, &url, Some(&token)).await == Some(403) {
                break asked;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{time}: never refused");
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        let ended = command.await.unwrap();
        waits.push(refused.saturating_duration_since(ended));
        whole.push(refused - begun);
        a.admin(&["users", "enable", USER]);
        eventually("it is enabled", async || status(&http, &url, Some(&token)).await == Some(200))
            .await;
    }
    waits.sort();
    whole.sort();
    println!(
        "refused by the other node, of 100: after the command's end median {:?}, worst {:?}; \
         after its start median {:?}, worst {:?}",
        waits[50], waits[99], whole[50], whole[99]
    );
    // A busy machine may hold up a few of them.
    assert!(waits[94] < Duration::from_secs(1), "{:?}", &waits[90..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_in_the_middle_loses_no_change_and_no_call() {
    let Some(postgres) = Postgres::for_tests() else { return };
    let site = Site::new(Some(postgres.database().unwrap()));
    let mut a = site.node();
    a.start();
    let mut b = site.node();
    b.start();
    let b = Arc::new(b);
    let urls = [a.url("/mcp"), b.url("/mcp")];
    let (http, token) = (http(), site.token(USER));

    // Changes go on meanwhile, by the settings of the node that is killed.
    let admin = site.node();
    let changes = spawn_blocking(move || {
        let names: Vec<_> = (0..40).map(|number| format!("new-{number}")).collect();
        for name in &names {
            admin.admin(&["users", "add", name, "--role", "admin"]);
        }
        names
    });
    let mut calls = JoinSet::new();
    for caller in 0..8_usize {
        let (http, token, urls) = (http.clone(), token.clone(), urls.clone());
        calls.spawn(async move {
            let (mut served, mut moved) = ([0, 0], 0);
            for call in 0..125 {
                let node = (caller + call) % 2;
                match status(&http, &urls[node], Some(&token)).await {
                    Some(200) => served[node] += 1,
                    // No answer: the client asks the other one.
                    None if node == 0 => {
                        assert_eq!(status(&http, &urls[1], Some(&token)).await, Some(200));
                        moved += 1;
                    }
                    other => panic!("call {call} of node {node}: {other:?}"),
                }
            }
            (served, moved)
        });
    }
    eventually("the calls are under way", async || a.calls() > 150).await;
    a.kill();
    let (mut served, mut moved) = ([0, 0], 0);
    while let Some(one) = calls.join_next().await {
        let (here, elsewhere) = one.unwrap();
        served = [served[0] + here[0], served[1] + here[1]];
        moved += elsewhere;
    }
    println!(
        "of 1000 calls {served:?} were served where they came first, {moved} by the other node"
    );
    assert_eq!(served[0] + served[1] + moved, 1000);
    assert!(served[0] > 100 && moved > 100, "it was killed in the middle");

    let names = changes.await.unwrap();
    let list = b.admin(&["users", "list", "--output", "json"]).out;
    let missing: BTreeSet<_> =
        names.iter().filter(|name| !list.contains(&format!("\"{name}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // The other node knows them, and the one that comes back does too.
    a.start();
    for name in &names {
        let token = site.token(name);
        for url in [a.url("/mcp"), b.url("/mcp")] {
            assert_eq!(status(&http, &url, Some(&token)).await, Some(200), "{name}");
        }
    }
}

/// Everybody whom there is to be asked for while the database comes and goes.
const CAST: [&str; 3] = [USER, "disabled", "unknown"];

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stops_and_starts_under_load_lets_nobody_in_who_should_not_be() {
    // Seconds: more than a busy machine takes to start a node.
    const BOUND: u64 = 8;
    let Some(mut postgres) = Postgres::for_tests() else { return };
    let site =
        Site::new(Some(postgres.database().unwrap())).with("DIRECTORY_MAX_AGE", &BOUND.to_string());
    let [a, b] = two(&site);
    a.admin(&["users", "add", "disabled", "--role", "admin"]);
    a.admin(&["users", "disable", "disabled"]);
    let http = http();
    let urls = [a.url("/mcp"), b.url("/mcp")];
    let tokens = CAST.map(|name| site.token(name));
    for url in &urls {
        eventually("both know all", async || {
            let mut statuses = Vec::new();
            for token in &tokens {
                statuses.push(status(&http, url, Some(token)).await);
            }
            statuses == [Some(200), Some(403), Some(403)]
        })
        .await;
    }

    // Load: everybody, on both, all the time. When, who, and what they got.
    let begun = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for (who, token) in tokens.iter().enumerate() {
        for url in &urls {
            let (http, token, url) = (http.clone(), token.clone(), url.clone());
            let stop = Arc::clone(&stop);
            load.spawn(async move {
                let mut seen = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let asked = begun.elapsed();
                    let got = status(&http, &url, Some(&token)).await;
                    seen.push((asked, begun.elapsed(), who, got));
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                seen
            });
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let away = begun.elapsed();
    let mut postgres = spawn_blocking(move || {
        postgres.stop().unwrap();
        postgres
    })
    .await
    .unwrap();
    let stopped = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(BOUND + 4)).await;
    for node in [&a, &b] {
        let ready = http.get(node.url("/readyz")).send().await.unwrap();
        assert_eq!(ready.status(), 503);
        println!("readiness: {}", ready.text().await.unwrap().trim());
    }
    let back = begun.elapsed();
    let postgres = spawn_blocking(move || {
        postgres.start_again().unwrap();
        postgres
    })
    .await
    .unwrap();
    for url in &urls {
        eventually("the database is known to be back", async || {
            status(&http, url, Some(&tokens[0])).await == Some(200)
        })
        .await;
    }
    let recovered = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);

    let mut seen: Vec<_> = load.join_all().await.into_iter().flatten().collect();
    seen.sort();
    let of = |who: usize| seen.iter().filter(move |it| it.2 == who);
    for who in [1, 2] {
        assert!(of(who).all(|it| matches!(it.3, Some(403 | 503))), "{} got in", CAST[who]);
    }
    assert!(of(0).all(|it| matches!(it.3, Some(200 | 503))), "answers, and no others");
    let served = |from: Duration, to: Duration| {
        let between = of(0).filter(move |it| it.0 >= from && it.1 <= to);
        let (good, all) = between
            .fold((0, 0), |(good, all), it| (good + usize::from(it.3 == Some(200)), all + 1));
        println!("{from:>8.2?} to {to:>8.2?}: {good} of {all} calls of a known user were served");
        (good, all)
    };
    let before = served(Duration::ZERO, away);
    assert!(before.0 == before.1 && before.0 > 0);
    // What is known serves for the time that was set; how old it was when the database went is not
    // known.
    let known_until = away + Duration::from_secs(BOUND - 2);
    let known = served(stopped, known_until);
    // On a busy machine PostgreSQL may take longer to stop than what is known serves.
    assert!(known.0 == known.1 && (known.0 > 0 || stopped >= known_until));
    let late = served(stopped + Duration::from_secs(BOUND + 1), back);
    assert!(late.0 == 0 && late.1 > 0);
    let after = served(recovered, begun.elapsed());
    assert!(after.0 == after.1 && after.0 > 0);
    println!("back after {:?} of the database's being back", recovered.saturating_sub(back));

    changes_are_noticed(&a, &http, &urls, &tokens[0]).await;
    drop(postgres);
}

/// What is taken away is gone on all of `urls`.
async fn changes_are_noticed(node: &Node, http: &reqwest::Client, urls: &[String], token: &str) {
    node.admin(&["users", "disable", USER]);
    for url in urls {
        eventually("a change is noticed", async || {
            status(http, url, Some(token)).await == Some(403)
        })
        .await;
    }
}
