//! MCP servers behind the gateway, in any language: child processes that speak over stdin and
//! stdout, and HTTP servers.
//!
//! 1. **Messages, not types.** A JSON-RPC message is passed on as the bytes that were judged. Only
//!    ids and progress tokens are replaced, and what differs between the protocol generations. So
//!    members that this crate does not know arrive too.
//! 2. **In order.** The messages of one call arrive in the order in which the server sent them.
//! 3. **Once.** A call is never sent a second time, unless the server has refused the gateway's
//!    token with 401 and so has not processed it.
//! 4. **Bounded.** Every queue, message, child, session and round of questions has a bound.
//!
//! **Invariant:** a caller's token never reaches an upstream. No type of this crate can hold one:
//! it sees no headers of credentials, because the guard has taken them out, and what it sends comes
//! from the operator's configuration.

pub mod asks;
mod availability;
pub mod calls;
pub mod catalog;
pub mod child;
mod context;
pub mod credentials;
pub mod era;
pub mod front;
pub mod gateway;
pub mod http;
pub mod link;
pub mod pool;
pub mod port;
pub mod translate;
pub mod warden;
pub mod wire;

pub use context::CallContext;
