//! A protected MCP server and its issuer in one, with everything that may go wrong.

mod http;
mod issuer;
mod knobs;
mod server;
mod tokens;

use std::sync::{Arc, Mutex};

use axum::{Router, middleware};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::net::TcpListener;

pub(crate) use knobs::{Knobs, TurnsAway};

use issuer::issuer;
use server::{Tools, guard};
use tokens::Inner;

/// The world.
#[derive(Clone)]
pub(crate) struct World {
    origin: String,
    inner: Arc<Mutex<Inner>>,
}

impl World {
    /// Serves it.
    pub(crate) async fn new(knobs: Knobs) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            knobs,
            secrets: [("machine".to_owned(), "machine-secret".to_owned())].into(),
            ..Inner::default()
        };
        let world = Self { origin, inner: Arc::new(Mutex::new(inner)) };
        let service = StreamableHttpService::new(
            || Ok(Tools),
            Arc::<LocalSessionManager>::default(),
            StreamableHttpServerConfig::default(),
        );
        let app = Router::new()
            .nest_service("/mcp", service)
            .layer(middleware::from_fn_with_state(world.clone(), guard))
            .fallback(issuer)
            .with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        world
    }

    /// The MCP server.
    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// The issuer.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// What happened at the issuer that begins so.
    pub(crate) fn log(&self, beginning: &str) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.log.iter().filter(|line| line.starts_with(beginning)).cloned().collect()
    }

    /// Changes how the world is.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.inner.lock().unwrap().knobs);
    }

    /// No access token is good any more.
    pub(crate) fn forget_tokens(&self) {
        self.inner.lock().unwrap().tokens.clear();
    }

    /// No refresh token is good any more.
    pub(crate) fn forget_refresh_tokens(&self) {
        self.inner.lock().unwrap().refresh.clear();
    }

    /// No client that registered is known any more.
    pub(crate) fn forget_clients(&self) {
        let mut inner = self.inner.lock().unwrap();
        let known: Vec<String> = inner.grants.drain().map(|(id, _)| id).collect();
        inner.gone.extend(known);
    }

    /// Every token that there was.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.tokens.keys().chain(inner.refresh.keys()).chain(&inner.spent).cloned().collect()
    }

    /// The access token and the refresh token that are good, if there is one of each.
    pub(crate) fn current(&self) -> [String; 2] {
        let inner = self.inner.lock().unwrap();
        let only = |keys: Vec<&String>| match keys.as_slice() {
            [one] => (*one).clone(),
            all => panic!("{all:?}"),
        };
        [only(inner.tokens.keys().collect()), only(inner.refresh.keys().collect())]
    }
}
