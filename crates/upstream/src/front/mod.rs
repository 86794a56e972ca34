//! The MCP endpoint over HTTP (streamable HTTP of 2025-11-25 and of 2026-07-28), in front of a
//! server that may speak anything.
//!
//! 1. A request that names its revision in `_meta`, or a revision of the new generation in
//!    `MCP-Protocol-Version`, is one without a session. Every other belongs to a session, which
//!    `initialize` begins.
//! 2. An answer that comes soon is JSON, unless the client names event streams first in `Accept`.
//!    If something else comes first, or nothing for a while, it is an event stream, with comments
//!    while nothing happens.
//! 3. In a session every stream can be resumed (`Last-Event-ID`) within bounds, and from 2025-11-25
//!    on it begins with an event without data. A connection that ends does not end the call,
//!    but a call that no client reads for [`FrontLimits::session_idle`] is cancelled.
//! 4. Without a session a connection that ends cancels the call.
//! 5. Calls in flight, sessions and bytes kept for replay are bounded, per owner and in all.
//!
//! **Invariant:** a session, its streams and its questions are used by the owner who began it
//! alone, whatever the guard in front of it does.

mod answer;
mod definitions;
mod headers;
mod limits;
mod new;
mod old;
mod params;
mod race;
mod replay;
mod service;
mod session;
mod sessions;
mod shared;
mod stream;
mod trace;

pub use definitions::{Definitions, NotAcceptedError, Unpinned};
pub use limits::FrontLimits;
pub use service::Front;
