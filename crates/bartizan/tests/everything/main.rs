//! The guard in front of an rmcp server that has everything a server can have, over HTTP, in both
//! generations: with sessions and event streams, and without.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod calls;
mod fixture;
mod late;
mod lists;
mod panics;
mod public;
mod rates;
mod sessions;
mod shared_rates;
mod streams;
mod targets;
mod tasks;
mod tenants;
mod world;
