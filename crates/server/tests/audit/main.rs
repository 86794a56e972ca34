//! The audit log of the program: what is recorded, what is not, and what is found when another
//! program has written in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod changes;
mod copy;
mod database;
mod decisions;
mod disk;
mod kill;
mod search;
mod tamper;
mod world;
