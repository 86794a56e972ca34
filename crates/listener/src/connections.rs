//! How many connections there are: for metrics.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use crate::kind::Kind;

/// How many connections a listener has and has refused. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    ordinary: AtomicUsize,
    reserve: AtomicUsize,
    refused: AtomicU64,
}

/// One open connection, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    connections: Connections,
    kind: Kind,
}

impl Connections {
    /// How many are open, but for those in the reserve.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.ordinary.load(Relaxed)
    }

    /// How many are open in the reserve, where health checks are answered and nothing else is.
    #[must_use]
    pub fn in_reserve(&self) -> usize {
        self.0.reserve.load(Relaxed)
    }

    /// How many were closed at once, because their address had all that it may have.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Relaxed)
    }

    pub(super) fn enter(&self, kind: Kind) -> Counted {
        self.of(kind).fetch_add(1, Relaxed);
        Counted { connections: self.clone(), kind }
    }

    pub(super) fn refuse(&self) {
        self.0.refused.fetch_add(1, Relaxed);
    }

    fn of(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Ordinary => &self.0.ordinary,
            Kind::Reserve => &self.0.reserve,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.of(self.kind).fetch_sub(1, Relaxed);
    }
}
