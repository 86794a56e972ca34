//! The contract of `auth-core`, from outside: one binary, so that it is linked once.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a fixture that cannot be made must stop the test"
)]

mod assertions;
mod audit;
mod certificates;
mod explain;
mod id_tokens;
mod introspection;
mod issue;
mod issuers;
mod jwks;
mod keys;
mod matrix;
mod oauth;
mod pems;
mod policy;
mod properties;
mod resources;
mod support;
mod vectors;
mod verify;
