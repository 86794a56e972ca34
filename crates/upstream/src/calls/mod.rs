//! Calls over one [`Link`](crate::link::Link): many at once, each with its own events in order.
//!
//! 1. Every request gets an id of ours, which is its progress token and its subscription too; what
//!    comes back has the caller's own again. No other request of this process has the same id.
//! 2. What a server sends during a call, and the transport does not say which, belongs to the one
//!    call in flight. Where there are several, log lines go to the calls that asked for them (from
//!    2026-07-28 on); all else is unsolicited.
//! 3. A question with no call and no one to receive it is answered with an error, and so is every
//!    question of a call that has ended.
//! 4. A call that is dropped is cancelled (`notifications/cancelled`), except `initialize`, which
//!    must not be.
//! 5. When the connection ends every call in flight is answered with an error, at once.
//! 6. A call whose events are not read ends when too many bytes are queued.
//! 7. A call of which the server says nothing for too long ends ([`CallLimits::silence`]); the
//!    others go on.
//!
//! **Invariant:** a message that is about a call reaches that call's caller and no other.

mod connection;
mod limits;
mod mailbox;
mod roots;
mod running;
mod state;
mod table;

pub use connection::{Connection, RequestError};
pub use limits::CallLimits;
pub(crate) use roots::initialize_without as initialize_without_roots;
