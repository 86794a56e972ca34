//! Servers as child processes that misbehave.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod ends;
mod log;
mod messages;
mod pool;
mod support;
mod warden;
