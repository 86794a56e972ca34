//! Which address a request comes from: what every bound by address counts, and every line of the
//! log names. No other module reads the headers of proxies.
//!
//! 1. From a peer that is no trusted proxy, it is the peer. Its forwarding headers are ignored.
//! 2. From a trusted proxy, it is the rightmost address in `Forwarded` (RFC 7239) or
//!    `X-Forwarded-For` that is no trusted proxy itself. Each proxy adds on the right what it has
//!    seen, so what is left of that address may be a caller's invention. It is not looked at.
//! 3. If both headers are there, they must agree.
//! 4. A proxy that names no address, by either header, is counted itself, never a value that
//!    could come from outside. The first request of each kind is logged; health checks are not.
//!
//! **Invariant:** the address is that of the peer, or one that a trusted proxy has added.

mod derive;
mod error;
mod forwarded;
mod node;
mod service;
#[cfg(test)]
mod tests;

pub(super) use self::service::{CallerAddress, Reports};
