//! What the tests share.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Arc,
};

use auth_core::{Algorithm, Clock, StaticKeys, oauth::Form};
use axum::{Router, body::Body};
use directory::{AnyDirectory, Directory, User};
use http::{HeaderMap, Request, StatusCode, header};
use issuer::{
    AuthorizationServer, IssuerConfig, PeerAddress,
    providers::{ProviderPreset, Providers, SignInProvider, UnknownUsers},
};
use outbound::CertificateAuthorities;
use serde_json::{Value, json};
use testkit::{Forge, ManualClock, NOW, Reply, TestIssuer, TestKey, jwks};
use tower::Service;

pub(crate) const ISSUER: &str = "http://localhost:8000";
pub(crate) const CLIENT: &str = "bartizan";
/// A secret with characters that a form encodes.
pub(crate) const SECRET: &str = "s3cret/+ %:&=";
pub(crate) const SUBJECT: &str = "248289761001";

/// Two nodes, and a provider.
pub(crate) struct World {
    pub(crate) idp: TestIssuer,
    pub(crate) key: &'static TestKey,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) directory: AnyDirectory,
    pub(crate) servers: [AuthorizationServer; 2],
    pub(crate) nodes: [Router; 2],
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A browser at one node.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) node: Router,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// A sign-in on its way to the provider.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) challenge: String,
}

impl World {
    /// A provider called `idp` that adds its users.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(change: impl Fn(&mut SignInProvider)) -> Self {
        Self::with_all(|idp| {
            let mut provider = openid(idp, "idp");
            change(&mut provider);
            vec![provider]
        })
        .await
    }

    /// With these providers at the one that runs.
    pub(crate) async fn with_all(configure: impl Fn(&TestIssuer) -> Vec<SignInProvider>) -> Self {
        let idp = TestIssuer::start().await;
        let key = TestKey::shared(Algorithm::Es256);
        let clock = ManualClock::at(NOW);
        let directory = AnyDirectory::open("sqlite::memory:").await.unwrap();
        let node = async || {
            let mut config = IssuerConfig::new(ISSUER.parse().unwrap(), Vec::new());
            let authorities = CertificateAuthorities::default();
            config.providers = Providers::new(configure(&idp), &authorities).unwrap();
            let keys = StaticKeys::new(TestKey::shared(Algorithm::Es256).signing()).unwrap();
            let clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
            let (keys, authorities) = (Arc::new(keys), CertificateAuthorities::default());
            let opened =
                AuthorizationServer::open(config, directory.clone(), keys, authorities, clock);
            opened.await.unwrap()
        };
        let servers = [node().await, node().await];
        let nodes = servers.clone().map(AuthorizationServer::router);
        let world = Self { idp, key, clock, directory, servers, nodes };
        world.serve_metadata(|_| {});
        world.idp.serve("/keys", Reply::json(&jwks(&[key])));
        world
    }

    /// Serves the provider's metadata.
    pub(crate) fn serve_metadata(&self, change: impl FnOnce(&mut Value)) {
        let mut document = json!({
            "issuer": self.idp.issuer(),
            "authorization_endpoint": self.idp.url("/authorize"),
            "token_endpoint": self.idp.url("/token"),
            "jwks_uri": self.idp.url("/keys"),
            "userinfo_endpoint": self.idp.url("/userinfo"),
        });
        change(&mut document);
        self.idp.serve("/realms/a/.well-known/openid-configuration", Reply::json(&document));
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { node: self.nodes[0].clone(), cookies: BTreeMap::new() }
    }

    /// The ID token that is accepted.
    pub(crate) fn id_token(&self, begun: &Begun) -> Forge {
        let mut token = Forge::valid(self.key).header("typ", "JWT");
        token.claims.clear();
        let now = self.clock.now().as_secs();
        for (name, value) in [
            ("iss", json!(self.idp.issuer())),
            ("sub", json!(SUBJECT)),
            ("aud", json!(CLIENT)),
            ("exp", json!(now + 300)),
            ("iat", json!(now)),
            ("nonce", json!(begun.nonce)),
            ("name", json!("Alice")),
            ("email", json!("alice@example.com")),
            ("email_verified", json!(true)),
            ("groups", json!(["dev"])),
        ] {
            token = token.claim(name, value);
        }
        token
    }

    /// The token endpoint answers with this ID token.
    pub(crate) fn serve_token(&self, token: &Forge) {
        self.serve_tokens(&token.sign(self.key));
    }

    pub(crate) fn serve_tokens(&self, id_token: &str) {
        self.idp.serve("/token", Reply::json(&tokens(id_token)));
    }

    /// Signs in through the provider `name`, and comes back with what `change` makes of the token.
    pub(crate) async fn sign_in(
        &self,
        browser: &mut Browser,
        name: &str,
        change: impl FnOnce(Forge) -> Forge,
    ) -> Answer {
        let begun = browser.begin(name).await;
        self.serve_token(&change(self.id_token(&begun)));
        browser.come_back(name, &begun).await
    }

    /// The user of this name.
    pub(crate) async fn user(&self, subject: &str) -> Option<Arc<User>> {
        let (issuer, subject) = (ISSUER.parse().unwrap(), subject.parse().unwrap());
        self.directory.find(&issuer, &subject).await.unwrap()
    }

    /// How often the provider was asked for tokens.
    pub(crate) fn exchanges(&self) -> usize {
        self.idp.count("/token")
    }
}

/// A provider of OpenID Connect that adds its users with the role `user`.
pub(crate) fn openid(idp: &TestIssuer, name: &str) -> SignInProvider {
    let issuer = Some(idp.issuer().parse().unwrap());
    let (name, client_id) = (name.parse().unwrap(), CLIENT.parse().unwrap());
    let mut provider = ProviderPreset::OpenId.provider(name, issuer, client_id).unwrap();
    provider.label = "<Example> & Co".into();
    provider.client_secret = Some(SECRET.into());
    provider.unknown_users = UnknownUsers::Provision { roles: roles(&["user"]) };
    provider
}

pub(crate) fn tokens(id_token: &str) -> Value {
    json!({
        "access_token": "provider-access-token",
        "refresh_token": "provider-refresh-token",
        "token_type": "Bearer",
        "id_token": id_token,
    })
}

pub(crate) fn roles(names: &[&str]) -> BTreeSet<auth_core::RoleName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

impl Browser {
    /// Opens the sign-in page and goes to the provider `name`.
    pub(crate) async fn begin(&mut self, name: &str) -> Begun {
        let answer = self.choose(name, "/account").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.begun()
    }

    /// The same, for what the person came for.
    pub(crate) async fn choose(&mut self, name: &str, request: &str) -> Answer {
        let csrf = self.get("/sign-in").await.field("csrf");
        self.post(&format!("/sign-in/with/{name}"), &[("csrf", &csrf), ("request", request)]).await
    }

    /// Comes back from the provider with a code.
    pub(crate) async fn come_back(&mut self, name: &str, begun: &Begun) -> Answer {
        self.get(&format!("/sign-in/callback/{name}?code=the-code&state={}", begun.state)).await
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.cookies.contains_key("bartizan_session")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let body = auth_core::oauth::encode(form.iter().copied());
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let mut line = String::new();
        for (name, value) in &self.cookies {
            let separator = if line.is_empty() { "" } else { "; " };
            write!(line, "{separator}{name}={value}").unwrap();
        }
        if !line.is_empty() {
            request.headers_mut().insert(header::COOKIE, line.parse().unwrap());
        }
        request.extensions_mut().insert(PeerAddress([192, 0, 2, 1].into()));
        let response = self.node.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            assert!(attributes.contains("HttpOnly; SameSite=Lax"), "{attributes}");
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let named = |tag: &&str| {
            tag.contains(&format!("name=\"{name}\"")) || tag.contains(&format!("name={name} "))
        };
        let tag = self.body.split("<input").find(named).unwrap_or_else(|| panic!("{self:?}"));
        let value = tag.split_once("value=\"").unwrap().1;
        unescaped(value.split('"').next().unwrap())
    }

    /// Where the page leads on to.
    pub(crate) fn begun(&self) -> Begun {
        let (_, rest) = self.body.split_once("content=\"0; url=").unwrap();
        let url = unescaped(rest.split('"').next().unwrap());
        let (_, query) = url.split_once('?').unwrap();
        let form = Form::parse(query.as_bytes()).unwrap();
        let get = |name: &str| form.get(name).unwrap_or_default().to_owned();
        Begun { state: get("state"), nonce: get("nonce"), challenge: get("code_challenge"), url }
    }
}

pub(crate) fn unescaped(text: &str) -> String {
    let pairs = [("&#38;", "&"), ("&amp;", "&"), ("&#34;", "\""), ("&quot;", "\"")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
