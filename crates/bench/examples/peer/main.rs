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
//! | `looped` | the same, with every call through rmcp's loop |
//! | `tools` | our guard before rmcp with as many tools as are wanted, and a rule for each |
//!
//! It prints one line of JSON: where it listens, and tokens for it. With `--certificate FOLDER` it speaks TLS
//! 1.3, with `cert.pem` and `key.pem` from there; what is spoken over it is negotiated.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for measuring: it stops where it cannot go on"
)]

mod many;
mod naive;
mod ours;
mod serve;
mod tokens;

use std::path::PathBuf;

use auth_core::Algorithm;
use axum::{Router, body::Body, http::Response, http::header, routing::post};
use serve::{by_axum, by_us};
use testkit::TestKey;
use tokens::Tokens;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the tool's answer looks like, for the server that does not call it.
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"current_time\":\"2027-01-15T08:00:00.000000+00:00\",\"formatted\":\"2027-01-15 08:00:00\",\"timestamp\":1800000000.0,\"timezone\":\"Etc/UTC\"}"}],"structuredContent":{"current_time":"2027-01-15T08:00:00.000000+00:00","formatted":"2027-01-15 08:00:00","timestamp":1800000000.0,"timezone":"Etc/UTC"},"isError":false}}"#;

/// How a server is asked to be: `NAME [--algorithm A] [--tokens N] [--rules N] [--issuers N] [--users N]
/// [--tools N] [--sessions N] [--certificate FOLDER]`.
pub(crate) struct Shape {
    pub(crate) algorithm: Algorithm,
    /// How many good tokens there are to be, each another.
    pub(crate) tokens: usize,
    /// How many rules more the policy has, users the directory, and issuers are trusted.
    pub(crate) rules: usize,
    pub(crate) users: usize,
    pub(crate) issuers: usize,
    /// How many tools the server `tools` has.
    pub(crate) tools: usize,
    /// Whether clients of before 2026-07-28 have sessions, and get answers as streams: 0 or 1.
    pub(crate) sessions: usize,
    /// Where certificate and key for TLS are.
    certificate: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let mut shape = Shape {
        algorithm: Algorithm::Hs256,
        tokens: 1,
        rules: 0,
        users: 0,
        issuers: 0,
        tools: 1,
        sessions: 0,
        certificate: None,
    };
    while let (Some(flag), Some(value)) = (args.next(), args.next()) {
        match flag.as_str() {
            "--algorithm" => shape.algorithm = value.parse().unwrap(),
            "--tokens" => shape.tokens = value.parse().unwrap(),
            "--rules" => shape.rules = value.parse().unwrap(),
            "--users" => shape.users = value.parse().unwrap(),
            "--issuers" => shape.issuers = value.parse().unwrap(),
            "--tools" => shape.tools = value.parse().unwrap(),
            "--sessions" => shape.sessions = value.parse().unwrap(),
            "--certificate" => shape.certificate = Some(value.into()),
            other => panic!("no flag {other}"),
        }
    }
    let key = TestKey::generate(shape.algorithm);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    println!("{}", Tokens::new(&key, shape.tokens).describe(address));
    let certificate = shape.certificate.as_deref();
    match name.as_str() {
        "canned" => by_axum(listener, canned()).await,
        "bare" => by_axum(listener, naive::bare(shape.sessions > 0)).await,
        "naive" => by_axum(listener, naive::protected(&key)).await,
        "guarded" => by_us(listener, ours::guarded(&key, &shape).await, certificate).await,
        "unguarded" => {
            by_us(listener, ours::unguarded(&key, &shape, false).await, certificate).await;
        }
        "looped" => by_us(listener, ours::unguarded(&key, &shape, true).await, certificate).await,
        "tools" => by_us(listener, many::guarded(&key, &shape), certificate).await,
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
