//! What this node has for sign-ins. Nothing of it is allocated before the first one.

use super::{hasher::Hasher, throttle::Addresses};

/// The threads for passwords, and the attempts by address.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(super) hasher: Hasher,
    pub(super) addresses: Addresses,
}

impl Limits {
    /// How many times Argon2id was computed.
    pub(crate) fn hashed(&self) -> u64 {
        self.hasher.runs()
    }
}
