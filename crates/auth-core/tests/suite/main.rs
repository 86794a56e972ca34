//! The contract of `auth-core`, from outside: one binary, so that it is linked once.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the helpers of a test cannot make must stop the test"
)]

mod issue;
mod keys;
mod matrix;
mod pems;
mod policy;
mod properties;
mod support;
mod vectors;
mod verify;
