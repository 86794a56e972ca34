//! Who signs in, with a browser and a program.

use std::collections::BTreeMap;

use auth_core::oauth::{Form, encode};
use reqwest::{RequestBuilder, redirect};
use serde_json::{Value, json};

use crate::{
    html::{self, HtmlForm},
    site::{HOST, Node, Site, USER, client},
};

pub(crate) const ISSUER: &str = "https://mcp.example.com";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:49152/callback";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where the site is reached: at a node, or at a balancer.
pub(crate) trait Place {
    fn url(&self, path: &str) -> String;
}

impl Place for Node {
    fn url(&self, path: &str) -> String {
        self.url(path)
    }
}

/// Servers that are their own authorization server: they share a database and a folder of keys.
pub(crate) fn site(database: Option<String>, keys: &str) -> Site {
    let site = Site::new(database).with("JWT_ISSUER", ISSUER).with("SIGN_IN", "on");
    let site = site.with("SIGNING_KEYS", keys);
    site.node().admin(&["users", "add", USER, "--role", "admin"]);
    site
}

/// A browser, and the program that opened it.
pub(crate) struct Person {
    pub(crate) http: reqwest::Client,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) client: String,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{}: {}", self.status, self.body))
    }

    /// The form that leads to `path`.
    pub(crate) fn form(&self, path: &str) -> HtmlForm {
        let mut forms = html::forms(&self.body).into_iter();
        let form = forms.find(|form| form.action == path);
        form.unwrap_or_else(|| panic!("no {path}: {} {}", self.status, self.body))
    }

    /// The code in the redirect, or in the page in place of one.
    pub(crate) fn code(&self) -> String {
        let location = self.location.clone().or_else(|| html::onward(&self.body)).unwrap();
        assert!(location.starts_with(REDIRECT), "{location}");
        let query = location.split_once('?').unwrap().1;
        Form::parse(query.as_bytes()).unwrap().get("code").unwrap().to_owned()
    }
}

impl Person {
    pub(crate) fn new() -> Self {
        Self::with(client(None))
    }

    /// With these connections.
    pub(crate) fn with(http: reqwest::ClientBuilder) -> Self {
        let http = http.redirect(redirect::Policy::none()).build().unwrap();
        Self { http, cookies: BTreeMap::new(), client: String::new() }
    }

    /// `None` where there was no answer.
    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Option<Answer> {
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

    pub(crate) async fn get(&mut self, place: &impl Place, path: &str) -> Answer {
        let request = self.http.get(place.url(path)).header("accept", "text/html");
        self.send(request).await.unwrap()
    }

    pub(crate) async fn submit(
        &mut self,
        place: &impl Place,
        form: HtmlForm,
        other: &[(&str, &str)],
    ) -> Answer {
        let kept = form.fields.iter().map(|(name, value)| (&**name, &**value));
        let kept = kept.filter(|(name, _)| !other.iter().any(|(it, _)| it == name));
        let body = encode(kept.chain(other.iter().copied()));
        let request = self.http.post(place.url(&form.action));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(body)).await.unwrap()
    }

    /// Registers the program.
    pub(crate) async fn register(&mut self, place: &impl Place) {
        let client = json!({
            "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let request = self.http.post(place.url("/register"));
        let request = request.header("content-type", "application/json").body(client.to_string());
        let answer = self.send(request).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.client = text(&answer, "client_id");
    }

    pub(crate) fn authorize(&self) -> String {
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

    pub(crate) async fn token(
        &self,
        place: &impl Place,
        fields: &[(&str, &str)],
    ) -> Option<Answer> {
        let body = encode([("client_id", &*self.client)].into_iter().chain(fields.iter().copied()));
        let request = self.http.post(place.url("/token")).header("host", HOST).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, location: None, body: response.text().await.ok()? })
    }

    pub(crate) async fn exchange(&self, place: &impl Place, code: &str) -> Option<Answer> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.token(place, &fields).await
    }

    pub(crate) async fn refresh(&self, place: &impl Place, token: &str) -> Option<Answer> {
        self.token(place, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// The code that she allows the program, while she is signed in.
    pub(crate) async fn allow(&mut self, place: &impl Place) -> String {
        let page = self.get(place, &self.authorize()).await;
        self.submit(place, page.form("/authorize"), &[("decision", "allow")]).await.code()
    }
}

pub(crate) fn text(answer: &Answer, name: &str) -> String {
    let text = answer.json().get(name).and_then(Value::as_str).map(str::to_owned);
    text.unwrap_or_else(|| panic!("no {name}: {}", answer.body))
}

/// What is typed in to sign in.
pub(crate) fn sign_in_code(site: &Site) -> String {
    let said = site.node().admin(&["users", "code", USER, "--output", "json"]).out;
    let said: Value = serde_json::from_str(&said).unwrap();
    said.get("code").and_then(Value::as_str).unwrap().to_owned()
}
