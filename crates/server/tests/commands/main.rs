//! The commands, as an operator runs them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod connect;
mod directory;
mod gateway;
mod sign_in;
mod world;
mod wrong;
