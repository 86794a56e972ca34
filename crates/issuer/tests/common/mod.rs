//! What the tests of the endpoints share: a world with users and clients, a browser that keeps its
//! cookies and fills in forms, and a client that exchanges codes.
//!
//! ```ignore
//! let world = World::new().await;
//! let mut alice = world.signed_in("alice").await;
//! let page = alice.get(&authorize(&[])).await;
//! let answer = alice.submit(page.form("/authorize"), &[("decision", "allow")]).await;
//! let tokens = world.exchange(&answer.code()).await.json();
//! ```

pub(crate) mod authenticator;
mod browser;
mod html;
pub(crate) mod server;

use std::sync::Arc;

use axum::{Router, body::Body};
use directory::authorization::AuthorizationStore;
use http::{HeaderMap, Request, StatusCode, header};
use issuer::{AuthorizationServer, IssuerConfig, PeerAddress};
use serde_json::Value;
use testkit::ManualClock;
use tower::ServiceExt;

pub(crate) use browser::Browser;
pub(crate) use html::HtmlForm;

/// The verifier of every request here (RFC 7636 appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge that it meets.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The redirect URI of the client `public`.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:49152/callback";

/// A server, and everything around it that a test may look at.
pub(crate) struct World {
    pub(crate) server: AuthorizationServer,
    pub(crate) store: AuthorizationStore,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With another configuration.
    pub(crate) async fn with(configure: impl FnOnce(&mut IssuerConfig)) -> Self {
        let clock = ManualClock::at(testkit::NOW);
        let (server, store) = server::with(Arc::clone(&clock), configure).await;
        Self::of(server, store, clock)
    }

    /// Of these parts.
    pub(crate) fn of(
        server: AuthorizationServer,
        store: AuthorizationStore,
        clock: Arc<ManualClock>,
    ) -> Self {
        let router = server.clone().router();
        Self { server, store, clock, router }
    }

    /// A browser in which nobody is signed in.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// A browser in which `user` is signed in.
    pub(crate) async fn signed_in(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        browser.begin_session(self, user).await;
        browser
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts a form, as a program does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[]).await
    }

    /// The same with more headers.
    pub(crate) async fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(PeerAddress([192, 0, 2, 1].into()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = auth_core::oauth::encode(fields.iter().copied());
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Posts JSON, as a program does.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .extension(PeerAddress([192, 0, 2, 1].into()));
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Exchanges a code of the client `public`.
    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.exchange_with(code, &[]).await
    }

    /// The same with other fields; an empty value leaves a field out.
    pub(crate) async fn exchange_with(&self, code: &str, other: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("client_id", "public"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", &replaced(&usual, other)).await
    }

    /// Uses a refresh token of the client `public`.
    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.refresh_with(token, &[]).await
    }

    /// The same with other fields; an empty value leaves a field out.
    pub(crate) async fn refresh_with(&self, token: &str, other: &[(&str, &str)]) -> Answer {
        let usual =
            [("grant_type", "refresh_token"), ("client_id", "public"), ("refresh_token", token)];
        self.post("/token", &replaced(&usual, other)).await
    }

    /// The code that `user` gives the client `public`, with all scopes ticked.
    pub(crate) async fn code(&self, user: &str) -> String {
        let mut browser = self.signed_in(user).await;
        browser.allow(&authorize(&[])).await.code()
    }

    /// The tokens that `user` gives the client `public`.
    pub(crate) async fn tokens(&self, user: &str) -> Value {
        let code = self.code(user).await;
        self.exchange(&code).await.json()
    }
}

/// Sends one request to a router.
pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: head.status, headers: head.headers, body }
}

/// The address of the authorization request of the client `public`, with other parameters; an empty
/// value leaves a parameter out.
pub(crate) fn authorize(other: &[(&str, &str)]) -> String {
    let usual = [
        ("response_type", "code"),
        ("client_id", "public"),
        ("redirect_uri", REDIRECT),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a+/=b"),
    ];
    format!("/authorize?{}", auth_core::oauth::encode(replaced(&usual, other)))
}

/// `usual` with other values; an empty value leaves a name out.
fn replaced<'a>(
    usual: &[(&'a str, &'a str)],
    other: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let kept = usual.iter().filter(|(name, _)| !other.iter().any(|(it, _)| it == name));
    kept.chain(other).filter(|(_, value)| !value.is_empty()).copied().collect()
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// `error` of an answer in JSON.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where the browser goes: the redirect, or the page in place of one.
    #[track_caller]
    pub(crate) fn location(&self) -> String {
        if let Some(location) = self.headers.get(header::LOCATION) {
            return location.to_str().unwrap().to_owned();
        }
        html::onward(&self.body).unwrap_or_else(|| panic!("goes nowhere: {self:?}"))
    }

    /// A parameter of the redirect.
    #[track_caller]
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let location = self.location();
        let query = location.split_once('?').unwrap_or_default().1;
        let form = auth_core::oauth::Form::parse(query.as_bytes()).unwrap();
        form.get(name).map(str::to_owned)
    }

    /// The code in the redirect.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        self.parameter("code").unwrap_or_else(|| panic!("no code: {self:?}"))
    }

    /// The forms of the page.
    pub(crate) fn forms(&self) -> Vec<HtmlForm> {
        html::forms(&self.body)
    }

    /// The form that leads to `path`.
    #[track_caller]
    pub(crate) fn form(&self, path: &str) -> HtmlForm {
        let mut forms = self.forms().into_iter();
        forms.find(|form| form.action == path).unwrap_or_else(|| panic!("no {path}: {self:?}"))
    }
}
