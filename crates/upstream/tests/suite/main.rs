//! The connections to MCP servers behind the gateway.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

#[cfg(unix)]
mod child;
mod core;
mod http;
mod translate;
