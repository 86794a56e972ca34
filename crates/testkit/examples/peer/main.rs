//! Servers to compare with, all of which answer `tools/call` of `get_time`: for `measure`, which starts
//! them.
//!
//! | name | what |
//! |---|---|
//! | `canned` | axum, and an answer that stands ready: as fast as it gets |
//! | `bare` | rmcp with its macros as they come, without any protection |
//! | `naive` | the same behind a middleware with `jsonwebtoken::decode`: what one would write by hand |
//! | `guarded` | our server's app, with users in memory and without a log |
//! | `unguarded` | our server's own tools and rmcp settings, with the guard taken off |
//!
//! It prints one line of JSON: where it listens, and tokens for it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for measuring: it stops where it cannot go on"
)]

mod naive;
mod ours;
mod tokens;

use std::{convert::Infallible, time::Duration};

use auth_core::Algorithm;
use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
    routing::post,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use testkit::TestKey;
use tokens::Tokens;
use tokio::net::TcpListener;
use tower::Service;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the tool's answer looks like, for the server that does not call it.
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"current_time\":\"2027-01-15T08:00:00.000000+00:00\",\"formatted\":\"2027-01-15 08:00:00\",\"timestamp\":1800000000.0,\"timezone\":\"Etc/UTC\"}"}],"structuredContent":{"current_time":"2027-01-15T08:00:00.000000+00:00","formatted":"2027-01-15 08:00:00","timestamp":1800000000.0,"timezone":"Etc/UTC"},"isError":false}}"#;

/// How a server is asked to be: `NAME [--algorithm A] [--tokens N] [--rules N] [--issuers N] [--users N]`.
pub(crate) struct Shape {
    pub(crate) algorithm: Algorithm,
    /// How many good tokens there are to be, each another.
    pub(crate) tokens: usize,
    /// How many rules more the policy has, users the directory, and issuers are trusted.
    pub(crate) rules: usize,
    pub(crate) users: usize,
    pub(crate) issuers: usize,
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let mut shape =
        Shape { algorithm: Algorithm::Hs256, tokens: 1, rules: 0, users: 0, issuers: 0 };
    while let (Some(flag), Some(value)) = (args.next(), args.next()) {
        match flag.as_str() {
            "--algorithm" => shape.algorithm = value.parse().unwrap(),
            "--tokens" => shape.tokens = value.parse().unwrap(),
            "--rules" => shape.rules = value.parse().unwrap(),
            "--users" => shape.users = value.parse().unwrap(),
            "--issuers" => shape.issuers = value.parse().unwrap(),
            other => panic!("no flag {other}"),
        }
    }
    let key = TestKey::generate(shape.algorithm);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    println!("{}", Tokens::new(&key, shape.tokens).describe(address));
    match name.as_str() {
        "canned" => by_axum(listener, canned()).await,
        "bare" => by_axum(listener, naive::bare()).await,
        "naive" => by_axum(listener, naive::protected(&key)).await,
        "guarded" => by_us(listener, ours::guarded(&key, &shape).await).await,
        "unguarded" => by_us(listener, ours::unguarded(&key, &shape).await).await,
        other => panic!("no server {other:?}"),
    }
}

fn canned() -> Router {
    let answer = || async {
        Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(ANSWER))
            .unwrap()
    };
    Router::new().route("/mcp", post(answer))
}

/// As everybody serves, but for the socket option without which streams would wait.
async fn by_axum(listener: TcpListener, router: Router) {
    use axum::serve::ListenerExt;
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, router).await.unwrap();
}

/// As our server serves (`crates/server/src/serve.rs`), without its limit on connections.
async fn by_us<S>(listener: TcpListener, service: S)
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = TowerToHyperService::new(service.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}
