//! Issuers that are elsewhere, over HTTP on loopback: what they may do to us, and what they may
//! not.
//!
//! The clock stands still; an hour passes when a test says so.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod audiences;
mod certificates;
mod discovery;
mod flood;
mod introspection;
mod keys;
mod memory;
mod secrecy;
mod support;
