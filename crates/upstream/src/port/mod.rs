//! Between the [`front`](crate::front), which speaks HTTP to clients, and what is behind it.
//!
//! 1. The front knows one thing: a [`Server`] of its client's own protocol generation. A connection
//!    is one where the generations agree; a translation is one where they differ.
//! 2. [`Servers`] says which server a client has: one for a session (revisions before 2026-07-28),
//!    or one for a request (from 2026-07-28 on).
//! 3. A call gives [`Event`]s in the order in which the server sent them. The last is the one
//!    [`Event::Answer`]; a server that ends meanwhile is an answer with an error.
//! 4. A call that is dropped before its answer is cancelled at the server.

mod event;
mod server;

pub use event::{Ask, AskId, Call, Event, next_event};
pub use server::{OpenError, Opened, Server, Servers, Unsolicited, Waiting};
