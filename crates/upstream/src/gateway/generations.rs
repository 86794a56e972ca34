//! What is known of the generations that a server speaks: it stays so while this process runs.

use std::sync::atomic::{AtomicBool, Ordering};

/// What was found out. Nothing is known at first.
#[derive(Debug, Default)]
pub(super) struct Generations {
    /// It refused `initialize`, and answered `server/discover`.
    is_new_only: AtomicBool,
    /// It ended when it was asked `server/discover`.
    ends_at_discover: AtomicBool,
}

impl Generations {
    pub(super) fn is_new_only(&self) -> bool {
        self.is_new_only.load(Ordering::Relaxed)
    }

    pub(super) fn set_new_only(&self) {
        self.is_new_only.store(true, Ordering::Relaxed);
    }

    pub(super) fn ends_at_discover(&self) -> bool {
        self.ends_at_discover.load(Ordering::Relaxed)
    }

    pub(super) fn set_ends_at_discover(&self) {
        self.ends_at_discover.store(true, Ordering::Relaxed);
    }
}
