//! What must not work: each row is an HTTP request to the routes, without a socket, what comes of
//! it, and that nothing else has happened. What follows a sign-in is for each way to sign in.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail the test"
)]

#[path = "../common/mod.rs"]
mod common;

mod authorize;
mod codes;
mod documents;
mod key_sets;
mod nodes;
mod pages;
mod refresh;
mod registration;
mod ways;

use auth_core::Clock;
use directory::{Directory, authorization::GrantFilter};
use http::StatusCode;

use crate::common::{Answer, World};

/// Parameters that differ from those of a good request. An empty value leaves one out; two of one
/// name are sent as two.
type Other = &'static [(&'static str, &'static str)];

/// How many grants there are, those without a token too. They are ended.
async fn grants(world: &World) -> u64 {
    let mut ended = 0;
    for client in ["public", "confidential", "web"] {
        let client_id = Some(client.parse().unwrap());
        let filter = GrantFilter { client_id, ..Default::default() };
        ended += world.store.end_grants(&filter, world.clock.now()).await.unwrap().grants;
    }
    ended
}

/// How many tokens are revoked.
async fn revoked(world: &World) -> usize {
    world.store.users().revoked_tokens().await.unwrap().len()
}

/// An error for a program: JSON with this error, that no cache keeps, and no token.
#[track_caller]
fn assert_refused(name: &str, answer: &Answer, status: StatusCode, error: &str) {
    assert_eq!((answer.status, &*answer.error()), (status, error), "{name}: {}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    assert!(answer.headers.get("set-cookie").is_none(), "{name}");
    let members = answer.json();
    for secret in ["access_token", "refresh_token", "client_secret"] {
        assert!(members.get(secret).is_none(), "{name}");
    }
    let is_printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let description = members["error_description"].as_str().unwrap_or_default();
    assert!(is_printable(description) && !description.contains(['"', '\\']), "{name}");
}
