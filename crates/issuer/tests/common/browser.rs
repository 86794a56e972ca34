//! A browser: cookies, and forms with what is in them.

use std::{collections::BTreeMap, time::Duration};

use auth_core::oauth::RefreshToken;
use axum::{Router, body::Body};
use directory::{UserName, authorization::NewSession};
use http::{Request, header};
use issuer::PeerAddress;

use super::{Answer, HtmlForm, World, send};

/// A browser at `http://localhost:8000`.
#[derive(Clone)]
pub(crate) struct Browser {
    router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, cookies: BTreeMap::new() }
    }

    /// Signs `user` in without the pages.
    pub(crate) async fn begin_session(&mut self, world: &World, user: &str) {
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let token = RefreshToken::from_random(random);
        let now = auth_core::Clock::now(&*world.clock);
        let session = NewSession {
            digest: token.digest(),
            id: auth_core::base64url::encode(&random[..16]),
            user: UserName {
                issuer: world.server.config().issuer.clone(),
                subject: user.parse().unwrap(),
            },
            method: "password".into(),
            user_agent: "test".into(),
            created_at: now,
            expires_at: now.plus(Duration::from_hours(24)),
        };
        self.cookies.insert("test_user".into(), user.into());
        if false {
            return;
        }
        let _ = world.store.begin_browser_session(&session).await.unwrap());
        self.cookies.insert("bartizan_session".into(), token.expose().into());
        let browser = auth_core::base64url::encode(&random[16..]);
        self.cookies.insert("bartizan_browser".into(), browser);
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(path).header(header::ACCEPT, "text/html");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Submits `form` with other values; an empty value leaves a field out, as an unticked box is.
    pub(crate) async fn submit(&mut self, form: HtmlForm, other: &[(&str, &str)]) -> Answer {
        let usual: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = auth_core::oauth::encode(super::replaced(&usual, other));
        self.post(&form.action, body).await
    }

    /// Posts a body as a form of a page of the server.
    pub(crate) async fn post(&mut self, path: &str, body: String) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "null")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Opens an authorization request, and allows it as the page proposes.
    pub(crate) async fn allow(&mut self, path: &str) -> Answer {
        self.decide(path, &[("decision", "allow")]).await
    }

    /// Opens an authorization request, and submits the consent page with other values.
    pub(crate) async fn decide(&mut self, path: &str, other: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        self.submit(page.form("/authorize"), other).await
    }

    /// Sends a request with the cookies, and keeps those that are set.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let value = pairs.join("; ").parse().unwrap();
            request.headers_mut().insert(header::COOKIE, value);
        }
        request.extensions_mut().insert(PeerAddress([192, 0, 2, 2].into()));
        let answer = send(&self.router, request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap_or_default();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
