//! The admin listener of the real program: what is counted of real calls, and what is made of it.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

mod exposition;
mod listening;
mod metrics;
mod monitoring;
mod program;
mod read_again;
mod status;
mod traces;
