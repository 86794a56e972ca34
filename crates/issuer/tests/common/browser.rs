//! A browser: cookies, and forms with what is in them.

use std::{collections::BTreeMap, time::Duration};

use axum::{Router, body::Body};
use directory::{UserName, authorization::OneTimeKind};
use http::{Request, StatusCode, header};
use issuer::{PeerAddress, sign_in::SignInLink};
use secrecy::ExposeSecret;

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

    /// Signs `user` in with a link.
    pub(crate) async fn begin_session(&mut self, world: &World, user: &str) {
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let link = SignInLink::from_random(random);
        let issuer = world.server.config().issuer.clone();
        let user = UserName { issuer, subject: user.parse().unwrap() };
        let end = auth_core::Clock::now(&*world.clock).plus(Duration::from_mins(1));
        let (kind, digest) = (OneTimeKind::Link, link.digest());
        assert!(world.store.add_one_time(&user, kind, &digest, end).await.unwrap());
        let url = link.url(&user.issuer);
        let path = url.expose_secret().strip_prefix(same_origin(user.issuer.as_str())).unwrap();
        let page = self.get(path).await;
        let form = page.forms().into_iter().find(|it| it.action.ends_with("/sign-in/link"));
        let answer = self.submit(form.unwrap(), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
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

/// Scheme, host and port of a URL.
fn same_origin(url: &str) -> &str {
    let start = url.find("://").unwrap() + 3;
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}
