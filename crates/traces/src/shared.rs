//! What tracer and exporter share.

use auth_core::JobHealth;
use tokio::sync::Notify;

use crate::counts::Counters;

/// What tracer and exporter share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) counters: Counters,
    /// There are enough spans to be sent.
    pub(crate) is_ready: Notify,
    /// No more spans come.
    pub(crate) closing: Notify,
    pub(crate) health: JobHealth,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            counters: Counters::default(),
            is_ready: Notify::new(),
            closing: Notify::new(),
            health: JobHealth::new("exporting traces"),
        }
    }
}
