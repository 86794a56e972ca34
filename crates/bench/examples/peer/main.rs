//! Servers to compare with, all of which answer `tools/call` of `get_time`: for `measure`, which
//! starts them.
//!
//! | name | what |
//! |---|---|
//! | `canned` | axum, and a constant answer: the lower bound |
//! | `bare` | rmcp with its macros and default settings, without any protection |
//! | `naive` | the same behind a middleware with `jsonwebtoken::decode`: a hand-written guard |
//! | `looped` | rmcp with the settings of our server, without any protection |
//! | `guarded` | the same behind our guard |
//! | `measured` | the same with metrics |
//! | `traced` | the same with traces of every call, and a collector in it (feature `traces`) |
//! | `audited` | the same with metrics and the audit log |
//! | `tools` | our guard before rmcp with any number of tools, and a rule for each |
//! | `app` | our server itself, with its users in memory and without a log (feature `app`) |
//!
//! It prints one line of JSON: where it listens, and tokens for it. With `--certificate FOLDER`,
//! `app` speaks TLS 1.3, with `cert.pem` and `key.pem` from there; the protocol over it is
//! negotiated.
//!
//! Without the feature `app` it is built without the server, its database and TLS: `just
//! instructions` needs it optimised, and in the gate that is the longest build.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for measuring: it stops where it cannot go on"
)]

#[cfg(feature = "app")]
mod app;
mod demo;
mod guarded;
mod many;
mod naive;
#[cfg(feature = "app")]
mod ours;
mod serve;
mod shape;
mod time;
mod tokens;
#[cfg(feature = "traces")]
mod traced;

use axum::{Router, body::Body, http::Response, http::header, routing::post};
use serve::{by_axum, by_us};
use shape::Shape;
use testkit::TestKey;
use tokens::Tokens;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the tool's answer looks like, for the server that does not call it.
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"current_time\":\"2027-01-15T08:00:00.000000+00:00\",\"formatted\":\"2027-01-15 08:00:00\",\"timestamp\":1800000000.0,\"timezone\":\"Etc/UTC\"}"}],"structuredContent":{"current_time":"2027-01-15T08:00:00.000000+00:00","formatted":"2027-01-15 08:00:00","timestamp":1800000000.0,"timezone":"Etc/UTC"},"isError":false}}"#;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let shape = Shape::parse(args);
    let key = TestKey::generate(shape.algorithm);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    println!("{}", Tokens::new(&key, shape.tokens).describe(address));
    match name.as_str() {
        "canned" => by_axum(listener, canned()).await,
        "bare" => by_axum(listener, naive::bare(shape.sessions > 0)).await,
        "naive" => by_axum(listener, naive::protected(&key)).await,
        "looped" => by_us(listener, demo::unprotected()).await,
        "guarded" => by_us(listener, guarded::router(&key, &shape)).await,
        "measured" => by_us(listener, guarded::measured(&key, &shape)).await,
        #[cfg(feature = "traces")]
        "traced" => by_us(listener, traced::router(&key, &shape).await).await,
        "audited" => {
            let folder = tempfile::tempdir().unwrap();
            by_us(listener, guarded::audited(&key, &shape, folder.path())).await;
        }
        "tools" => by_us(listener, many::router(&key, &shape)).await,
        #[cfg(feature = "app")]
        "app" => {
            let (router, folder) = (app::router(&key, &shape).await, shape.certificate.as_deref());
            ours::by_our_listener(listener, router, folder).await;
        }
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
