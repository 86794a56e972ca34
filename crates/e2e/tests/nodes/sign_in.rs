//! Signing in at servers that are killed: each step at a node that has just started, and is killed
//! with SIGKILL as soon as it has answered. Nothing is lost, and nothing can be used twice.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::oauth::{Form, encode};
use reqwest::{RequestBuilder, redirect};
use serde_json::{Value, json};
use testkit::Postgres;

use crate::{
    html::{self, HtmlForm},
    site::{HOST, Node, Site, USER, eventually, http, status},
};

const ISSUER: &str = "https://mcp.example.com";
const REDIRECT: &str = "http://127.0.0.1:49152/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Servers that are their own authorization server: they share a database and a folder of keys.
fn site(database: Option<String>, keys: &str) -> Site {
    let site = Site::new(database).with("JWT_ISSUER", ISSUER).with("SIGN_IN", "on");
    let site = site.with("SIGNING_KEYS", keys);
    site.node().admin(&["users", "add", USER, "--role", "admin"]);
    site
}

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

/// A browser, and the program that opened it.
struct Person {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    client: String,
}

/// An answer, read whole.
struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{}: {}", self.status, self.body))
    }

    /// The form that leads to `path`.
    fn form(&self, path: &str) -> HtmlForm {
        let mut forms = html::forms(&self.body).into_iter();
        let form = forms.find(|form| form.action == path);
        form.unwrap_or_else(|| panic!("no {path}: {} {}", self.status, self.body))
    }

    /// The code in the redirect, or in the page in place of one.
    fn code(&self) -> String {
        let location = self.location.clone().or_else(|| html::onward(&self.body)).unwrap();
        assert!(location.starts_with(REDIRECT), "{location}");
        let query = location.split_once('?').unwrap().1;
        Form::parse(query.as_bytes()).unwrap().get("code").unwrap().to_owned()
    }
}

impl Person {
    fn new() -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { http, cookies: BTreeMap::new(), client: String::new() }
    }

    /// `None` where there was no answer.
    async fn send(&mut self, request: RequestBuilder) -> Option<Answer> {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = request.header("host", HOST).header("cookie", cookies);
        let response = request.header("sec-fetch-site", "same-origin").send().await.ok()?;
        for line in response.headers().get_all("set-cookie") {
            let (pair, _) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get("location");
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        Some(Answer { status, location, body: response.text().await.ok()? })
    }

    async fn get(&mut self, node: &Node, path: &str) -> Answer {
        let request = self.http.get(node.url(path)).header("accept", "text/html");
        self.send(request).await.unwrap()
    }

    async fn submit(&mut self, node: &Node, form: HtmlForm, other: &[(&str, &str)]) -> Answer {
        let kept = form.fields.iter().map(|(name, value)| (&**name, &**value));
        let kept = kept.filter(|(name, _)| !other.iter().any(|(it, _)| it == name));
        let body = encode(kept.chain(other.iter().copied()));
        let request = self.http.post(node.url(&form.action));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body)).await.unwrap()
    }

    /// Registers the program.
    async fn register(&mut self, node: &Node) {
        let client = json!({
            "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let request = self.http.post(node.url("/register"));
        let request = request.header("content-type", "application/json").body(client.to_string());
        let answer = self.send(request).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.client = text(&answer, "client_id");
    }

    fn authorize(&self) -> String {
        let query = encode([
            ("response_type", "code"),
            ("client_id", &*self.client),
            ("redirect_uri", REDIRECT),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "s"),
        ]);
        format!("/authorize?{query}")
    }

    async fn token(&self, node: &Node, fields: &[(&str, &str)]) -> Option<Answer> {
        let body = encode([("client_id", &*self.client)].into_iter().chain(fields.iter().copied()));
        let request = self.http.post(node.url("/token")).header("host", HOST).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, location: None, body: response.text().await.ok()? })
    }

    async fn exchange(&self, node: &Node, code: &str) -> Option<Answer> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(node, &fields).await
    }

    async fn refresh(&self, node: &Node, token: &str) -> Option<Answer> {
        self.token(node, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// The code that she allows the program, while she is signed in.
    async fn allow(&mut self, node: &Node) -> String {
        let page = self.get(node, &self.authorize()).await;
        self.submit(node, page.form("/authorize"), &[("decision", "allow")]).await.code()
    }
}

fn text(answer: &Answer, name: &str) -> String {
    let text = answer.json().get(name).and_then(Value::as_str).map(str::to_owned);
    text.unwrap_or_else(|| panic!("no {name}: {}", answer.body))
}

/// What is typed in to sign in.
fn sign_in_code(site: &Site) -> String {
    let said = site.node().admin(&["users", "code", USER, "--output", "json"]).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    said.get("code").and_then(Value::as_str).unwrap().to_owned()
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

    // An operator ends a grant: within a second, at each node.
    let code = alice.allow(&one).await;
    let access = text(&alice.exchange(&other, &code).await.unwrap(), "access_token");
    assert_eq!(status(&http, &one.url("/mcp"), Some(&access)).await, Some(200));
    other.admin(&["grants", "revoke", "--user", USER]);
    let ended = Instant::now();
    for node in [&one, &other] {
        let url = node.url("/mcp");
        eventually("it is revoked", async || status(&http, &url, Some(&access)).await == Some(401))
            .await;
    }
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
}

/// A node is killed while it exchanges a code, which another one is asked to exchange at the same
/// time: at most one of the two has done it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_in_the_middle_of_an_exchange_leaves_no_second_one() {
    let Some(postgres) = Postgres::for_tests() else { return };
    let keys = tempfile::tempdir().unwrap();
    let site = &site(Some(postgres.database().unwrap()), keys.path().to_str().unwrap());
    let mut alice = signed_in(site).await;
    let other = Arc::new(started(site));
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
