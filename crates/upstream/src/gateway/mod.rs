//! One upstream, put together: its servers ([`Pool`](crate::pool::Pool)), the protocol generations
//! that they speak, and the [`Front`](crate::front::Front).
//!
//! | client | server | what it gets |
//! |---|---|---|
//! | old | old | a connection; with a server for each session it begins as the client said |
//! | new | new | a connection |
//! | new | old | [`Down`](crate::translate::Down) |
//! | old | new | [`Up`](crate::translate::Up) |
//!
//! A server that speaks both generations is used in the client's own: one process for sessions, one
//! for requests without, since `initialize` decides for a whole process (MCP 2026-07-28,
//! versioning).
//!
//! Before a connection is used, the gateway lists what the server offers and compares it with what
//! was accepted: the process may be another version of the program. It compares them again before
//! the next call after something was accepted, or after a server over HTTP may have been started
//! anew.
//!
//! **Invariant:** a connection is used by those alone for whom the pool keeps it.

mod answered;
mod begin_error;
mod cached;
mod compared;
mod config;
mod generations;
mod kept;
mod leased;
mod listing;
mod started;

pub use crate::availability::Availability;
pub use config::GatewayConfig;
pub use kept::gateway;
pub use listing::offered;
