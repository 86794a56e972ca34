//! The authorization server alone: a user signs in at `mint-token serve`, and calls a server that
//! has its public keys and shares its directory.

mod tls;

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header;
use reqwest::{Response, Url};
use serde_json::{Value, json};
use testkit::Process;

use crate::{
    html::{forms, onward},
    world::World,
};

const CALLBACK: &str = "http://127.0.0.1:1/callback";
const RESOURCE: &str = "http://localhost:8000/mcp";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0";
/// Sign-in, consent and the redirects between are fewer.
const MAX_PAGES: usize = 10;

/// `mint-token serve`, until it is dropped; or another authorization server.
pub(crate) struct Alone {
    process: Option<Process>,
    pub(crate) origin: String,
    /// What the client asks access to.
    pub(crate) resource: String,
    http: reqwest::Client,
}

impl Alone {
    pub(crate) fn start(world: &World, port: u16, env: &[(&str, &str)]) -> Self {
        Self::start_with(world, "http", port, env, reqwest::Client::builder())
    }

    /// The same where it is called over `scheme`, and by `http`.
    fn start_with(
        world: &World,
        scheme: &str,
        port: u16,
        env: &[(&str, &str)],
        http: reqwest::ClientBuilder,
    ) -> Self {
        let origin = format!("{scheme}://localhost:{port}");
        let log = world.path("issuer.log");
        let bind = format!("127.0.0.1:{port}");
        let mut command = world.command("mint-token", &["serve", "--bind", &bind]);
        command.env("JWT_ISSUER", &origin).envs(env.iter().copied());
        let mut process = Process::start(&mut command, log);
        let line = process.line();
        let start = format!("Authorization server on {scheme}://127.0.0.1:{port}: ");
        assert!(line.starts_with(&start), "{line}{}", process.log());
        let mut alone = Self::called_by(http, &origin, port);
        alone.process = Some(process);
        alone
    }

    /// One that runs.
    pub(crate) fn at(origin: &str, port: u16) -> Self {
        Self::called_by(reqwest::Client::builder(), origin, port)
    }

    fn called_by(http: reqwest::ClientBuilder, origin: &str, port: u16) -> Self {
        let http = http
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .resolve("localhost", (Ipv4Addr::LOCALHOST, port).into())
            .build()
            .unwrap();
        Self { process: None, origin: origin.to_owned(), resource: RESOURCE.to_owned(), http }
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.origin)).send().await.unwrap()
    }

    async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}{path}", self.origin));
        let form = header::HeaderValue::from_static("application/x-www-form-urlencoded");
        let response =
            request.header(header::CONTENT_TYPE, form).body(encoded(fields)).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Registers a client, and signs alice in with `code`; the access token.
    pub(crate) async fn sign_in(&self, code: &str) -> String {
        let about = json!({
            "client_name": "A test",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
        });
        let request = self.http.post(format!("{}/register", self.origin));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let registered = request.body(about.to_string()).send().await.unwrap();
        let registered: Value = serde_json::from_str(&registered.text().await.unwrap()).unwrap();
        let client = registered["client_id"].as_str().unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(digest);
        let query = encoded(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", "User.Read Admin.Write"),
            ("resource", &self.resource),
            ("state", "s"),
        ]);
        let sent = self.browse(&format!("/authorize?{query}"), code).await;
        let pairs: BTreeMap<_, _> = sent.query_pairs().into_owned().collect();
        assert_eq!(pairs.get("iss"), Some(&self.origin), "{sent}");
        let answer = [
            ("grant_type", "authorization_code"),
            ("code", &pairs["code"]),
            ("redirect_uri", CALLBACK),
            ("client_id", client),
            ("code_verifier", VERIFIER),
            ("resource", &self.resource),
        ];
        let tokens = self.post_form("/token", &answer).await;
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Opens a page and does what alice does, until the browser is sent to the client.
    async fn browse(&self, path: &str, code: &str) -> Url {
        let base = Url::parse(&self.origin).unwrap();
        let mut cookies = BTreeMap::new();
        let mut at = base.join(path).unwrap();
        let mut form = None;
        for _ in 0..MAX_PAGES {
            let request = match form.take() {
                None => self.http.get(at.clone()),
                Some(body) => self
                    .http
                    .post(at.clone())
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header(header::ORIGIN, &self.origin)
                    .body::<String>(body),
            };
            let sent: Vec<_> = cookies.iter().map(|(name, it)| format!("{name}={it}")).collect();
            let request = request
                .header(header::COOKIE, sent.join("; "))
                .header(header::ACCEPT, "text/html,*/*;q=0.8");
            let response = request.send().await.unwrap();
            for line in response.headers().get_all(header::SET_COOKIE) {
                let pair = line.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let location = response.headers().get(header::LOCATION);
            let location = location.map(|it| it.to_str().unwrap().to_owned());
            let page = response.text().await.unwrap();
            if let Some(next) = location.or_else(|| onward(&page)) {
                at = at.join(&next).unwrap();
                if at.origin() != base.origin() {
                    return at;
                }
                continue;
            }
            let (action, body) = filled(&page, code);
            at = at.join(&action).unwrap();
            form = Some(body);
        }
        panic!("not done after {MAX_PAGES} pages, at {at}");
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        self.process.take().unwrap().terminate()
    }

    fn signal(&self, signal: &str) {
        self.process.as_ref().unwrap().signal(signal);
    }
}

/// The sign-in form with alice's code, or the consent form as it is; where it goes.
fn filled(page: &str, code: &str) -> (String, String) {
    let found = forms(page).into_iter().find_map(|form| {
        let allows = form.button("decision", "allow");
        let signs_in = form.field("secret").is_some();
        if !allows && !signs_in {
            return None;
        }
        let mut fields = Vec::new();
        for field in form.fields.iter().filter(|it| !it.name.is_empty() && !it.is_button()) {
            let value = match (field.kind.as_str(), field.name.as_str()) {
                ("checkbox", _) if !field.checked => continue,
                (_, "user") => "alice",
                (_, "secret") => code,
                _ => &field.value,
            };
            fields.push((field.name.as_str(), value));
        }
        fields.extend(allows.then_some(("decision", "allow")));
        Some((form.action.clone(), encoded(&fields)))
    });
    found.unwrap_or_else(|| panic!("no form: {page}"))
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://localhost/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_at_the_authorization_server_alone_and_calls_a_server_without_a_key() {
    let port = testkit::free_port().unwrap();
    let issuer = format!("http://localhost:{port}");
    let world = World::empty();
    let of_issuer = [("JWT_ISSUER", issuer.as_str())];
    world.run_with("server", &["init"], &of_issuer).expect_code(0);
    // Neither of the two has a secret.
    fs::remove_file(world.path(".env")).unwrap();
    let alone = Alone::start(&world, port, &[]);
    assert_eq!(alone.get("/readyz").await.status(), 200);
    assert_eq!(alone.get("/mcp").await.status(), 404);

    let keys = world.path("data/keys/jwks.json");
    let keys = keys.to_str().unwrap();
    let env = [("SIGN_IN", "off"), ("JWT_KEY_FILE", keys), ("JWT_ISSUER", issuer.as_str())];
    let server = world.start(&[], &env);
    let code = ["users", "code", "alice", "--output", "json"];
    let printed = world.run_with("server", &code, &env).expect_code(0).out;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let token = alone.sign_in(printed["code"].as_str().unwrap()).await;
    let call = || {
        let url = ["--url", server.url.as_str()];
        world.run_with("client", &url, &[("MCP_TOKEN", token.as_str())])
    };
    call().expect_code(0);

    // The grant ends: the token that is out counts for nothing within a second.
    world.run_with("server", &["grants", "revoke", "--user", "alice"], &env).expect_code(0);
    let until = Instant::now() + Duration::from_secs(1);
    while call().code == Some(0) {
        assert!(Instant::now() < until, "the token of a revoked grant is accepted");
    }
    assert_eq!(alone.terminate(), Some(0));
    let log = fs::read_to_string(world.path("issuer.log")).unwrap();
    assert!(log.contains("Stopped") && !log.contains(&token), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_of_its_clients_is_counted() {
    let port = testkit::free_port().unwrap();
    let world = World::empty();
    let issuer = format!("http://localhost:{port}");
    world.run_with("server", &["init"], &[("JWT_ISSUER", issuer.as_str())]).expect_code(0);
    let proxies = [("TRUSTED_PROXIES", "127.0.0.1")];
    let alone = Alone::start(&world, port, &proxies);
    let page = alone.http.get(format!("{issuer}/sign-in")).send().await.unwrap();
    let cookie = page.headers()[header::SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (action, body) = filled(&page.text().await.unwrap(), "WDJB-MJHT-BCDF");
    let guess = async |from: &str| {
        let request = alone.http.post(format!("{issuer}{action}")).body(body.clone());
        let request = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, &issuer)
            .header(header::COOKIE, &cookie)
            .header("x-forwarded-for", from);
        request.send().await.unwrap().status().as_u16()
    };
    for n in 0..30 {
        assert_eq!(guess("192.0.2.1").await, 200, "{n}");
    }
    assert_eq!(guess("192.0.2.1").await, 429);
    assert_eq!(guess("192.0.2.2").await, 200);
}

#[test]
fn what_is_wrong_with_the_settings_is_reported_and_nothing_starts() {
    let world = World::empty();
    let env = [
        ("JWT_ISSUER", "http://login.example"),
        ("BIND_ADDR", "nowhere"),
        ("TRUSTED_PROXIES", "10.0.0.5/8"),
    ];
    world.run_with("mint-token", &["serve"], &env).expect_code(2).expect_err(&[
        "JWT_ISSUER",
        "BIND_ADDR",
        "write 10.0.0.0/8",
    ]);
}
