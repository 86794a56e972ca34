//! What links to one server have found out about it.

use std::sync::atomic::{AtomicBool, Ordering};

use super::params::ParamHeaders;
use crate::link::reachability::Reachability;

/// What links to one server have found out about it. Nothing is known at first.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which arguments of its tools are repeated in headers.
    pub(super) params: ParamHeaders,
    /// Whether it can be reached.
    pub(super) reachability: Reachability,
    is_sse: AtomicBool,
}

impl Known {
    /// Whether it has the transport of 2024-11-05 alone, as far as is known.
    pub(super) fn is_sse(&self) -> bool {
        self.is_sse.load(Ordering::Relaxed)
    }

    pub(super) fn set_sse(&self, is_sse: bool) {
        self.is_sse.store(is_sse, Ordering::Relaxed);
    }
}
