//! The negative matrix over HTTP: a running server on a free port, a fixed clock, real
//! requests. One module a part of the matrix.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod authorization;
mod authorization_server;
mod body;
mod calls;
mod depth;
mod explain;
mod harness;
mod issuers;
mod listing;
mod matrix;
mod metadata;
mod methods;
mod origin;
mod proxy;
mod resources;
mod sessions;
mod tokens;
mod users;
