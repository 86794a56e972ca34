//! Servers as child processes that misbehave.

mod ends;
mod log;
mod messages;
mod pool;
mod support;
mod warden;
