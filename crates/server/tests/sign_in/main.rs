//! Signing in at the server as a program, over HTTP, as MCP clients do it.
//!
//! 1. [`clients`]: the requests of each client, replayed from `exchanges/`.
//! 2. [`needs`]: what MCP clients need of an authorization server, one test for each need.
//! 3. [`proxy`]: whom the program counts behind a reverse proxy.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]
#![expect(clippy::print_stdout, reason = "a replay that fails is found by its last step")]

mod browser;
mod clients;
mod documents;
mod exchange;
mod html;
mod needs;
mod program;
mod proxy;
mod replay;
