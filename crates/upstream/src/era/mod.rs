//! The two generations of the protocol, and how a connection begins in each.
//!
//! | | old | new |
//! |---|---|---|
//! | revisions | 2024-11-05 to 2025-11-25 | 2026-07-28 |
//! | beginning | `initialize`, then `initialized` | none; `server/discover` describes it |
//! | client's capabilities | once, in `initialize` | in the `_meta` of each request |

mod handshake;
mod hello;

pub use handshake::{ConnectError, Wanted, connect, connect_for};
pub use hello::{Era, Hello};
pub(crate) use hello::{is_known_old, with_meta};
