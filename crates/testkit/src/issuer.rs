//! An issuer on loopback: it gives the answers that the test sets, and records what it was asked.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::TestKey;

/// An issuer that runs until it is dropped.
pub struct TestIssuer {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct World {
    replies: HashMap<String, Reply>,
    asked: Vec<Asked>,
}

/// What it answers at one path.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
}

/// What it was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path, with the query.
    pub path: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// 200 with a JSON body.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::text(body.to_string()).header("content-type", "application/json")
    }

    /// 200 with any body.
    #[must_use]
    pub fn text(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), delay: Duration::ZERO }
    }

    /// Another status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Takes its time.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// A JWK Set of these keys, each under its own `kid`.
#[must_use]
pub fn jwks(keys: &[&TestKey]) -> Value {
    let keys: Vec<_> = keys.iter().map(|key| json!(key.verifying().to_jwk())).collect();
    json!({ "keys": keys })
}

impl TestIssuer {
    /// Starts one on a free port. It answers 404 until the test sets an answer.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let world = Arc::<Mutex<World>>::default();
        let app = Router::new().fallback(answer).with_state(Arc::clone(&world));
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving");
        });
        Self { address, world, server }
    }

    /// Its identifier: a URL with a path, as most have one.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.url("/realms/a")
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers `reply` at `path` from now on.
    pub fn serve(&self, path: &str, reply: Reply) {
        self.world().replies.insert(path.to_owned(), reply);
    }

    /// Serves the document of RFC 8414 that says where the keys at `/keys` and the introspection at
    /// `/introspect` are, and these keys.
    pub fn serve_keys(&self, keys: &[&TestKey]) {
        let document = json!({
            "issuer": self.issuer(),
            "jwks_uri": self.url("/keys"),
            "introspection_endpoint": self.url("/introspect"),
        });
        self.serve("/.well-known/oauth-authorization-server/realms/a", Reply::json(&document));
        self.serve("/keys", Reply::json(&jwks(keys)));
    }

    /// How often `path` was asked for.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.world().asked.iter().filter(|asked| asked.path == path).count()
    }

    /// All that was asked so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.world().asked.clone()
    }

    /// Stops: connections are refused from now on.
    pub async fn stop(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(world): State<Arc<Mutex<World>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default().to_owned();
    let authorization = headers.get(header::AUTHORIZATION);
    let reply = {
        let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = world.replies.get(&path).cloned();
        world.asked.push(Asked {
            path,
            authorization: authorization.and_then(|it| it.to_str().ok()).map(str::to_owned),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        reply
    };
    let Some(reply) = reply else { return StatusCode::NOT_FOUND.into_response() };
    tokio::time::sleep(reply.delay).await;
    let mut response = reply.body.into_response();
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status");
    for (name, value) in reply.headers {
        let value = HeaderValue::from_str(&value).expect("a header's value");
        response.headers_mut().insert(name, value);
    }
    response
}
