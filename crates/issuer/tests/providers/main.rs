//! Signing in through another identity provider, over HTTP: a provider on loopback that answers as
//! each test wants, browsers that keep their cookies, and nodes that share a database.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a fixture that cannot be made must stop the test"
)]

#[path = "../common/notes.rs"]
mod notes;

mod accepted;
mod answers;
mod browsers;
mod github;
mod id_tokens;
mod outages;
mod users;
mod world;
