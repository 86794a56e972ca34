//! The endpoints, as clients and browsers see them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/notes.rs"]
mod notes;

mod assertions;
mod authorize;
mod changes;
mod client_credentials;
mod device;
mod documents;
mod introspect;
mod metadata;
mod outage;
mod private_key_jwt;
mod programs;
mod refresh;
mod register;
mod revoke;
mod sign_in;
mod token;
mod website;
