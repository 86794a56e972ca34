//! Several nodes on one PostgreSQL database: each step at another one, which has just begun, while
//! the one before is gone without a word. Nothing is lost, and nothing can be used twice.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
    time::Duration,
};

use auth_core::{Algorithm, Clock};
use directory::{
    AnyDirectory, UserName,
    authorization::{AuthorizationStore, OneTimeKind},
};
use http::StatusCode;
use issuer::{
    AuthorizationServer, IssuerConfig, StaticKeys,
    sign_in::{OneTimeCode, SignInLink},
};
use outbound::{AddressPolicy, OutboundClient};
use serde_json::{Value, json};
use testkit::{ManualClock, Postgres, TestKey};

use crate::{
    assert_refused,
    common::{Browser, World, authorize, server},
    revoked,
};

/// It ends with the program.
static POSTGRES: LazyLock<Option<Postgres>> = LazyLock::new(Postgres::for_tests);

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// A database with the users and clients of [`server`], and what nodes are told.
struct Site {
    url: String,
    clock: Arc<ManualClock>,
    config: IssuerConfig,
}

impl Site {
    /// `None` where PostgreSQL is not installed.
    async fn new() -> Option<Self> {
        let made =
            tokio::task::spawn_blocking(|| POSTGRES.as_ref().map(|it| it.database().unwrap()));
        let url = made.await.unwrap()?;
        let clock = ManualClock::at(testkit::NOW);
        let directory = AnyDirectory::open(&url).await.unwrap();
        let (first, _) = server::with_directory(directory, Arc::clone(&clock), |_| {}).await;
        let config = first.config().clone();
        Some(Self { url, clock, config })
    }

    /// A node that begins now.
    async fn node(&self) -> World {
        let store = AuthorizationStore::new(AnyDirectory::open(&self.url).await.unwrap());
        let key = TestKey::shared(Algorithm::Es256);
        let server = AuthorizationServer::new(
            self.config.clone(),
            store.clone(),
            Arc::new(StaticKeys::new(key.signing()).unwrap()),
            OutboundClient::builder(AddressPolicy::public_only()).build().unwrap(),
            &[7; 32],
            Arc::clone(&self.clock) as Arc<dyn Clock>,
        );
        World::of(server, store, Arc::clone(&self.clock))
    }

    fn alice(&self) -> UserName {
        UserName { issuer: self.config.issuer.clone(), subject: "alice".parse().unwrap() }
    }

    /// A one-time code of alice.
    async fn code(&self, node: &World) -> OneTimeCode {
        let mut random = [0; 16];
        getrandom::fill(&mut random).unwrap();
        let code = OneTimeCode::from_random(random);
        let end = self.clock.now().plus(Duration::from_mins(15));
        let (alice, kind) = (self.alice(), OneTimeKind::Code);
        assert!(node.store.add_one_time(&alice, kind, &code.digest(), end).await.unwrap());
        code
    }
}

/// The same browser at another node.
fn moved(browser: &Browser, node: &World) -> Browser {
    let mut there = node.browser();
    there.cookies.clone_from(&browser.cookies);
    there
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_may_be_at_another_node_while_the_one_before_is_gone() {
    let Some(site) = Site::new().await else { return };

    // A client registers, the browser is sent to sign in, signs in, allows, the code is exchanged.
    let node = site.node().await;
    let registration = json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let client = node.post_json("/register", &registration).await.json();
    let id = text(&client, "client_id");
    let ours = [("client_id", &*id)];
    let code = site.code(&node).await;

    let node = site.node().await;
    let mut browser = node.browser();
    let page = browser.get(&authorize(&ours)).await;

    let node = site.node().await;
    let mut browser = moved(&browser, &node);
    let typed = [("user", "alice"), ("secret", code.expose())];
    let signed_in = browser.submit(page.form("/sign-in"), &typed).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);

    let node = site.node().await;
    let mut browser = moved(&browser, &node);
    let page = browser.get(&signed_in.location()).await;

    let node = site.node().await;
    let mut browser = moved(&browser, &node);
    let code = browser.submit(page.form("/authorize"), &[("decision", "allow")]).await.code();

    let tokens = site.node().await.exchange_with(&code, &ours).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);

    // Refreshing: at another node each time; one that did not hear the answer asks again.
    let first = text(&tokens.json(), "refresh_token");
    let second = text(&site.node().await.refresh_with(&first, &ours).await.json(), "refresh_token");
    let again = text(&site.node().await.refresh_with(&first, &ours).await.json(), "refresh_token");
    assert_eq!(second, again);
    let third = text(&site.node().await.refresh_with(&second, &ours).await.json(), "refresh_token");

    // A second use of the code, much later, at yet another node, ends it all.
    let late = site.node().await;
    assert_refused("a code twice", &late.exchange_with(&code, &ours).await, BAD, "invalid_grant");
    let node = site.node().await;
    assert_refused("it has ended", &node.refresh_with(&third, &ours).await, BAD, "invalid_grant");
    assert_eq!(revoked(&node).await, 4);
    // The browser is still signed in.
    let mut browser = moved(&browser, &node);
    let _ = browser.get(&authorize(&ours)).await.form("/authorize");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_at_two_nodes_at_once_is_used_once() {
    let Some(site) = Site::new().await else { return };
    let [one, other] = [site.node().await, site.node().await];
    for _ in 0..5 {
        // A one-time code to sign in.
        let code = site.code(&one).await;
        let mut browsers = Vec::new();
        for node in [&one, &other] {
            let mut browser = node.browser();
            let form = browser.get(&authorize(&[])).await.form("/sign-in");
            browsers.push((browser, form));
        }
        let typed = [("user", "alice"), ("secret", code.expose())];
        let posts = browsers.iter_mut().map(|(browser, form)| browser.submit(form.clone(), &typed));
        let answers = futures_util::future::join_all(posts).await;
        let good = answers.iter().filter(|it| it.status == StatusCode::SEE_OTHER).count();
        assert_eq!(good, 1, "one is signed in");

        // A link.
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let link = SignInLink::from_random(random);
        let (alice, kind) = (site.alice(), OneTimeKind::Link);
        let end = site.clock.now().plus(Duration::from_mins(1));
        assert!(one.store.add_one_time(&alice, kind, &link.digest(), end).await.unwrap());
        let mut browsers = Vec::new();
        for node in [&one, &other] {
            let mut browser = node.browser();
            let page = browser.get(&format!("/sign-in/link?token={}", link.expose())).await;
            browsers.push((browser, page.form("/sign-in/link")));
        }
        let posts = browsers.iter_mut().map(|(browser, form)| browser.submit(form.clone(), &[]));
        let answers = futures_util::future::join_all(posts).await;
        let good = answers.iter().filter(|it| it.status == StatusCode::SEE_OTHER).count();
        assert_eq!(good, 1, "one is signed in");

        // An authorization code.
        let code = one.code("alice").await;
        let both = [one.exchange(&code), other.exchange(&code)];
        let answers = futures_util::future::join_all(both).await;
        let good: Vec<_> = answers.iter().filter(|it| it.status == StatusCode::OK).collect();
        assert_eq!(good.len(), 1);
        let refresh = text(&good[0].json(), "refresh_token");
        assert_refused(
            "the code was used twice",
            &one.refresh(&refresh).await,
            BAD,
            "invalid_grant",
        );
        assert_refused("at both", &other.refresh(&refresh).await, BAD, "invalid_grant");

        // A refresh token, of nine processes: one family goes on.
        let refresh = text(&one.tokens("alice").await, "refresh_token");
        let nine = (0..9).map(|n| if n % 2 == 0 { &one } else { &other });
        let answers = futures_util::future::join_all(nine.map(|it| it.refresh(&refresh))).await;
        let successors: BTreeSet<String> =
            answers.iter().map(|answer| text(&answer.json(), "refresh_token")).collect();
        assert_eq!(successors.len(), 1);
        let next = other.refresh(successors.first().unwrap()).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    }
}
