//! What became of the spans.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What became of the spans since the start, and how many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken by the collector.
    pub exported: u64,
    /// Dropped because the queue was full.
    pub dropped: u64,
    /// Given up: the collector could not be reached in time, or did not take them.
    pub failed: u64,
    /// In the queue now.
    pub waiting: usize,
    /// How many the queue may hold.
    pub limit: usize,
}

/// The counters behind [`Counts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) exported: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Whether spans were dropped since the queue last had less than a batch.
    is_overflowing: AtomicBool,
    /// Whether the collector did not take all of the last batch, or had something to say.
    complained: AtomicBool,
}

impl Counters {
    /// Counts a span for which there was no room. Logs the first of a row.
    pub(crate) fn drop_one(&self, limit: usize) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        if !self.is_overflowing.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                limit,
                "Traces: the queue is full, spans are dropped: is the collector too slow?"
            );
        }
    }

    /// Counts a span that comes after the last one was sent.
    pub(crate) fn drop_unsent(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the collector complains now, and whether it did before.
    pub(crate) fn complains(&self, now: bool) -> bool {
        self.complained.swap(now, Ordering::Relaxed)
    }

    /// The queue has less than a batch. Logs how many were dropped until then, if any were.
    pub(crate) fn has_room(&self) {
        if self.is_overflowing.load(Ordering::Relaxed)
            && self.is_overflowing.swap(false, Ordering::Relaxed)
        {
            let dropped = self.dropped.load(Ordering::Relaxed);
            tracing::info!(dropped, "Traces: the queue has room again (dropped since the start)");
        }
    }
}
