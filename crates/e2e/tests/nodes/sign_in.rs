//! Signing in at servers that are killed: each step at a node that has just started, and is killed
//! with SIGKILL as soon as it has answered. Nothing is lost, and nothing can be used twice.

use std::time::{Duration, Instant};

use auth_core::oauth::encode;
use testkit::Postgres;

use crate::{
    person::{Answer, Person, REDIRECT, VERIFIER, sign_in_code, site, text},
    site::{HOST, Node, Site, USER, eventually, http, status},
};

/// A node that has just started.
fn started(site: &Site) -> Node {
    let mut node = site.node();
    node.start();
    node
}

/// Does one step at a node that is killed as soon as it has answered.
macro_rules! at {
    ($site:expr, $node:ident => $step:expr) => {{
        let mut $node = started($site);
        let done = $step.await;
        $node.kill();
        done
    }};
}

/// Signs alice in, with a program that is registered, and a node killed after each step.
async fn signed_in(site: &Site) -> Person {
    let mut alice = Person::new();
    at!(site, node => alice.register(&node));
    let path = alice.authorize();
    let page = at!(site, node => alice.get(&node, &path));
    let typed = sign_in_code(site);
    let fields = [("user", USER), ("secret", &*typed)];
    let form = page.form("/sign-in");
    let answer = at!(site, node => alice.submit(&node, form.clone(), &fields));
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(answer.location.unwrap(), path);
    // The code is used, though the node that took it is gone.
    let mut another = Person { client: alice.client.clone(), ..Person::new() };
    let page = at!(site, node => another.get(&node, &path));
    let again = page.form("/sign-in");
    let answer = at!(site, node => another.submit(&node, again, &fields));
    assert_ne!(answer.status, 303);
    alice
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_killed_after_each_step_and_nothing_is_lost_or_used_twice() {
    let Some(postgres) = Postgres::for_tests() else { return };
    let keys = tempfile::tempdir().unwrap();
    let site = &site(Some(postgres.database().unwrap()), keys.path().to_str().unwrap());
    let mut alice = signed_in(site).await;

    let path = alice.authorize();
    let page = at!(site, node => alice.get(&node, &path));
    let form = page.form("/authorize");
    let allow = [("decision", "allow")];
    let code = at!(site, node => alice.submit(&node, form.clone(), &allow)).code();
    let tokens = at!(site, node => alice.exchange(&node, &code)).unwrap();
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let first = text(&tokens, "refresh_token");
    let second = text(&at!(site, node => alice.refresh(&node, &first)).unwrap(), "refresh_token");
    // The answer was not heard: the same again.
    let again = text(&at!(site, node => alice.refresh(&node, &first)).unwrap(), "refresh_token");
    assert_eq!(second, again);
    let third = at!(site, node => alice.refresh(&node, &second)).unwrap();
    let access = text(&third, "access_token");

    // The token is good at each node, until the code is used a second time.
    let [one, other] = [started(site), started(site)];
    let http = http();
    for node in [&one, &other] {
        assert_eq!(status(&http, &node.url("/mcp"), Some(&access)).await, Some(200));
    }
    let twice = at!(site, node => alice.exchange(&node, &code)).unwrap();
    assert_eq!((twice.status, text(&twice, "error")), (400, "invalid_grant".into()));
    let ended = Instant::now();
    for node in [&one, &other] {
        let url = node.url("/mcp");
        eventually("it is revoked", async || status(&http, &url, Some(&access)).await == Some(401))
            .await;
    }
    println!("revoked at both nodes after {:?}", ended.elapsed());
    let refused = alice.refresh(&other, &text(&third, "refresh_token")).await.unwrap();
    assert_eq!((refused.status, text(&refused, "error")), (400, "invalid_grant".into()));

    // An operator ends a grant, or removes a client: within a second, at each node, also for tokens
    // that were issued. A busy machine may hold up one.
    let mut waits = [Vec::new(), Vec::new()];
    for round in 0..10 {
        let code = alice.allow(&one).await;
        let access = text(&alice.exchange(&other, &code).await.unwrap(), "access_token");
        assert_eq!(status(&http, &one.url("/mcp"), Some(&access)).await, Some(200));
        let removes_client = round % 2 == 1;
        if removes_client {
            other.admin(&["clients", "remove", "--yes", &alice.client]);
        } else {
            other.admin(&["grants", "revoke", "--user", USER]);
        }
        let ended = Instant::now();
        for node in [&one, &other] {
            let url = node.url("/mcp");
            let is_revoked = async || status(&http, &url, Some(&access)).await == Some(401);
            eventually("it is revoked", is_revoked).await;
        }
        waits[usize::from(removes_client)].push(ended.elapsed());
        if removes_client {
            alice.register(&one).await;
        }
    }
    for waits in &mut waits {
        waits.sort();
        assert!(waits[2] < Duration::from_secs(1), "{waits:?}");
    }
}

/// A node is killed while it exchanges a code, which another one is asked to exchange at the same
/// time: at most one of the two has done it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_in_the_middle_of_an_exchange_leaves_no_second_one() {
    let Some(postgres) = Postgres::for_tests() else { return };
    let keys = tempfile::tempdir().unwrap();
    let site = &site(Some(postgres.database().unwrap()), keys.path().to_str().unwrap());
    let mut alice = signed_in(site).await;
    let other = started(site);
    let code = alice.allow(&other).await;
    let begun = Instant::now();
    let tokens = at!(site, node => alice.exchange(&node, &code)).unwrap();
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    // How long a node takes to start and to exchange a code: it is killed before and after that.
    let usual = begun.elapsed();
    let mut exchanged = [0, 0];
    for round in 0..12 {
        let code = alice.allow(&other).await;
        let mut node = started(site);
        let url = node.url("/token");
        let body = encode([
            ("client_id", &*alice.client),
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        let request = alice.http.post(url).header("host", HOST).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let here = tokio::spawn(async move { request.send().await.ok()?.text().await.ok() });
        tokio::time::sleep(usual * round / 10).await;
        node.kill();
        let there = alice.exchange(&other, &code).await.unwrap();
        let here = here.await.unwrap();
        let here = here.filter(|body| body.contains("\"access_token\""));
        let both = [here.is_some(), there.status == 200];
        assert!(both != [true, true], "round {round}: exchanged twice");
        exchanged = [exchanged[0] + u32::from(both[0]), exchanged[1] + u32::from(both[1])];
        // What the first one got does not outlive the second use.
        if let Some(body) = here {
            let token = text(&Answer { status: 200, location: None, body }, "refresh_token");
            let refused = alice.refresh(&other, &token).await.unwrap();
            assert_eq!(refused.status, 400, "round {round}: {}", refused.body);
        }
    }
    println!("of 12 codes, [killed node, other node] exchanged {exchanged:?}");
    assert!(exchanged[0] + exchanged[1] > 0);
}
