//! How many connections there are, and how many were refused: for metrics and the log.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{kind::Kind, seldom::Seldom};

/// How many connections a listener has and has refused. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    ordinary: AtomicUsize,
    reserve: AtomicUsize,
    refused: AtomicU64,
    failed_handshakes: AtomicU64,
    /// What is logged: that all are in use, that an address has all of its own, and failed
    /// handshakes.
    full: Seldom,
    refusals: Seldom,
    failures: Seldom,
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

    /// How many TLS handshakes failed or took too long.
    #[must_use]
    pub fn failed_handshakes(&self) -> u64 {
        self.0.failed_handshakes.load(Relaxed)
    }

    pub(super) fn enter(&self, kind: Kind) -> Counted {
        self.of(kind).fetch_add(1, Relaxed);
        Counted { connections: self.clone(), kind }
    }

    /// A connection of `address` is closed at once.
    pub(super) fn refuse(&self, address: IpAddr) {
        self.0.refused.fetch_add(1, Relaxed);
        if let Some(others) = self.0.refusals.due() {
            tracing::warn!(
                %address, others,
                "A connection is closed: its address has all that it may have"
            );
        }
    }

    /// A connection gets a place in the reserve, because all `limit` others are in use.
    pub(super) fn are_full(&self, limit: usize) {
        if let Some(others) = self.0.full.due() {
            tracing::warn!(
                limit,
                others,
                "All connections are in use: others get 503, and only health checks are answered"
            );
        }
    }

    /// A TLS handshake of `address` failed. Its peer may be anything, so this is no error of the
    /// server.
    pub(super) fn handshake_failed(&self, address: IpAddr, reason: &dyn fmt::Display) {
        self.0.failed_handshakes.fetch_add(1, Relaxed);
        if let Some(others) = self.0.failures.due() {
            tracing::info!(%address, %reason, others, "A TLS handshake failed");
        } else {
            tracing::debug!(%address, %reason, "A TLS handshake failed");
        }
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
