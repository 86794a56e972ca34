//! From one protocol generation to the other, where a caller and a server are of different ones.
//!
//! *Old* is `initialize` with sessions, 2024-11-05 to 2025-11-25. *New* is 2026-07-28: every
//! request says its version and its capabilities in `_meta`. Names of members are those of the
//! schemas `schema/2025-11-25` and `schema/2026-07-28`, and of the tasks extension (SEP-2663).
//!
//! | file | what it translates |
//! |---|---|
//! | `hello` | the result of `initialize`, and of `server/discover`, with their capabilities |
//! | `request`, `result`, `error` | a call and its answer |
//! | `input` | what a server asks of a client: elicitation, sampling, roots |
//! | `level` | the level of log messages, kept for a session or said by each request |
//! | `listen` | `resources/subscribe` and `subscriptions/listen` |
//! | `tasks` | tasks of 2025-11-25 and of the extension |
//!
//! 1. The value of `params`, `result` or `error` goes in as text and comes out as text. Ids and
//!    progress tokens are not read here.
//! 2. Members that no rule names stay: their text, and their order.
//! 3. What cannot be said in the other generation is refused with a reason, or left out where the
//!    specification says that its absence means the same.
//!
//! [`Down`] uses these for callers of the new generation in front of an old server, [`Up`] the
//! other way round. Both are a [`Server`](crate::port::Server) of the caller's generation.
//!
//! **Invariant:** the functions of these files neither wait, nor send, nor keep anything.

mod capabilities;
#[cfg(test)]
mod damaged;
mod down;
mod driven;
mod error;
mod failure;
mod hello;
mod input;
mod level;
mod listen;
mod names;
mod object;
mod request;
mod result;
mod tasks;
mod up;

pub use down::{Down, DownOptions, Parked};
pub use object::UntranslatableError;
pub use up::Up;
